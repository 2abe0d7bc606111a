// RUN: dsv3-opt %s | dsv3-opt | FileCheck %s
// RUN: dsv3-opt %s --mlir-print-op-generic | dsv3-opt | FileCheck %s
// Every op, with and without its optional parts, is printed as it is parsed.

#T = #dsv3.dims<"T">
#T4 = #dsv3.dims<"T*4">
!x = tensor<?x128xf32, #T>
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 2>

// A definition of phase fused, and its launch.
// CHECK: kern.def @residual_norm kind "residual_norm" ins(%[[X:[^:]+]]: tensor<?x128xf32{{.*}}, %[[W:[^:]+]]: tensor<128xbf16>) outs(%[[O:[^:]+]]: tensor<?x128xf32{{[^:]*}}) {
// CHECK: kern.yield %{{.*}} : tensor<?x128xf32
kern.def @residual_norm kind "residual_norm" ins(%x: !x, %w: tensor<128xbf16>) outs(%o: !x) {
  %s = dsv3.add %x, %x : !x
  %n = dsv3.rms_norm %s, %w eps 1.0e-06 : !x, tensor<128xbf16>
  kern.yield %n : !x
}

// CHECK-LABEL: func.func @launches
func.func @launches(%x: !x, %w: tensor<128xbf16>) -> !x {
  // CHECK: %[[E:.+]] = kern.empty : tensor<?x128xf32
  %e = kern.empty : !x
  // CHECK: kern.launch @residual_norm ins(%{{.+}}, %{{.+}} : {{.*}}, tensor<128xbf16>) outs(%[[E]] : {{.*}}) -> tensor<?x128xf32
  %y = kern.launch @residual_norm ins(%x, %w : !x, tensor<128xbf16>) outs(%e : !x) -> !x
  // CHECK: kern.group "sum" -> tensor<?x128xf32{{.*}} {
  // CHECK: kern.yield
  %z = kern.group "sum" -> !x {
    %a = dsv3.add %y, %y : !x
    kern.yield %a : !x
  }
  // CHECK: kern.group "nothing" {
  // CHECK-NEXT: kern.yield{{$}}
  kern.group "nothing" {
    kern.yield
  }
  return %z : !x
}

// A definition of phase configured.
// CHECK: kern.def @norm kind "norm" family "rowwise" sizes ["T"] ins({{.*}}) outs({{.*}}) configs {"x86-64-v3" = {scratch = 0 : i64, tiles = array<i64: 0, 1, 8, 1, 0>}} {
kern.def @norm kind "norm" family "rowwise" sizes ["T"] ins(%x: !x, %w: tensor<128xbf16>) outs(%o: !x) configs {"x86-64-v3" = {scratch = 0 : i64, tiles = array<i64: 0, 1, 8, 1, 0>}} {
  // CHECK: kern.rowwise ins(%{{.+}}, %{{.+}} : {{.*}}) [element, column] outs(%{{.+}} : {{.*}}) reduce add contribution {
  // CHECK: ^bb0(%[[A:.+]]: f32, %{{.+}}: bf16):
  // CHECK: arith.mulf %[[A]], %[[A]] : f32
  // CHECK: } finish {
  // CHECK: ^bb0(%{{.+}}: f32):
  // CHECK: math.rsqrt
  // CHECK: } apply {
  // CHECK: ^bb0(%{{.+}}: f32, %{{.+}}: bf16, %{{.+}}: f32):
  // CHECK: } -> tensor<?x128xf32
  %y = kern.rowwise ins(%x, %w : !x, tensor<128xbf16>) [element, column] outs(%o : !x) reduce add contribution {
  ^bb0(%a: f32, %b: bf16):
    %q = arith.mulf %a, %a : f32
    kern.yield %q : f32
  } finish {
  ^bb0(%r: f32):
    %s = math.rsqrt %r : f32
    kern.yield %s : f32
  } apply {
  ^bb0(%a: f32, %b: bf16, %s: f32):
    %c = arith.extf %b : bf16 to f32
    %d = arith.mulf %a, %s : f32
    %e = arith.mulf %c, %d : f32
    kern.yield %e : f32
  } -> !x
  kern.yield %y : !x
}

