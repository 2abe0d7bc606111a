// RUN: dsv3-opt %s --convert-dsv3-to-kern | FileCheck %s
// Each definition becomes one core op with its family and sizes; elementwise work is in scalar regions.

#T = #dsv3.dims<"T">
#T4 = #dsv3.dims<"T*4">
#O = #dsv3.dims<"O">
!x = tensor<?x128xf32, #T>
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 1>

// CHECK-LABEL: kern.def @residual_norm
// CHECK-SAME: family "rowwise" sizes ["T"] ins(%[[X:[^:]+]]: {{[^%]*}}, %[[D:[^:]+]]: {{[^%]*}}, %[[W:[^:]+]]: tensor<128xbf16>) outs(%[[O:[^:]+]]: {{[^%]*}}, %[[P:[^:]+]]:
// CHECK-NEXT: %[[Y:.+]]:2 = kern.rowwise ins(%[[X]], %[[D]], %[[W]] : {{.*}}) [element, element, column] outs(%[[O]], %[[P]] : {{.*}}) reduce add contribution {
// CHECK: %[[S:.+]] = arith.addf
// CHECK: arith.mulf %[[S]], %[[S]]
// CHECK: } finish {
// CHECK-NEXT: ^bb0(%[[R:.+]]: f32)
// CHECK: arith.divf %[[R]], %
// CHECK: math.rsqrt
// CHECK: } apply {
// CHECK: arith.addf
// CHECK: arith.extf %{{.+}} : bf16 to f32
// CHECK: kern.yield %{{.+}}, %{{.+}} : f32, f32
// CHECK: kern.yield %[[Y]]#0, %[[Y]]#1
kern.def @residual_norm kind "residual_norm" ins(%x: !x, %d: !x, %w: tensor<128xbf16>) outs(%o: !x, %p: !x) {
  %s = dsv3.add %x, %d : !x
  %n = dsv3.rms_norm %s, %w eps 1.0e-06 : !x, tensor<128xbf16>
  kern.yield %s, %n : !x, !x
}

// Without a reduction there is neither contribution nor finish.
// CHECK-LABEL: kern.def @add
// CHECK: kern.rowwise {{.*}} reduce none contribution {
// CHECK-NEXT: } finish {
// CHECK-NEXT: } apply {
kern.def @add kind "add" ins(%x: !x, %d: !x) outs(%o: !x) {
  %s = dsv3.add %x, %d : !x
  kern.yield %s : !x
}

// Slices are views, as of the buffer.
// CHECK-LABEL: kern.def @linear_add
// CHECK-SAME: family "gemm" sizes ["T"] ins(%[[X:[^:]+]]: {{[^%]*}}, %[[W:[^:]+]]: tensor<128x64xf8E4M3FN>, %[[S:[^:]+]]: tensor<1x1xf32>) outs(%[[O:[^:]+]]:
// CHECK-NEXT: %[[V:.+]] = kern.view %[[X]] offset 64
// CHECK-NEXT: kern.gemm ins(%[[V]], %[[W]] scales %[[S]] block [128, 128] : {{.*}}) outs(%[[O]] : {{.*}}) epilogue(%[[X]] : {{.*}}) [element] {
// CHECK-NEXT: ^bb0(%[[A:.+]]: f32, %[[B:.+]]: f32):
// CHECK-NEXT: arith.addf %[[B]], %[[A]]
kern.def @linear_add kind "linear_add" ins(%x: !x, %w: tensor<128x64xf8E4M3FN>, %s: tensor<1x1xf32>) outs(%o: !x) {
  %v = dsv3.slice %x [64, 64] : !x
  %p = dsv3.linear %v, %w scales %s block [128, 128] : tensor<?x64xf32, #T>, tensor<128x64xf8E4M3FN>, tensor<1x1xf32> -> !x
  %y = dsv3.add %x, %p : !x
  kern.yield %y : !x
}

