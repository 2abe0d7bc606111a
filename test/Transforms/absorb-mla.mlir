// RUN: dsv3-opt %s --dsv3-absorb-mla | FileCheck %s
// Absorbed attention reads W_UK and W_UV, made of the rows of kv_b; the expanded form stays where it was.

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 4096, requests = 1>

// CHECK-DAG: dsv3.parameter @moe.w_uk : tensor<4x32x16xbf16> layers [1] from [#dsv3.segment<"model.layers.{layer}.self_attn.kv_b_proj.weight", shape = [160, 32], rows = 32, group_stride = 40, transposed = true>]
// CHECK-DAG: dsv3.parameter @moe.w_uv : tensor<4x24x32xbf16> layers [1] from [#dsv3.segment<"model.layers.{layer}.self_attn.kv_b_proj.weight", shape = [160, 32], rows = 24, first_row = 16, group_stride = 40>]
dsv3.parameter @moe.kv_b_proj : tensor<4x40x32xbf16> layers [1] from [#dsv3.segment<"model.layers.{layer}.self_attn.kv_b_proj.weight", shape = [160, 32], rows = 40, group_stride = 40>]

// CHECK-LABEL: func.func private @decode.moe
// CHECK-SAME: %[[QN:[^:]+]]: tensor<?x4x16xf32{{[^:]*}}, %[[QR:[^:]+]]: tensor<?x4x8xf32
// CHECK: %[[UK:.+]] = dsv3.weight @moe.w_uk
// CHECK: %[[Q:.+]] = dsv3.head_linear %[[QN]], %[[UK]]
// CHECK: %[[L:.+]] = dsv3.latent_attention %[[Q]], %[[QR]], {{.*}} scale 2.500000e-01
// CHECK: %[[UV:.+]] = dsv3.weight @moe.w_uv
// CHECK: %[[O:.+]] = dsv3.head_linear %[[L]], %[[UV]]
// CHECK-NOT: dsv3.mla_attention
// CHECK: return %[[O]]
func.func private @decode.moe(%qn: tensor<?x4x16xf32, #T>, %qr: tensor<?x4x8xf32, #T>, %p: tensor<?xi32, #T>, %r: tensor<?xi32, #T>, %c: !cache) -> tensor<?x4x24xf32, #T> attributes {dsv3.layers = array<i64: 1>, dsv3.attention = "absorbed"} {
  %w = dsv3.weight @moe.kv_b_proj : tensor<4x40x32xbf16>
  %o = dsv3.mla_attention %qn, %qr, %w, %c, %p, %r scale 2.5e-01 : tensor<?x4x16xf32, #T>, tensor<?x4x8xf32, #T>, tensor<4x40x32xbf16>, !cache, tensor<?xi32, #T> -> tensor<?x4x24xf32, #T>
  return %o : tensor<?x4x24xf32, #T>
}

// CHECK-LABEL: func.func private @prefill.moe
// CHECK: dsv3.mla_attention
func.func private @prefill.moe(%qn: tensor<?x4x16xf32, #T>, %qr: tensor<?x4x8xf32, #T>, %p: tensor<?xi32, #T>, %r: tensor<?xi32, #T>, %c: !cache) -> tensor<?x4x24xf32, #T> attributes {dsv3.layers = array<i64: 1>, dsv3.attention = "expanded"} {
  %w = dsv3.weight @moe.kv_b_proj : tensor<4x40x32xbf16>
  %o = dsv3.mla_attention %qn, %qr, %w, %c, %p, %r scale 2.5e-01 : tensor<?x4x16xf32, #T>, tensor<?x4x8xf32, #T>, tensor<4x40x32xbf16>, !cache, tensor<?xi32, #T> -> tensor<?x4x24xf32, #T>
  return %o : tensor<?x4x24xf32, #T>
}

// Parameters of one prefix are kept apart.
// CHECK-DAG: dsv3.parameter @moe.w_uk_2 : tensor<4x32x16xbf16> layers [1] from [#dsv3.segment<"other.kv_b_proj.weight"
// CHECK-DAG: dsv3.parameter @moe.w_uv_2 : tensor<4x24x32xbf16> layers [1] from [#dsv3.segment<"other.kv_b_proj.weight"
dsv3.parameter @moe.other_kv_b_proj : tensor<4x40x32xbf16> layers [1] from [#dsv3.segment<"other.kv_b_proj.weight", shape = [160, 32], rows = 40, group_stride = 40>]
// CHECK-LABEL: func.func private @rows.moe
// CHECK: dsv3.weight @moe.w_uk_2
// CHECK: dsv3.weight @moe.w_uv_2
func.func private @rows.moe(%qn: tensor<?x4x16xf32, #T>, %qr: tensor<?x4x8xf32, #T>, %p: tensor<?xi32, #T>, %r: tensor<?xi32, #T>, %c: !cache) -> tensor<?x4x24xf32, #T> attributes {dsv3.layers = array<i64: 1>, dsv3.attention = "absorbed"} {
  %w = dsv3.weight @moe.other_kv_b_proj : tensor<4x40x32xbf16>
  %o = dsv3.mla_attention %qn, %qr, %w, %c, %p, %r scale 2.5e-01 : tensor<?x4x16xf32, #T>, tensor<?x4x8xf32, #T>, tensor<4x40x32xbf16>, !cache, tensor<?xi32, #T> -> tensor<?x4x24xf32, #T>
  return %o : tensor<?x4x24xf32, #T>
}
