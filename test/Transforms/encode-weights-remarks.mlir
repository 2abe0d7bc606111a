// RUN: dsv3-opt %s --dsv3-encode-weights="weights=int8 head=bf16" --remarks-filter=dsv3 --verify-diagnostics
// What is encoded, what is stored so already, and why kv_b is not.

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 4096, requests = 1>

// expected-remark @below {{@kv_b stays bf16: absorbed attention reads it by columns, which i8 gives no scales}}
dsv3.parameter @kv_b : tensor<4x40x32xbf16> from [#dsv3.segment<"kv_b", shape = [160, 32], rows = 40, group_stride = 40>]
// expected-remark @below {{@w: f16 as i8}}
dsv3.parameter @w : tensor<64x96xf16> from [#dsv3.segment<"w", shape = [64, 96], rows = 64>]
// expected-remark @below {{@lm_head is stored as bf16}}
dsv3.parameter @lm_head : tensor<320x64xbf16> from [#dsv3.segment<"lm_head", shape = [320, 64], rows = 320>]

func.func @layer(%qn: tensor<?x4x16xf32, #T>, %qr: tensor<?x4x8xf32, #T>, %p: tensor<?xi32, #T>, %r: tensor<?xi32, #T>, %c: !cache) -> tensor<?x320xf32, #T> {
  %b = dsv3.weight @kv_b : tensor<4x40x32xbf16>
  %o = dsv3.mla_attention %qn, %qr, %b, %c, %p, %r scale 2.5e-01 : tensor<?x4x16xf32, #T>, tensor<?x4x8xf32, #T>, tensor<4x40x32xbf16>, !cache, tensor<?xi32, #T> -> tensor<?x4x24xf32, #T>
  %m = dsv3.merge_heads %o : tensor<?x4x24xf32, #T>
  %w = dsv3.weight @w : tensor<64x96xf16>
  %y = dsv3.linear %m, %w : tensor<?x96xf32, #T>, tensor<64x96xf16> -> tensor<?x64xf32, #T>
  %h = dsv3.weight @lm_head : tensor<320x64xbf16>
  %l = dsv3.lm_head %y, %h : tensor<?x64xf32, #T>, tensor<320x64xbf16> -> tensor<?x320xf32, #T>
  return %l : tensor<?x320xf32, #T>
}
