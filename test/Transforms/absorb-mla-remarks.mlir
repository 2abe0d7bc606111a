// RUN: dsv3-opt %s --dsv3-absorb-mla --remarks-filter=dsv3 --verify-diagnostics

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 1>

dsv3.parameter @moe.kv_b_proj : tensor<4x40x32xbf16> layers [1] from [#dsv3.segment<"kv_b.{layer}", shape = [160, 32], rows = 40, group_stride = 40>]

func.func private @decode.moe(%qn: tensor<?x4x16xf32, #T>, %qr: tensor<?x4x8xf32, #T>, %p: tensor<?xi32, #T>, %c: !cache) -> tensor<?x4x24xf32, #T> attributes {dsv3.layers = array<i64: 1>, dsv3.attention = "absorbed"} {
  %w = dsv3.weight @moe.kv_b_proj : tensor<4x40x32xbf16>
  // expected-remark-re @below {{[Passed] absorb-mla{{.*}}Function=decode.moe{{.*}}absorbed: 32 latent values a token instead of 160 expanded ones}}
  %o = dsv3.mla_attention %qn, %qr, %w, %c, %p, %p scale 2.5e-01 : tensor<?x4x16xf32, #T>, tensor<?x4x8xf32, #T>, tensor<4x40x32xbf16>, !cache, tensor<?xi32, #T> -> tensor<?x4x24xf32, #T>
  return %o : tensor<?x4x24xf32, #T>
}

func.func private @prefill.moe(%qn: tensor<?x4x16xf32, #T>, %qr: tensor<?x4x8xf32, #T>, %p: tensor<?xi32, #T>, %c: !cache) -> tensor<?x4x24xf32, #T> attributes {dsv3.layers = array<i64: 1>, dsv3.attention = "expanded"} {
  %w = dsv3.weight @moe.kv_b_proj : tensor<4x40x32xbf16>
  // expected-remark-re @below {{[Missed] absorb-mla{{.*}}kept expanded: the function is for steps of many tokens}}
  %o = dsv3.mla_attention %qn, %qr, %w, %c, %p, %p scale 2.5e-01 : tensor<?x4x16xf32, #T>, tensor<?x4x8xf32, #T>, tensor<4x40x32xbf16>, !cache, tensor<?xi32, #T> -> tensor<?x4x24xf32, #T>
  return %o : tensor<?x4x24xf32, #T>
}

func.func private @no_parameter(%qn: tensor<?x4x16xf32, #T>, %qr: tensor<?x4x8xf32, #T>, %p: tensor<?xi32, #T>, %w: tensor<4x40x32xbf16>, %c: !cache) -> tensor<?x4x24xf32, #T> attributes {dsv3.attention = "absorbed"} {
  // expected-remark-re @below {{[Missed] absorb-mla{{.*}}kept expanded: kv_b is not a parameter}}
  %o = dsv3.mla_attention %qn, %qr, %w, %c, %p, %p scale 2.5e-01 : tensor<?x4x16xf32, #T>, tensor<?x4x8xf32, #T>, tensor<4x40x32xbf16>, !cache, tensor<?xi32, #T> -> tensor<?x4x24xf32, #T>
  return %o : tensor<?x4x24xf32, #T>
}

// Rows of two tensors cannot be cut head by head.
dsv3.parameter @two.kv_b_proj : tensor<4x40x32xbf16> from [#dsv3.segment<"k", shape = [64, 32], rows = 16, group_stride = 16>, #dsv3.segment<"v", shape = [96, 32], rows = 24, group_stride = 24>]
func.func private @two(%qn: tensor<?x4x16xf32, #T>, %qr: tensor<?x4x8xf32, #T>, %p: tensor<?xi32, #T>, %c: !cache) -> tensor<?x4x24xf32, #T> attributes {dsv3.attention = "absorbed"} {
  %w = dsv3.weight @two.kv_b_proj : tensor<4x40x32xbf16>
  // expected-remark-re @below {{[Missed] absorb-mla{{.*}}kept expanded: kv_b is not one segment of stored rows}}
  %o = dsv3.mla_attention %qn, %qr, %w, %c, %p, %p scale 2.5e-01 : tensor<?x4x16xf32, #T>, tensor<?x4x8xf32, #T>, tensor<4x40x32xbf16>, !cache, tensor<?xi32, #T> -> tensor<?x4x24xf32, #T>
  return %o : tensor<?x4x24xf32, #T>
}