// Gate and up are two parts of one weight, read side by side.
// CHECK-LABEL: kern.def @gate_up
// CHECK: kern.gemm {{.*}} parts 2 epilogue() [] {
// CHECK-NEXT: ^bb0(%[[G:.+]]: f32, %[[U:.+]]: f32):
// CHECK: %[[N:.+]] = arith.negf %[[G]]
// CHECK: %[[E:.+]] = math.exp %[[N]]
// CHECK: %[[D:.+]] = arith.addf %{{.+}}, %[[E]]
// CHECK: %[[S:.+]] = arith.divf %[[G]], %[[D]]
// CHECK: arith.mulf %[[S]], %[[U]]
kern.def @gate_up kind "gate_up" ins(%x: !x, %w: tensor<128x128xbf16>) outs(%o: tensor<?x64xf32, #T>) {
  %p = dsv3.linear %x, %w : !x, tensor<128x128xbf16> -> !x
  %y = dsv3.silu_mul %p : !x
  kern.yield %y : tensor<?x64xf32, #T>
}

// CHECK-LABEL: kern.def @lm_head
// CHECK-SAME: family "gemm" sizes ["O"]
// CHECK: kern.gemm
kern.def @lm_head kind "lm_head" ins(%x: tensor<?x128xf32, #O>, %w: tensor<320x128xbf16>) outs(%o: tensor<?x320xf32, #O>) {
  %l = dsv3.lm_head %x, %w : tensor<?x128xf32, #O>, tensor<320x128xbf16> -> tensor<?x320xf32, #O>
  kern.yield %l : tensor<?x320xf32, #O>
}

// CHECK-LABEL: kern.def @sample
// CHECK-SAME: family "sample" sizes ["O"]
// CHECK: kern.sample ins(%{{.+}}, %{{.+}} : tensor<?x320xf32, {{.*}}>, tensor<?x7xi32, {{.*}}>) outs(%{{.+}} : tensor<?xi32
kern.def @sample kind "sample" ins(%l: tensor<?x320xf32, #O>, %s: tensor<?x7xi32, #O>) outs(%o: tensor<?xi32, #O>) {
  %id = dsv3.sample %l, %s : tensor<?x320xf32, #O>, tensor<?x7xi32, #O> -> tensor<?xi32, #O>
  kern.yield %id : tensor<?xi32, #O>
}

// Heads at a stride: the first 16 of 24 columns of each.
// CHECK-LABEL: kern.def @head_linear
// CHECK: %[[V:.+]] = kern.view %{{.+}} offset 0 stride 24 : tensor<?x96xf32{{.*}} -> tensor<?x4x16xf32
// CHECK-NEXT: kern.gemm ins(%[[V]], %{{.+}} : {{.*}}, tensor<4x32x16xbf16>)
kern.def @head_linear kind "head_linear" ins(%x: tensor<?x96xf32, #T>, %w: tensor<4x32x16xbf16>) outs(%o: tensor<?x4x32xf32, #T>) {
  %h = dsv3.split_heads %x heads 4 : tensor<?x96xf32, #T>
  %q = dsv3.slice %h [0, 16] : tensor<?x4x24xf32, #T>
  %y = dsv3.head_linear %q, %w : tensor<?x4x16xf32, #T>, tensor<4x32x16xbf16> -> tensor<?x4x32xf32, #T>
  kern.yield %y : tensor<?x4x32xf32, #T>
}

// CHECK-LABEL: kern.def @experts_gate_up
// CHECK-SAME: family "grouped_gemm" sizes ["T"]
// CHECK: kern.grouped_gemm ins(%{{.+}}, %{{.+}}, %{{.+}} rows %{{.+}} : {{.*}}) {{.*}} parts 2 epilogue() [] {
kern.def @experts_gate_up kind "experts_gate_up" ins(%x: !x, %off: tensor<17xi32>, %r: tensor<?xi32, #T4>, %w: tensor<16x128x128xbf16>) outs(%o: tensor<?x64xf32, #T4>) {
  %h = dsv3.grouped_linear %x, %off rows %r, %w : !x, tensor<17xi32> rows tensor<?xi32, #T4>, tensor<16x128x128xbf16> -> tensor<?x128xf32, #T4>
  %a = dsv3.silu_mul %h : tensor<?x128xf32, #T4>
  kern.yield %a : tensor<?x64xf32, #T4>
}

