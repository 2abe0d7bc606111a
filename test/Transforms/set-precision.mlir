// RUN: dsv3-opt %s --dsv3-set-precision | FileCheck %s --check-prefix=F32
// RUN: dsv3-opt %s --dsv3-set-precision=policy=f32 | FileCheck %s --check-prefix=F32
// RUN: dsv3-opt %s --dsv3-set-precision=policy=bf16 | FileCheck %s --check-prefixes=NARROW,BF16
// RUN: dsv3-opt %s --dsv3-set-precision=policy=w8a8 | FileCheck %s --check-prefixes=NARROW,W8A8
// RUN: dsv3-opt %s --dsv3-set-precision=cache-type=f16 | FileCheck %s --check-prefix=CACHE
// The policy is recorded and written as types, casts, expansions and quantised rows. What a
// session gives and takes, rotations, the router's scores and logits are f32 in all of them.

#T = #dsv3.dims<"T">
#T2 = #dsv3.dims<"T*2">
!x = tensor<?x128xf32, #T>
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 1>

// F32: module attributes {dsv3.policy = "f32"
// BF16: module attributes {dsv3.policy = "bf16"
// W8A8: module attributes {dsv3.policy = "w8a8"
// CACHE: module attributes {dsv3.policy = "f32"
// CACHE: func.func private @layer({{.*}}: tensor<?x128xf32, {{[^%]*}}, %{{[^:]+}}: tensor<?x4xf32, {{[^%]*}}, %{{[^:]+}}: !dsv3.cache<f16,
// CACHE: func.func @forward({{.*}}: !dsv3.cache<f16,
// CACHE: dsv3.call_layer @layer {{.*}}!dsv3.cache<f16,
// F32-NOT: dsv3.cast
// F32-NOT: dsv3.quantise
// F32-NOT: dsv3.dequantise
module attributes {dsv3.scale_format = "ue8m0"} {
  // What is stored stays.
  // NARROW: dsv3.parameter @f8 : tensor<128x128xf8E4M3FN>
  dsv3.parameter @f8 : tensor<128x128xf8E4M3FN> block [64, 128] from [#dsv3.segment<"f8", scales = "f8s", shape = [128, 128], rows = 128>]
  dsv3.parameter @wide : tensor<128x128xf32> from [#dsv3.segment<"wide", shape = [128, 128], rows = 128>]
  dsv3.parameter @narrow : tensor<128x128xbf16> from [#dsv3.segment<"narrow", shape = [128, 128], rows = 128>]
  dsv3.parameter @coded : tensor<128x128xi8> stored bf16 block [1, 32] from [#dsv3.segment<"coded", shape = [128, 128], rows = 128>]
  dsv3.parameter @norm : tensor<128xf32> from [#dsv3.segment<"norm", shape = [128], rows = 1>]
  dsv3.parameter @gate : tensor<4x128xf32> from [#dsv3.segment<"gate", shape = [4, 128], rows = 4>]
  dsv3.parameter @bias : tensor<4xf32> from [#dsv3.segment<"bias", shape = [4], rows = 1>]
  dsv3.parameter @kv_b : tensor<4x32x32xf8E4M3FN> block [32, 32] from [#dsv3.segment<"kv_b", scales = "kv_bs", shape = [128, 32], rows = 32, group_stride = 32>]
  dsv3.parameter @experts : tensor<4x128x128xf8E4M3FN> block [128, 128] from [#dsv3.segment<"e{expert}", scales = "es{expert}", shape = [128, 128], rows = 128>]

  // A layer takes what its callers give it: bf16 rows, f32 angles, a bf16 cache.
  // NARROW-LABEL: func.func private @layer(
  // NARROW-SAME: %[[X:[^:]+]]: tensor<?x128xbf16, {{[^%]*}}, %{{[^:]+}}: tensor<?x4xf32, {{[^%]*}}, %{{[^:]+}}: !dsv3.cache<bf16,
  // NARROW-SAME: -> tensor<?x128xbf16
  func.func private @layer(%x: !x, %cos: tensor<?x4xf32, #T>, %cache: !cache, %p: tensor<?xi32, #T>) -> !x attributes {dsv3.layers = array<i64: 0>} {
    // Norms keep the weight as stored; the row is rounded.
    // NARROW: %[[NW:.+]] = dsv3.weight @norm : tensor<128xf32>
    // NARROW: %[[N:.+]] = dsv3.rms_norm %[[X]], %[[NW]] eps {{.*}} : tensor<?x128xbf16, #{{.*}}>, tensor<128xf32>
    %nw = dsv3.weight @norm : tensor<128xf32>
    %n = dsv3.rms_norm %x, %nw eps 1.0e-06 : !x, tensor<128xf32>
    // FP8 weights: rows are quantised once for all that read them, or the weight is expanded.
    // W8A8: %[[Q:.+]], %[[QS:.+]] = dsv3.quantise %[[N]] group 128 ue8m0 : tensor<?x128xbf16, {{.*}} -> tensor<?x128xf8E4M3FN, #{{.*}}>, tensor<?x1xf32
    // NARROW: %[[W:.+]], %[[S:.+]] = dsv3.weight @f8
    // BF16: %[[E:.+]] = dsv3.dequantise %[[W]] scales %[[S]] block [64, 128] : tensor<128x128xf8E4M3FN>, tensor<2x1xf32> -> tensor<128x128xbf16>
    // BF16: %[[A:.+]] = dsv3.linear %[[N]], %[[E]] : tensor<?x128xbf16, {{.*}}>, tensor<128x128xbf16> -> tensor<?x128xbf16
    // W8A8: %[[A:.+]] = dsv3.linear %[[Q]] x_scales %[[QS]], %[[W]] scales %[[S]] block [64, 128] : {{.*}} -> tensor<?x128xbf16
    // W8A8-NOT: dsv3.quantise
    // NARROW: %[[B:.+]] = dsv3.linear
    %w, %s = dsv3.weight @f8 : tensor<128x128xf8E4M3FN> scales tensor<2x1xf32>
    %a = dsv3.linear %n, %w scales %s block [64, 128] : !x, tensor<128x128xf8E4M3FN>, tensor<2x1xf32> -> !x
    %b = dsv3.linear %n, %w scales %s block [64, 128] : !x, tensor<128x128xf8E4M3FN>, tensor<2x1xf32> -> !x
    // NARROW: dsv3.add %[[A]], %[[B]] : tensor<?x128xbf16
    %c = dsv3.add %a, %b : !x
    // Weights that are stored wider are rounded, those in bf16 read as they are.
    // NARROW: %[[WIDE:.+]] = dsv3.weight @wide
    // NARROW: %[[CAST:.+]] = dsv3.cast %[[WIDE]] : tensor<128x128xf32> -> tensor<128x128xbf16>
    // NARROW: dsv3.linear %{{.+}}, %[[CAST]]
    // NARROW: %[[NARROW:.+]] = dsv3.weight @narrow
    // NARROW: dsv3.linear %{{.+}}, %[[NARROW]]
    %v = dsv3.weight @wide : tensor<128x128xf32>
    %d = dsv3.linear %c, %v : !x, tensor<128x128xf32> -> !x
    %u = dsv3.weight @narrow : tensor<128x128xbf16>
    %e = dsv3.linear %d, %u : !x, tensor<128x128xbf16> -> !x
    // Codes that are not FP8 are expanded: rows are quantised for FP8 alone.
    // NARROW: %[[CW:.+]], %[[CS:.+]] = dsv3.weight @coded
    // NARROW: %[[CE:.+]] = dsv3.dequantise %[[CW]] scales %[[CS]] block [1, 32] : tensor<128x128xi8>, tensor<128x4xf16> -> tensor<128x128xbf16>
    // NARROW: dsv3.linear %{{.+}}, %[[CE]] : tensor<?x128xbf16
    %cw, %cs = dsv3.weight @coded : tensor<128x128xi8> scales tensor<128x4xf16>
    %coded = dsv3.linear %d, %cw scales %cs block [1, 32] : !x, tensor<128x128xi8>, tensor<128x4xf16> -> !x
    // Under no policy is kv_b multiplied with codes.
    // NARROW: %[[KW:.+]], %[[KS:.+]] = dsv3.weight @kv_b
    // NARROW: %[[KV:.+]] = dsv3.dequantise %[[KW]] scales %[[KS]]
    // NARROW: dsv3.mla_attention %{{.+}}, %{{.+}}, %[[KV]], %{{.+}} -> tensor<?x4x16xbf16
    %k, %ks = dsv3.weight @kv_b : tensor<4x32x32xf8E4M3FN> scales tensor<4x1x1xf32>
    %h = dsv3.split_heads %e heads 4 : !x
    %hn = dsv3.slice %h [0, 16] : tensor<?x4x32xf32, #T>
    %hr = dsv3.slice %h [16, 8] : tensor<?x4x32xf32, #T>
    %hq = dsv3.rope %hr, %cos, %cos : tensor<?x4x8xf32, #T>, tensor<?x4xf32, #T>
    %o = dsv3.mla_attention %hn, %hq, %k scales %ks block [32, 32], %cache, %p, %p scale 2.0e-01 : tensor<?x4x16xf32, #T>, tensor<?x4x8xf32, #T>, tensor<4x32x32xf8E4M3FN> scales tensor<4x1x1xf32>, !cache, tensor<?xi32, #T> -> tensor<?x4x16xf32, #T>
    // The router decides in f32, with the gate as stored.
    // NARROW: dsv3.linear %{{.+}} : tensor<?x128xbf16, {{.*}}>, tensor<4x128xf32> -> tensor<?x4xf32
    // NARROW: %{{.+}}, %[[RW:.+]] = dsv3.router {{.*}} : tensor<?x4xf32
    %g = dsv3.weight @gate : tensor<4x128xf32>
    %l = dsv3.linear %e, %g : !x, tensor<4x128xf32> -> tensor<?x4xf32, #T>
    %bias = dsv3.weight @bias : tensor<4xf32>
    %i, %rw = dsv3.router %l, %bias groups 1 of 1 top 2 scale 1.0 normalise : tensor<?x4xf32, #T>, tensor<4xf32>
    %off, %rows, %slots = dsv3.dispatch %i experts 4 : tensor<?x2xi32, #T>
    // W8A8: dsv3.grouped_linear %{{.+}} x_scales %{{.+}}, {{.*}} -> tensor<?x128xbf16
    // BF16: dsv3.grouped_linear %{{.+}} : tensor<?x128xbf16, {{.*}}>, tensor<5xi32> rows {{.*}}, tensor<4x128x128xbf16> -> tensor<?x128xbf16
    // NARROW: dsv3.combine {{.*}} : tensor<?x128xbf16, {{.*}}>, {{.*}}, tensor<?x2xf32
    %ew, %es = dsv3.weight @experts : tensor<4x128x128xf8E4M3FN> scales tensor<4x1x1xf32>
    %y = dsv3.grouped_linear %e, %off rows %rows, %ew scales %es block [128, 128] : !x, tensor<5xi32> rows tensor<?xi32, #T2>, tensor<4x128x128xf8E4M3FN>, tensor<4x1x1xf32> -> tensor<?x128xf32, #T2>
    %z = dsv3.combine %y, %slots, %rw : tensor<?x128xf32, #T2>, tensor<?x2xi32, #T>, tensor<?x2xf32, #T>
    return %z : !x
  }

  // NARROW-LABEL: func.func @forward(
  // NARROW-SAME: %[[HIDDEN:[^:]+]]: tensor<?x128xf32, {{.*}} -> (tensor<?x128xf32, {{[^)]*}}tensor<?x128xf32
  // NARROW: %[[IN:.+]] = dsv3.cast %[[HIDDEN]] : {{.*}} -> tensor<?x128xbf16
  // NARROW: dsv3.rope_table {{.*}} -> tensor<?x4xf32
  // NARROW: %[[Y:.+]] = dsv3.call_layer @layer layer 0(%[[IN]], {{.*}} -> tensor<?x128xbf16
  // NARROW: %[[H:.+]] = dsv3.cast %{{.+}} : tensor<128x128xf32> -> tensor<128x128xbf16>
  // NARROW: %[[L:.+]] = dsv3.lm_head %[[Y]], %[[H]] : {{.*}} -> tensor<?x128xf32
  // NARROW: %[[OUT:.+]] = dsv3.cast %[[Y]] : tensor<?x128xbf16, {{.*}} -> tensor<?x128xf32
  // NARROW: return %[[L]], %[[OUT]]
  func.func @forward(%hidden: !x, %p: tensor<?xi32, #T>, %cache: !cache) -> (!x, !x) attributes {dsv3.entry = {role = "step"}} {
    %cos, %sin = dsv3.rope_table %p {inverse_frequencies = array<f32: 1.0, 0.1, 0.01, 0.001>, multiplier = 1.0 : f32} : tensor<?xi32, #T> -> tensor<?x4xf32, #T>
    %y = dsv3.call_layer @layer layer 0 (%hidden, %cos, %cache, %p) : (!x, tensor<?x4xf32, #T>, !cache, tensor<?xi32, #T>) -> !x
    %w = dsv3.weight @wide : tensor<128x128xf32>
    %l = dsv3.lm_head %y, %w : !x, tensor<128x128xf32> -> !x
    return %l, %y : !x, !x
  }
}
