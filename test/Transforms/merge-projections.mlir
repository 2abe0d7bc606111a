// RUN: dsv3-opt %s --dsv3-merge-projections --split-input-file | FileCheck %s
// The projections of query and latent become one product over a parameter of two segments. The block of scales
// shrinks so that the border between the two is a border of blocks.

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 4096, requests = 1>

// CHECK: dsv3.parameter @moe.q_a_proj_kv_a_proj_with_mqa : tensor<88x128xf8E4M3FN> block [16, 128] layers [1]
// CHECK-SAME: "q_a.weight"{{.*}}rows = 48{{.*}}"kv_a.weight"{{.*}}rows = 40
dsv3.parameter @moe.q_a_proj : tensor<48x128xf8E4M3FN> block [128, 128] layers [1] from [#dsv3.segment<"q_a.weight", scales = "q_a.scale", shape = [48, 128], rows = 48>]
dsv3.parameter @moe.kv_a_proj_with_mqa : tensor<40x128xf8E4M3FN> block [128, 128] layers [1] from [#dsv3.segment<"kv_a.weight", scales = "kv_a.scale", shape = [40, 128], rows = 40>]
dsv3.parameter @moe.kv_a_layernorm : tensor<32xbf16> layers [1] from [#dsv3.segment<"kv_a_norm.weight", shape = [32], rows = 1>]

// CHECK-LABEL: func.func private @decode.moe(
// CHECK-SAME: %[[X:[^:]+]]: tensor<?x128xf32
// CHECK: %[[W:.+]], %[[S:.+]] = dsv3.weight @moe.q_a_proj_kv_a_proj_with_mqa : tensor<88x128xf8E4M3FN> scales tensor<6x1xf32>
// CHECK: %[[BOTH:.+]] = dsv3.linear %[[X]], %[[W]] scales %[[S]] block [16, 128]
// CHECK: %[[Q:.+]] = dsv3.slice %[[BOTH]][0, 48]
// CHECK: dsv3.slice %[[BOTH]][48, 40]
// CHECK-NOT: dsv3.linear
// CHECK: return %[[Q]]
func.func private @decode.moe(%x: tensor<?x128xf32, #T>, %cos: tensor<?x4xf32, #T>, %sin: tensor<?x4xf32, #T>, %p: tensor<?xi32, #T>, %r: tensor<?xi32, #T>, %c: !cache) -> tensor<?x48xf32, #T> attributes {dsv3.layers = array<i64: 1>} {
  %wq, %sq = dsv3.weight @moe.q_a_proj : tensor<48x128xf8E4M3FN> scales tensor<1x1xf32>
  %wk, %sk = dsv3.weight @moe.kv_a_proj_with_mqa : tensor<40x128xf8E4M3FN> scales tensor<1x1xf32>
  %n = dsv3.weight @moe.kv_a_layernorm : tensor<32xbf16>
  %q = dsv3.linear %x, %wq scales %sq block [128, 128] : tensor<?x128xf32, #T>, tensor<48x128xf8E4M3FN>, tensor<1x1xf32> -> tensor<?x48xf32, #T>
  %kv = dsv3.linear %x, %wk scales %sk block [128, 128] : tensor<?x128xf32, #T>, tensor<40x128xf8E4M3FN>, tensor<1x1xf32> -> tensor<?x40xf32, #T>
  %l = dsv3.slice %kv [0, 32] : tensor<?x40xf32, #T>
  %ln = dsv3.rms_norm %l, %n eps 1.0e-06 : tensor<?x32xf32, #T>, tensor<32xbf16>
  %k = dsv3.slice %kv [32, 8] : tensor<?x40xf32, #T>
  %kr = dsv3.rope %k, %cos, %sin : tensor<?x8xf32, #T>, tensor<?x4xf32, #T>
  dsv3.cache_append %c, %ln, %kr, %p, %r : !cache, tensor<?x32xf32, #T>, tensor<?x8xf32, #T>, tensor<?xi32, #T>
  return %q : tensor<?x48xf32, #T>
}

// Expanded weights are merged as they are stored, and expanded as one.
// CHECK-LABEL: func.func private @prefill.moe(
// CHECK-SAME: %[[X:[^:]+]]: tensor<?x128xbf16
// CHECK: %[[W:.+]], %[[S:.+]] = dsv3.weight @moe.q_a_proj_kv_a_proj_with_mqa
// CHECK: %[[E:.+]] = dsv3.dequantise %[[W]] scales %[[S]] block [16, 128] : {{.*}} -> tensor<88x128xbf16>
// CHECK: dsv3.linear %[[X]], %[[E]] : {{.*}} -> tensor<?x88xbf16
// CHECK-NOT: dsv3.linear
// CHECK: return
func.func private @prefill.moe(%x: tensor<?x128xbf16, #T>, %cos: tensor<?x4xf32, #T>, %p: tensor<?xi32, #T>, %c: !dsv3.cache<bf16, latent = 32, rope = 8, page = 64, context = 4096, requests = 1>) -> tensor<?x48xbf16, #T> attributes {dsv3.layers = array<i64: 1>} {
  %wq, %sq = dsv3.weight @moe.q_a_proj : tensor<48x128xf8E4M3FN> scales tensor<1x1xf32>
  %eq = dsv3.dequantise %wq scales %sq block [128, 128] : tensor<48x128xf8E4M3FN>, tensor<1x1xf32> -> tensor<48x128xbf16>
  %wk, %sk = dsv3.weight @moe.kv_a_proj_with_mqa : tensor<40x128xf8E4M3FN> scales tensor<1x1xf32>
  %ek = dsv3.dequantise %wk scales %sk block [128, 128] : tensor<40x128xf8E4M3FN>, tensor<1x1xf32> -> tensor<40x128xbf16>
  %n = dsv3.weight @moe.kv_a_layernorm : tensor<32xbf16>
  %q = dsv3.linear %x, %eq : tensor<?x128xbf16, #T>, tensor<48x128xbf16> -> tensor<?x48xbf16, #T>
  %kv = dsv3.linear %x, %ek : tensor<?x128xbf16, #T>, tensor<40x128xbf16> -> tensor<?x40xbf16, #T>
  %l = dsv3.slice %kv [0, 32] : tensor<?x40xbf16, #T>
  %ln = dsv3.rms_norm %l, %n eps 1.0e-06 : tensor<?x32xbf16, #T>, tensor<32xbf16>
  %k = dsv3.slice %kv [32, 8] : tensor<?x40xbf16, #T>
  %kr = dsv3.rope %k, %cos, %cos : tensor<?x8xbf16, #T>, tensor<?x4xf32, #T>
  dsv3.cache_append %c, %ln, %kr, %p, %p : !dsv3.cache<bf16, latent = 32, rope = 8, page = 64, context = 4096, requests = 1>, tensor<?x32xbf16, #T>, tensor<?x8xbf16, #T>, tensor<?xi32, #T>
  return %q : tensor<?x48xbf16, #T>
}

// -----

// A name that something else has is not taken for the merged parameter.
#T = #dsv3.dims<"T">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 4096, requests = 1>
dsv3.parameter @q : tensor<48x128xbf16> from [#dsv3.segment<"q.weight", shape = [48, 128], rows = 48>]
dsv3.parameter @kv : tensor<40x128xbf16> from [#dsv3.segment<"kv.weight", shape = [40, 128], rows = 40>]
dsv3.parameter @q_kv : tensor<88x128xbf16> from [#dsv3.segment<"other.weight", shape = [88, 128], rows = 88>]
dsv3.parameter @n : tensor<32xbf16> from [#dsv3.segment<"n.weight", shape = [32], rows = 1>]
// CHECK: dsv3.parameter @q_kv_2 : tensor<88x128xbf16>
// CHECK-SAME: "q.weight"{{.*}}"kv.weight"
// CHECK-LABEL: func.func @named(
// CHECK: dsv3.weight @q_kv_2
func.func @named(%x: tensor<?x128xf32, #T>, %cos: tensor<?x4xf32, #T>, %p: tensor<?xi32, #T>, %c: !cache) -> tensor<?x48xf32, #T> {
  %wq = dsv3.weight @q : tensor<48x128xbf16>
  %wk = dsv3.weight @kv : tensor<40x128xbf16>
  %n = dsv3.weight @n : tensor<32xbf16>
  %q = dsv3.linear %x, %wq : tensor<?x128xf32, #T>, tensor<48x128xbf16> -> tensor<?x48xf32, #T>
  %kv = dsv3.linear %x, %wk : tensor<?x128xf32, #T>, tensor<40x128xbf16> -> tensor<?x40xf32, #T>
  %l = dsv3.slice %kv [0, 32] : tensor<?x40xf32, #T>
  %ln = dsv3.rms_norm %l, %n eps 1.0e-06 : tensor<?x32xf32, #T>, tensor<32xbf16>
  %k = dsv3.slice %kv [32, 8] : tensor<?x40xf32, #T>
  %kr = dsv3.rope %k, %cos, %cos : tensor<?x8xf32, #T>, tensor<?x4xf32, #T>
  dsv3.cache_append %c, %ln, %kr, %p, %p : !cache, tensor<?x32xf32, #T>, tensor<?x8xf32, #T>, tensor<?xi32, #T>
  return %q : tensor<?x48xf32, #T>
}