// CHECK-LABEL: kern.def @combine
// CHECK: kern.combine ins({{.*}}) outs({{.*}}) epilogue(%{{.+}} : {{.*}}) [element] {
kern.def @combine kind "combine" ins(%d: tensor<?x128xf32, #T4>, %s: tensor<?x4xi32, #T>, %w: tensor<?x4xf32, #T>, %r: !x) outs(%o: !x) {
  %y = dsv3.combine %d, %s, %w : tensor<?x128xf32, #T4>, tensor<?x4xi32, #T>, tensor<?x4xf32, #T>
  %z = dsv3.add %r, %y : !x
  kern.yield %z : !x
}

// CHECK-LABEL: kern.def @router
// CHECK: %[[E:.+]], %[[W:.+]] = kern.router {{.*}} groups 4 of 2 scale 2.5{{.*}} normalise
// CHECK-NEXT: kern.yield %[[E]], %[[W]]
kern.def @router kind "router" ins(%l: tensor<?x16xf32, #T>, %b: tensor<16xf32>) outs(%eo: tensor<?x4xi32, #T>, %wo: tensor<?x4xf32, #T>) {
  %e, %w = dsv3.router %l, %b groups 4 of 2 top 4 scale 2.5 normalise : tensor<?x16xf32, #T>, tensor<16xf32>
  kern.yield %e, %w : tensor<?x4xi32, #T>, tensor<?x4xf32, #T>
}

// CHECK-LABEL: kern.def @dispatch
// CHECK: kern.dispatch
kern.def @dispatch kind "dispatch" ins(%e: tensor<?x4xi32, #T>) outs(%a: tensor<17xi32>, %b: tensor<?xi32, #T4>, %c: tensor<?x4xi32, #T>) {
  %o, %r, %s = dsv3.dispatch %e experts 16 : tensor<?x4xi32, #T>
  kern.yield %o, %r, %s : tensor<17xi32>, tensor<?xi32, #T4>, tensor<?x4xi32, #T>
}

// CHECK-LABEL: kern.def @rope_table
// CHECK: kern.rope_table {{.*}} {inverse_frequencies = array<f32: 1.0{{.*}}>, multiplier = 2.0{{.*}} : f32}
kern.def @rope_table kind "rope_table" ins(%p: tensor<?xi32, #T>) outs(%a: tensor<?x1xf32, #T>, %b: tensor<?x1xf32, #T>) {
  %c, %s = dsv3.rope_table %p {inverse_frequencies = array<f32: 1.0>, multiplier = 2.0 : f32} : tensor<?xi32, #T> -> tensor<?x1xf32, #T>
  kern.yield %c, %s : tensor<?x1xf32, #T>, tensor<?x1xf32, #T>
}

// Latent and key lie side by side in the projection: one view of both.
// CHECK-LABEL: kern.def @rope_append
// CHECK-DAG: %[[KV:.+]] = kern.view %[[B:.+]] offset 48 : tensor<?x88xf32{{.*}} -> tensor<?x40xf32
// CHECK-DAG: %[[Q:.+]] = kern.view %{{.+}} offset 16 stride 24 : tensor<?x96xf32{{.*}} -> tensor<?x4x8xf32
// CHECK: kern.rope_append ins(%[[Q]], %[[KV]], {{.*}}) into({{.*}}) outs({{.*}}) eps 1.0{{[^ ]*}}
kern.def @rope_append kind "rope_append" ins(%q: tensor<?x96xf32, #T>, %b: tensor<?x88xf32, #T>, %w: tensor<32xbf16>, %cos: tensor<?x4xf32, #T>, %sin: tensor<?x4xf32, #T>, %p: tensor<?xi32, #T>, %c: !cache) outs(%o: tensor<?x4x8xf32, #T>) {
  %l = dsv3.slice %b [48, 32] : tensor<?x88xf32, #T>
  %k = dsv3.slice %b [80, 8] : tensor<?x88xf32, #T>
  %h = dsv3.split_heads %q heads 4 : tensor<?x96xf32, #T>
  %r = dsv3.slice %h [16, 8] : tensor<?x4x24xf32, #T>
  %ln = dsv3.rms_norm %l, %w eps 1.0 : tensor<?x32xf32, #T>, tensor<32xbf16>
  %kr = dsv3.rope %k, %cos, %sin : tensor<?x8xf32, #T>, tensor<?x4xf32, #T>
  %qr = dsv3.rope %r, %cos, %sin : tensor<?x4x8xf32, #T>, tensor<?x4xf32, #T>
  dsv3.cache_append %c, %ln, %kr, %p, %p : !cache, tensor<?x32xf32, #T>, tensor<?x8xf32, #T>, tensor<?xi32, #T>
  kern.yield %qr : tensor<?x4x8xf32, #T>
}