// CHECK-LABEL: func.func @rows
func.func @rows(%x: !x, %t: tensor<?xf32, #T>, %table: tensor<320x128xbf16>, %i: tensor<?xi32, #T>, %s: tensor<?x7xi32, #T>, %w: tensor<?x256xf32, #T>) {
  // CHECK: kern.rowwise ins({{.*}}) [element, row] outs({{.*}}) reduce none contribution {
  // CHECK-NEXT: } finish {
  // CHECK-NEXT: } apply {
  %a = kern.rowwise ins(%x, %t : !x, tensor<?xf32, #T>) [element, row] outs(%x : !x) reduce none contribution {
  } finish {
  } apply {
  ^bb0(%p: f32, %q: f32):
    %r = arith.addf %p, %q : f32
    kern.yield %r : f32
  } -> !x
  // CHECK: kern.gather ins(%{{.+}}, %{{.+}} : tensor<320x128xbf16>, {{.*}}) outs({{.*}}) -> tensor<?x128xf32
  %b = kern.gather ins(%table, %i : tensor<320x128xbf16>, tensor<?xi32, #T>) outs(%x : !x) -> !x
  // CHECK: kern.sample ins(%{{.+}}, %{{.+}} : tensor<?x128xf32, {{.*}}>, tensor<?x7xi32, {{.*}}>) outs({{.*}}) -> tensor<?xi32
  %token = kern.sample ins(%x, %s : !x, tensor<?x7xi32, #T>) outs(%i : tensor<?xi32, #T>) -> tensor<?xi32, #T>
  // CHECK: kern.concat ins({{.*}}) outs({{.*}}) -> tensor<?x256xf32
  %c = kern.concat ins(%a, %b : !x, !x) outs(%w : tensor<?x256xf32, #T>) -> tensor<?x256xf32, #T>
  // CHECK: kern.view %{{.+}} offset 128 : {{.*}} -> tensor<?x128xf32
  %d = kern.view %c offset 128 : tensor<?x256xf32, #T> -> !x
  // CHECK: kern.view %{{.+}} offset 32 stride 64 : {{.*}} -> tensor<?x4x32xf32
  %e = kern.view %c offset 32 stride 64 : tensor<?x256xf32, #T> -> tensor<?x4x32xf32, #T>
  return
}

// CHECK-LABEL: func.func @products
func.func @products(%x: !x, %w: tensor<256x128xbf16>, %w8: tensor<128x128xf8E4M3FN>, %s: tensor<1x1xf32>, %w4: tensor<128x128xi4>, %s4: tensor<128x4x2xf16>, %h: tensor<?x4x16xf32, #T>, %wh: tensor<4x32x16xbf16>, %oh: tensor<?x4x32xf32, #T>, %we: tensor<16x128x128xbf16>, %we8: tensor<16x128x128xf8E4M3FN>, %se: tensor<16x1x1xf32>, %off: tensor<17xi32>, %r: tensor<?xi32, #T4>, %o4: tensor<?x128xf32, #T4>, %g: tensor<16xf32>) {
  // CHECK: kern.gemm ins({{.*}}) outs({{.*}}) parts 2 epilogue() [] {
  // CHECK-NEXT: ^bb0(%{{.+}}: f32, %{{.+}}: f32):
  %a = kern.gemm ins(%x, %w : !x, tensor<256x128xbf16>) outs(%x : !x) parts 2 epilogue() [] {
  ^bb0(%p: f32, %q: f32):
    %m = arith.mulf %p, %q : f32
    kern.yield %m : f32
  } -> !x
  // CHECK: kern.gemm
  // CHECK: {in_place} -> tensor<?x128xf32
  %place = kern.gemm ins(%x, %w : !x, tensor<256x128xbf16>) outs(%x : !x) parts 2 epilogue() [] {
  ^bb0(%p: f32, %q: f32):
    kern.yield %p : f32
  } {in_place} -> !x
  // CHECK: kern.gemm ins(%{{.+}}, %{{.+}} scales %{{.+}} block [128, 128] : {{.*}}, tensor<128x128xf8E4M3FN>, tensor<1x1xf32>) outs({{.*}}) epilogue(%{{.+}} : {{.*}}) [element] {
  %b = kern.gemm ins(%x, %w8 scales %s block [128, 128] : !x, tensor<128x128xf8E4M3FN>, tensor<1x1xf32>) outs(%x : !x) epilogue(%a : !x) [element] {
  ^bb0(%p: f32, %q: f32):
    %m = arith.addf %p, %q : f32
    kern.yield %m : f32
  } -> !x
  // CHECK: kern.gemm ins(%{{.+}}, %{{.+}} scales %{{.+}} block [1, 32] : {{.*}}, tensor<128x128xi4>, tensor<128x4x2xf16>) outs
  %b4 = kern.gemm ins(%x, %w4 scales %s4 block [1, 32] : !x, tensor<128x128xi4>, tensor<128x4x2xf16>) outs(%x : !x) epilogue() [] {
  ^bb0(%p: f32):
    kern.yield %p : f32
  } -> !x
  // CHECK: kern.gemm ins(%{{.+}}, %{{.+}} : tensor<?x4x16xf32{{.*}}, tensor<4x32x16xbf16>) outs({{.*}}) epilogue() [] {
  %c = kern.gemm ins(%h, %wh : tensor<?x4x16xf32, #T>, tensor<4x32x16xbf16>) outs(%oh : tensor<?x4x32xf32, #T>) epilogue() [] {
  ^bb0(%p: f32):
    kern.yield %p : f32
  } -> tensor<?x4x32xf32, #T>
  // CHECK: kern.grouped_gemm ins(%{{.+}}, %{{.+}}, %{{.+}} rows %{{.+}} : {{.*}} rows {{.*}}) outs({{.*}}) epilogue(%{{.+}} : tensor<16xf32>) [group] {
  %d = kern.grouped_gemm ins(%x, %we, %off rows %r : !x, tensor<16x128x128xbf16>, tensor<17xi32> rows tensor<?xi32, #T4>) outs(%o4 : tensor<?x128xf32, #T4>) epilogue(%g : tensor<16xf32>) [group] {
  ^bb0(%p: f32, %q: f32):
    %m = arith.mulf %p, %q : f32
    kern.yield %m : f32
  } -> tensor<?x128xf32, #T4>
  // CHECK: kern.grouped_gemm ins(%{{.+}}, %{{.+}} scales %{{.+}} block [128, 128], %{{.+}} : {{.*}}) outs({{.*}}) epilogue() [] {
  %e = kern.grouped_gemm ins(%d, %we8 scales %se block [128, 128], %off : tensor<?x128xf32, #T4>, tensor<16x128x128xf8E4M3FN> scales tensor<16x1x1xf32>, tensor<17xi32>) outs(%o4 : tensor<?x128xf32, #T4>) epilogue() [] {
  ^bb0(%p: f32):
    kern.yield %p : f32
  } -> tensor<?x128xf32, #T4>
  // CHECK: kern.grouped_gemm ins(%{{.+}}, %{{.+}}, %{{.+}} capacity 10 : tensor<160x128xf32>, {{.*}}, tensor<16xi32>) outs({{.*}}) epilogue() [] {
  %room = kern.empty : tensor<160x128xf32>
  %counts = kern.empty : tensor<16xi32>
  %f = kern.grouped_gemm ins(%room, %we, %counts capacity 10 : tensor<160x128xf32>, tensor<16x128x128xbf16>, tensor<16xi32>) outs(%room : tensor<160x128xf32>) epilogue() [] {
  ^bb0(%p: f32):
    kern.yield %p : f32
  } -> tensor<160x128xf32>
  return
}

// CHECK-LABEL: func.func @experts
func.func @experts(%l: tensor<?x16xf32, #T>, %b: tensor<16xf32>, %eo: tensor<?x4xi32, #T>, %wo: tensor<?x4xf32, #T>, %oo: tensor<17xi32>, %ro: tensor<?xi32, #T4>, %x4: tensor<?x128xf32, #T4>, %x: !x, %c: tensor<128xf32>) {
  // CHECK: kern.router ins({{.*}}) outs({{.*}}) groups 4 of 2 scale 2.5{{[^ ]*}} normalise ->
  %e, %w = kern.router ins(%l, %b : tensor<?x16xf32, #T>, tensor<16xf32>) outs(%eo, %wo : tensor<?x4xi32, #T>, tensor<?x4xf32, #T>) groups 4 of 2 scale 2.5 normalise -> tensor<?x4xi32, #T>, tensor<?x4xf32, #T>
  // CHECK: kern.dispatch ins({{.*}}) outs({{.*}}) -> tensor<17xi32>,
  %o, %r, %s = kern.dispatch ins(%e : tensor<?x4xi32, #T>) outs(%oo, %ro, %eo : tensor<17xi32>, tensor<?xi32, #T4>, tensor<?x4xi32, #T>) -> tensor<17xi32>, tensor<?xi32, #T4>, tensor<?x4xi32, #T>
  // CHECK: kern.combine ins({{.*}}) outs({{.*}}) epilogue(%{{.+}}, %{{.+}} : {{.*}}) [element, column] {
  %y = kern.combine ins(%x4, %s, %w : tensor<?x128xf32, #T4>, tensor<?x4xi32, #T>, tensor<?x4xf32, #T>) outs(%x : !x) epilogue(%x, %c : !x, tensor<128xf32>) [element, column] {
  ^bb0(%acc: f32, %p: f32, %q: f32):
    %m = arith.addf %acc, %p : f32
    kern.yield %m : f32
  } -> !x
  return
}

// CHECK-LABEL: func.func @attention
func.func @attention(%p: tensor<?xi32, #T>, %t: tensor<?x4xf32, #T>, %q: tensor<?x4x8xf32, #T>, %kv: tensor<?x40xf32, #T>, %w: tensor<32xbf16>, %ql: tensor<?x4x32xf32, #T>, %qn: tensor<?x4x16xf32, #T>, %kvb: tensor<4x40x32xf8E4M3FN>, %s: tensor<4x1x1xf32>, %o: tensor<?x4x24xf32, #T>, %parts: tensor<?x4x102xf32, #T>, %cache: !cache) {
  // CHECK: kern.rope_table ins({{.*}}) outs({{.*}}) {inverse_frequencies = array<f32: {{.*}}>, multiplier = 1.0{{.*}} : f32} ->
  %cos, %sin = kern.rope_table ins(%p : tensor<?xi32, #T>) outs(%t, %t : tensor<?x4xf32, #T>, tensor<?x4xf32, #T>) {inverse_frequencies = array<f32: 1.0, 0.5, 0.25, 0.125>, multiplier = 1.0 : f32} -> tensor<?x4xf32, #T>, tensor<?x4xf32, #T>
  // CHECK: kern.rope_append ins({{.*}}) into(%{{.+}}) outs({{.*}}) eps {{[^ ]+}} ->
  %a = kern.rope_append ins(%q, %kv, %w, %cos, %sin, %p, %p : tensor<?x4x8xf32, #T>, tensor<?x40xf32, #T>, tensor<32xbf16>, tensor<?x4xf32, #T>, tensor<?x4xf32, #T>, tensor<?xi32, #T>, tensor<?xi32, #T>) into(%cache : !cache) outs(%q : tensor<?x4x8xf32, #T>) eps 1.0e-06 -> tensor<?x4x8xf32, #T>
  // CHECK: kern.latent_attention ins({{.*}}) from(%{{.+}}) outs({{.*}}) scale 2.5{{[^ ]*}} ->
  %b = kern.latent_attention ins(%ql, %a, %p, %p : tensor<?x4x32xf32, #T>, tensor<?x4x8xf32, #T>, tensor<?xi32, #T>, tensor<?xi32, #T>) from(%cache : !cache) outs(%ql : tensor<?x4x32xf32, #T>) scale 2.5e-01 -> tensor<?x4x32xf32, #T>
  // CHECK: kern.latent_attention ins({{.*}}) from(%{{.+}}) outs({{.*}}) scale 2.5{{[^ ]*}} parts 3 pages 2 -> tensor<?x4x102xf32
  %b3 = kern.latent_attention ins(%ql, %a, %p, %p : tensor<?x4x32xf32, #T>, tensor<?x4x8xf32, #T>, tensor<?xi32, #T>, tensor<?xi32, #T>) from(%cache : !cache) outs(%parts : tensor<?x4x102xf32, #T>) scale 2.5e-01 parts 3 pages 2 -> tensor<?x4x102xf32, #T>
  // CHECK: kern.attention_combine ins(%{{.+}} : {{.*}}) outs(%{{.+}} : {{.*}}) parts 3 -> tensor<?x4x32xf32
  %b4 = kern.attention_combine ins(%b3 : tensor<?x4x102xf32, #T>) outs(%ql : tensor<?x4x32xf32, #T>) parts 3 -> tensor<?x4x32xf32, #T>
  // CHECK: kern.expanded_attention ins(%{{.+}}, %{{.+}}, %{{.+}} scales %{{.+}} block [128, 128], {{.*}}) from(%{{.+}}) outs({{.*}}) scale 2.5{{[^ ]*}} ->
  %c = kern.expanded_attention ins(%qn, %a, %kvb scales %s block [128, 128], %p, %p : tensor<?x4x16xf32, #T>, tensor<?x4x8xf32, #T>, tensor<4x40x32xf8E4M3FN> scales tensor<4x1x1xf32>, tensor<?xi32, #T>, tensor<?xi32, #T>) from(%cache : !cache) outs(%o : tensor<?x4x24xf32, #T>) scale 2.5e-01 -> tensor<?x4x24xf32, #T>
  return
}

// FP8 rows, a prologue of the weight, and codes in the place of values.
// CHECK-LABEL: func.func @precision(
func.func @precision(%x: tensor<?x128xbf16, #T>, %q: tensor<?x128xf8E4M3FN, #T>, %s: tensor<?x1xf32, #T>, %w: tensor<128x128xf8E4M3FN>, %ws: tensor<1x1xf32>, %we: tensor<16x128x128xf8E4M3FN>, %es: tensor<16x1x1xf32>, %off: tensor<17xi32>, %r: tensor<?xi32, #T4>, %q4: tensor<?x128xf8E4M3FN, #T4>, %s4: tensor<?x1xf32, #T4>) {
  // CHECK: kern.rowwise {{.*}} outs(%{{.+}}, %{{.+}}, %{{.+}} : {{.*}}) reduce none
  // CHECK: } quantise group 128 ue8m0 -> tensor<?x128xbf16{{.*}}, tensor<?x128xf8E4M3FN{{.*}}, tensor<?x1xf32
  %a:3 = kern.rowwise ins(%x : tensor<?x128xbf16, #T>) [element] outs(%x, %q, %s : tensor<?x128xbf16, #T>, tensor<?x128xf8E4M3FN, #T>, tensor<?x1xf32, #T>) reduce none contribution {
  } finish {
  } apply {
  ^bb0(%e: bf16):
    kern.yield %e, %e : bf16, bf16
  } quantise group 128 ue8m0 -> tensor<?x128xbf16, #T>, tensor<?x128xf8E4M3FN, #T>, tensor<?x1xf32, #T>
  // CHECK: kern.gemm ins(%{{.+}} scales %{{.+}}, %{{.+}} scales %{{.+}} block [128, 128] : tensor<?x128xf8E4M3FN, {{.*}}> scales tensor<?x1xf32, {{.*}}>, tensor<128x128xf8E4M3FN>, tensor<1x1xf32>) outs(%{{.+}}, %{{.+}} : {{.*}}) epilogue() [] {
  // CHECK: } quantise group 128 -> tensor<?x128xf8E4M3FN, {{.*}}>, tensor<?x1xf32
  %b:2 = kern.gemm ins(%a#1 scales %a#2, %w scales %ws block [128, 128] : tensor<?x128xf8E4M3FN, #T> scales tensor<?x1xf32, #T>, tensor<128x128xf8E4M3FN>, tensor<1x1xf32>) outs(%q, %s : tensor<?x128xf8E4M3FN, #T>, tensor<?x1xf32, #T>) epilogue() [] {
  ^bb0(%e: f32):
    kern.yield %e : f32
  } quantise group 128 -> tensor<?x128xf8E4M3FN, #T>, tensor<?x1xf32, #T>
  // CHECK: kern.gemm {{.*}} prologue {
  // CHECK-NEXT: ^bb0(%{{.+}}: f32):
  // CHECK: } epilogue() [] {
  %c = kern.gemm ins(%x, %w scales %ws block [128, 128] : tensor<?x128xbf16, #T>, tensor<128x128xf8E4M3FN>, tensor<1x1xf32>) outs(%x : tensor<?x128xbf16, #T>) prologue {
  ^bb0(%e: f32):
    %n = arith.truncf %e : f32 to bf16
    kern.yield %n : bf16
  } epilogue() [] {
  ^bb0(%e: f32):
    %n = arith.truncf %e : f32 to bf16
    kern.yield %n : bf16
  } -> tensor<?x128xbf16, #T>
  // CHECK: kern.grouped_gemm ins(%{{.+}} scales %{{.+}}, %{{.+}} scales %{{.+}} block [128, 128], %{{.+}} rows %{{.+}} : {{.*}}) outs(%{{.+}}, %{{.+}} : {{.*}}) epilogue() [] {
  // CHECK: } quantise group 128 ->
  %d:2 = kern.grouped_gemm ins(%b#0 scales %b#1, %we scales %es block [128, 128], %off rows %r : tensor<?x128xf8E4M3FN, #T> scales tensor<?x1xf32, #T>, tensor<16x128x128xf8E4M3FN> scales tensor<16x1x1xf32>, tensor<17xi32> rows tensor<?xi32, #T4>) outs(%q4, %s4 : tensor<?x128xf8E4M3FN, #T4>, tensor<?x1xf32, #T4>) epilogue() [] {
  ^bb0(%e: f32):
    kern.yield %e : f32
  } quantise group 128 -> tensor<?x128xf8E4M3FN, #T4>, tensor<?x1xf32, #T4>
  return
}

// A prompt's keys and values of bf16, of a context that is rounded up to whole pieces.
// CHECK-LABEL: func.func @prefill(
!cache500 = !dsv3.cache<bf16, latent = 32, rope = 8, page = 64, context = 500, requests = 2>
func.func @prefill(%q: tensor<?x4x16xbf16, #T>, %r: tensor<?x4x8xbf16, #T>, %w: tensor<4x40x32xbf16>, %p: tensor<?xi32, #T>, %cache: !cache500, %k: tensor<1024x4x16xbf16>, %s: tensor<1024x8xbf16>, %v: tensor<4x24x1024xbf16>, %o: tensor<?x4x24xbf16, #T>) {
  // CHECK: kern.expand_latents ins(%{{.+}}, %{{.+}}, %{{.+}} : {{.*}}) from(%{{.+}}) outs({{.*}}) -> tensor<1024x4x16xbf16>, tensor<1024x8xbf16>, tensor<4x24x1024xbf16>
  %a, %b, %c = kern.expand_latents ins(%w, %p, %p : tensor<4x40x32xbf16>, tensor<?xi32, #T>, tensor<?xi32, #T>) from(%cache : !cache500) outs(%k, %s, %v : tensor<1024x4x16xbf16>, tensor<1024x8xbf16>, tensor<4x24x1024xbf16>) -> tensor<1024x4x16xbf16>, tensor<1024x8xbf16>, tensor<4x24x1024xbf16>
  // CHECK: kern.prefill_attention ins({{.*}}) outs(%{{.+}} : {{.*}}) context 500 scale 2.5{{[^ ]*}} -> tensor<?x4x24xbf16
  %y = kern.prefill_attention ins(%q, %r, %a, %b, %c, %p, %p : tensor<?x4x16xbf16, #T>, tensor<?x4x8xbf16, #T>, tensor<1024x4x16xbf16>, tensor<1024x8xbf16>, tensor<4x24x1024xbf16>, tensor<?xi32, #T>, tensor<?xi32, #T>) outs(%o : tensor<?x4x24xbf16, #T>) context 500 scale 2.5e-01 -> tensor<?x4x24xbf16, #T>
  return
}