// CHECK-LABEL: kern.def @latent_attention
// CHECK: kern.latent_attention {{.*}} scale 2.5
kern.def @latent_attention kind "latent_attention" ins(%q: tensor<?x4x32xf32, #T>, %r: tensor<?x4x8xf32, #T>, %p: tensor<?xi32, #T>, %c: !cache) outs(%o: tensor<?x4x32xf32, #T>) {
  %y = dsv3.latent_attention %q, %r, %c, %p, %p scale 2.5e-01 : tensor<?x4x32xf32, #T>, tensor<?x4x8xf32, #T>, !cache, tensor<?xi32, #T>
  kern.yield %y : tensor<?x4x32xf32, #T>
}

// CHECK-LABEL: kern.def @expanded_attention
// CHECK-SAME: family "expanded_attention"
// CHECK: kern.expanded_attention {{.*}} scale 2.5
kern.def @expanded_attention kind "mla_attention" ins(%q: tensor<?x4x16xf32, #T>, %r: tensor<?x4x8xf32, #T>, %w: tensor<4x40x32xbf16>, %p: tensor<?xi32, #T>, %c: !cache) outs(%o: tensor<?x4x24xf32, #T>) {
  %y = dsv3.mla_attention %q, %r, %w, %c, %p, %p scale 2.5e-01 : tensor<?x4x16xf32, #T>, tensor<?x4x8xf32, #T>, tensor<4x40x32xbf16>, !cache, tensor<?xi32, #T> -> tensor<?x4x24xf32, #T>
  kern.yield %y : tensor<?x4x24xf32, #T>
}

// CHECK-LABEL: kern.def @embedding
// CHECK: kern.gather ins(%{{.+}}, %{{.+}} : tensor<320x128xbf16>,
kern.def @embedding kind "embedding" ins(%i: tensor<?xi32, #T>, %t: tensor<320x128xbf16>) outs(%o: !x) {
  %y = dsv3.embedding %i, %t : tensor<?xi32, #T>, tensor<320x128xbf16> -> !x
  kern.yield %y : !x
}

// Rows of T chosen by O: the kernel is given both sizes, in order of the arguments.
// CHECK-LABEL: kern.def @gather_rows
// CHECK-SAME: family "gather" sizes ["T", "O"]
kern.def @gather_rows kind "gather_rows" ins(%x: !x, %r: tensor<?xi32, #O>) outs(%o: tensor<?x128xf32, #O>) {
  %y = dsv3.gather_rows %x, %r : !x, tensor<?xi32, #O>
  kern.yield %y : tensor<?x128xf32, #O>
}

// CHECK-LABEL: kern.def @concat
// CHECK: kern.concat
kern.def @concat kind "concat" ins(%a: !x, %b: !x) outs(%o: tensor<?x256xf32, #T>) {
  %y = dsv3.concat %a, %b : !x, !x
  kern.yield %y : tensor<?x256xf32, #T>
}

// Values between ops are rounded as tensors of their type would be; codes come from a stage.
// CHECK-LABEL: kern.def @residual_norm_quantise
// CHECK: %[[Y:.+]]:3 = kern.rowwise {{.*}} reduce add contribution {
// CHECK: %[[S:.+]] = arith.addf
// CHECK: %[[N:.+]] = arith.truncf %[[S]] : f32 to bf16
// CHECK: %[[W:.+]] = arith.extf %[[N]] : bf16 to f32
// CHECK: arith.mulf %[[W]], %[[W]]
// CHECK: } apply {
// CHECK: kern.yield %{{.+}}, %{{.+}} : bf16, bf16
// CHECK: } quantise group 128 ue8m0 ->
// CHECK: kern.yield %[[Y]]#0, %[[Y]]#1, %[[Y]]#2
kern.def @residual_norm_quantise kind "residual_norm_quantise" ins(%x: tensor<?x128xbf16, #T>, %d: tensor<?x128xbf16, #T>, %w: tensor<128xbf16>) outs(%o: tensor<?x128xbf16, #T>, %q: tensor<?x128xf8E4M3FN, #T>, %c: tensor<?x1xf32, #T>) {
  %s = dsv3.add %x, %d : tensor<?x128xbf16, #T>
  %n = dsv3.rms_norm %s, %w eps 1.0e-06 : tensor<?x128xbf16, #T>, tensor<128xbf16>
  %k, %t = dsv3.quantise %n group 128 ue8m0 : tensor<?x128xbf16, #T> -> tensor<?x128xf8E4M3FN, #T>, tensor<?x1xf32, #T>
  kern.yield %s, %k, %t : tensor<?x128xbf16, #T>, tensor<?x128xf8E4M3FN, #T>, tensor<?x1xf32, #T>
}

// A product of codes, whose result leaves as codes. Accumulators are rounded before SiLU.
// CHECK-LABEL: kern.def @gate_up_quantise
// CHECK-SAME: ins(%[[A:[^:]+]]: {{[^%]*}}, %[[AS:[^:]+]]: {{[^%]*}}, %[[W:[^:]+]]: {{[^%]*}}, %[[S:[^:]+]]: {{.*}} outs(%[[Q:[^:]+]]: {{[^%]*}}, %[[QS:[^:]+]]:
// CHECK: kern.gemm ins(%[[A]] scales %[[AS]], %[[W]] scales %[[S]] block [128, 128] : {{.*}}) outs(%[[Q]], %[[QS]] : {{.*}}) parts 2 epilogue() [] {
// CHECK-NEXT: ^bb0(%[[G:.+]]: f32, %[[U:.+]]: f32):
// CHECK-DAG: arith.truncf %[[G]] : f32 to bf16
// CHECK-DAG: arith.truncf %[[U]] : f32 to bf16
// CHECK: math.exp
// CHECK: %[[R:.+]] = arith.truncf %{{.+}} : f32 to bf16
// CHECK-NEXT: kern.yield %[[R]] : bf16
// CHECK-NEXT: } quantise group 128 ->
kern.def @gate_up_quantise kind "gate_up_quantise" ins(%x: tensor<?x128xf8E4M3FN, #T>, %xs: tensor<?x1xf32, #T>, %w: tensor<128x128xf8E4M3FN>, %s: tensor<1x1xf32>) outs(%q: tensor<?x64xf8E4M3FN, #T>, %c: tensor<?x1xf32, #T>) {
  %p = dsv3.linear %x x_scales %xs, %w scales %s block [128, 128] : tensor<?x128xf8E4M3FN, #T> x_scales tensor<?x1xf32, #T>, tensor<128x128xf8E4M3FN>, tensor<1x1xf32> -> tensor<?x128xbf16, #T>
  %a = dsv3.silu_mul %p : tensor<?x128xbf16, #T>
  %k, %t = dsv3.quantise %a group 128 : tensor<?x64xbf16, #T> -> tensor<?x64xf8E4M3FN, #T>, tensor<?x1xf32, #T>
  kern.yield %k, %t : tensor<?x64xf8E4M3FN, #T>, tensor<?x1xf32, #T>
}

// The codes of all heads lie side by side.
// CHECK-LABEL: kern.def @head_linear_quantise
// CHECK-SAME: ins(%[[A:[^:]+]]: {{[^%]*}}, %[[W:[^:]+]]: {{.*}} outs(%[[Q:[^:]+]]: {{[^%]*}}, %[[QS:[^:]+]]:
// CHECK: kern.gemm ins(%[[A]], %[[W]] : {{.*}}) outs(%[[Q]], %[[QS]] : tensor<?x256xf8E4M3FN, {{.*}}>, tensor<?x2xf32, {{.*}}>) epilogue() [] {
// CHECK-NEXT: ^bb0(%[[V:.+]]: f32):
// CHECK-NEXT: %[[R:.+]] = arith.truncf %[[V]] : f32 to bf16
// CHECK-NEXT: kern.yield %[[R]] : bf16
// CHECK-NEXT: } quantise group 128 ->
kern.def @head_linear_quantise kind "head_linear_quantise" ins(%x: tensor<?x2x64xbf16, #T>, %w: tensor<2x128x64xbf16>) outs(%q: tensor<?x256xf8E4M3FN, #T>, %c: tensor<?x2xf32, #T>) {
  %p = dsv3.head_linear %x, %w : tensor<?x2x64xbf16, #T>, tensor<2x128x64xbf16> -> tensor<?x2x128xbf16, #T>
  %m = dsv3.merge_heads %p : tensor<?x2x128xbf16, #T>
  %k, %t = dsv3.quantise %m group 128 : tensor<?x256xbf16, #T> -> tensor<?x256xf8E4M3FN, #T>, tensor<?x2xf32, #T>
  kern.yield %k, %t : tensor<?x256xf8E4M3FN, #T>, tensor<?x2xf32, #T>
}

// An expanded weight is a prologue of the product that reads it.
// CHECK-LABEL: kern.def @expanded
// CHECK: kern.gemm ins(%{{.+}}, %{{.+}} scales %{{.+}} block [128, 128] : tensor<?x128xbf16, {{.*}}>, tensor<128x128xf8E4M3FN>, tensor<1x1xf32>) outs({{.*}}) prologue {
// CHECK-NEXT: ^bb0(%[[V:.+]]: f32):
// CHECK-NEXT: %[[R:.+]] = arith.truncf %[[V]] : f32 to bf16
// CHECK-NEXT: kern.yield %[[R]] : bf16
// CHECK-NEXT: } epilogue
kern.def @expanded kind "linear" ins(%x: tensor<?x128xbf16, #T>, %w: tensor<128x128xf8E4M3FN>, %s: tensor<1x1xf32>) outs(%o: tensor<?x128xbf16, #T>) {
  %e = dsv3.dequantise %w scales %s block [128, 128] : tensor<128x128xf8E4M3FN>, tensor<1x1xf32> -> tensor<128x128xbf16>
  %p = dsv3.linear %x, %e : tensor<?x128xbf16, #T>, tensor<128x128xbf16> -> tensor<?x128xbf16, #T>
  kern.yield %p : tensor<?x128xbf16, #T>
}

// CHECK-LABEL: kern.def @expanded_experts
// CHECK: kern.grouped_gemm {{.*}} prologue {
// CHECK-NEXT: ^bb0(%[[V:.+]]: f32):
// CHECK-NEXT: %[[R:.+]] = arith.truncf %[[V]] : f32 to bf16
kern.def @expanded_experts kind "experts_down" ins(%x: tensor<?x64xbf16, #T4>, %off: tensor<17xi32>, %w: tensor<16x128x64xf32>) outs(%o: tensor<?x128xbf16, #T4>) {
  %e = dsv3.cast %w : tensor<16x128x64xf32> -> tensor<16x128x64xbf16>
  %p = dsv3.grouped_linear %x, %off, %e : tensor<?x64xbf16, #T4>, tensor<17xi32>, tensor<16x128x64xbf16> -> tensor<?x128xbf16, #T4>
  kern.yield %p : tensor<?x128xbf16, #T4>
}
