// RUN: dsv3-opt %s | dsv3-opt | FileCheck %s
// RUN: dsv3-opt %s --mlir-print-op-generic | dsv3-opt | FileCheck %s
// Every op, with and without its optional parts, is printed as it is parsed.

#T = #dsv3.dims<"T">
#T4 = #dsv3.dims<"T*4">
#O = #dsv3.dims<"O">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 2>

// CHECK: dsv3.parameter @norm : tensor<128xbf16> from [#dsv3.segment<"norm.weight", shape = [128], rows = 1>]
dsv3.parameter @norm : tensor<128xbf16> from [#dsv3.segment<"norm.weight", shape = [128], rows = 1>]
// CHECK: dsv3.parameter @gate_up : tensor<256x128xf8E4M3FN> block [128, 128] parts 2 layers [0, 1] from [#dsv3.segment<"gate.{layer}", scales = "gate_scale.{layer}", shape = [128, 128], rows = 128>, #dsv3.segment<"up.{layer}", scales = "up_scale.{layer}", shape = [128, 128], rows = 128>]
dsv3.parameter @gate_up : tensor<256x128xf8E4M3FN> block [128, 128] parts 2 layers [0, 1] from [#dsv3.segment<"gate.{layer}", scales = "gate_scale.{layer}", shape = [128, 128], rows = 128>, #dsv3.segment<"up.{layer}", scales = "up_scale.{layer}", shape = [128, 128], rows = 128>]
// CHECK: dsv3.parameter @encoded : tensor<64x128xi4> stored f8E4M3FN block [1, 32] from [#dsv3.segment<"o", scales = "o_scale", shape = [64, 128], rows = 64>]
dsv3.parameter @encoded : tensor<64x128xi4> stored f8E4M3FN block [1, 32] from [#dsv3.segment<"o", scales = "o_scale", shape = [64, 128], rows = 64>]
// CHECK: dsv3.parameter @w_uk : tensor<4x32x16xbf16> from [#dsv3.segment<"kv_b", shape = [160, 32], rows = 32, first_row = 2, group_stride = 40, transposed = true>]
dsv3.parameter @w_uk : tensor<4x32x16xbf16> from [#dsv3.segment<"kv_b", shape = [160, 32], rows = 32, first_row = 2, group_stride = 40, transposed = true>]

// CHECK-LABEL: func.func private @layer
func.func private @layer(%x: tensor<?x128xf32, #T>) -> tensor<?x128xf32, #T> attributes {dsv3.layers = array<i64: 0, 1>} {
  // CHECK: dsv3.weight @gate_up : tensor<256x128xf8E4M3FN> scales tensor<2x1xf32>
  %w, %s = dsv3.weight @gate_up : tensor<256x128xf8E4M3FN> scales tensor<2x1xf32>
  // CHECK: dsv3.observe "hidden" %{{[^ ]+}} : tensor<?x128xf32
  dsv3.observe "hidden" %x : tensor<?x128xf32, #T>
  return %x : tensor<?x128xf32, #T>
}

// CHECK-LABEL: func.func @dense
func.func @dense(%ids: tensor<?xi32, #T>, %rows: tensor<?xi32, #O>, %sampling: tensor<?x7xi32, #O>, %table: tensor<320x128xbf16>, %w8: tensor<128x128xf8E4M3FN>, %s8: tensor<1x1xf32>) {
  // CHECK: dsv3.weight @norm : tensor<128xbf16>
  %n = dsv3.weight @norm : tensor<128xbf16>
  // CHECK: dsv3.embedding %{{.*}} : tensor<?xi32, #{{.*}}>, tensor<320x128xbf16> -> tensor<?x128xf32
  %x = dsv3.embedding %ids, %table : tensor<?xi32, #T>, tensor<320x128xbf16> -> tensor<?x128xf32, #T>
  // CHECK: dsv3.observe "hidden" %{{.*}} layer 0
  dsv3.observe "hidden" %x layer 0 : tensor<?x128xf32, #T>
  // CHECK: dsv3.call_layer @layer layer 1(%{{.*}})
  %y = dsv3.call_layer @layer layer 1 (%x) : (tensor<?x128xf32, #T>) -> tensor<?x128xf32, #T>
  // CHECK: dsv3.rms_norm %{{.*}}, %{{.*}} eps 9.9{{.*}}E-7 : tensor<?x128xf32
  %a = dsv3.rms_norm %y, %n eps 1.0e-06 : tensor<?x128xf32, #T>, tensor<128xbf16>
  // CHECK: %[[Q:.*]], %[[S:.*]] = dsv3.quantise %{{.*}} group 128 ue8m0
  %q, %qs = dsv3.quantise %a group 128 ue8m0 : tensor<?x128xf32, #T> -> tensor<?x128xf8E4M3FN, #T>, tensor<?x1xf32, #T>
  // CHECK: dsv3.linear %[[Q]] x_scales %[[S]], %{{.*}} scales %{{.*}} block [128, 128] : tensor<?x128xf8E4M3FN{{.*}} x_scales
  %b = dsv3.linear %q x_scales %qs, %w8 scales %s8 block [128, 128] : tensor<?x128xf8E4M3FN, #T> x_scales tensor<?x1xf32, #T>, tensor<128x128xf8E4M3FN>, tensor<1x1xf32> -> tensor<?x128xf32, #T>
  // CHECK: dsv3.linear %{{[^ ]*}}, %{{[^ ]*}} : tensor<?x128xf32
  %c = dsv3.linear %b, %table : tensor<?x128xf32, #T>, tensor<320x128xbf16> -> tensor<?x320xf32, #T>
  // CHECK: dsv3.add
  %d = dsv3.add %c, %c : tensor<?x320xf32, #T>
  // CHECK: dsv3.silu_mul %{{.*}} : tensor<?x320xf32
  %e = dsv3.silu_mul %d : tensor<?x320xf32, #T>
  // CHECK: dsv3.cast %{{.*}} : tensor<?x160xf32, #{{.*}}> -> tensor<?x160xbf16
  %f = dsv3.cast %e : tensor<?x160xf32, #T> -> tensor<?x160xbf16, #T>
  // CHECK: dsv3.slice %{{.*}}[32, 128]
  %g = dsv3.slice %e [32, 128] : tensor<?x160xf32, #T>
  // CHECK: dsv3.concat
  %h = dsv3.concat %g, %g : tensor<?x128xf32, #T>, tensor<?x128xf32, #T>
  // CHECK: dsv3.split_heads %{{.*}} heads 4
  %i = dsv3.split_heads %h heads 4 : tensor<?x256xf32, #T>
  // CHECK: dsv3.merge_heads %{{.*}} : tensor<?x4x64xf32
  %j = dsv3.merge_heads %i : tensor<?x4x64xf32, #T>
  // CHECK: dsv3.gather_rows
  %k = dsv3.gather_rows %g, %rows : tensor<?x128xf32, #T>, tensor<?xi32, #O>
  // CHECK: dsv3.lm_head %{{.*}} -> tensor<?x320xf32
  %l = dsv3.lm_head %k, %table : tensor<?x128xf32, #O>, tensor<320x128xbf16> -> tensor<?x320xf32, #O>
  // CHECK: dsv3.sample %{{.*}}, %{{.*}} : tensor<?x320xf32, #{{.*}}>, tensor<?x7xi32, #{{.*}}> -> tensor<?xi32
  %m = dsv3.sample %l, %sampling : tensor<?x320xf32, #O>, tensor<?x7xi32, #O> -> tensor<?xi32, #O>
  return
}

// CHECK-LABEL: func.func @attention
func.func @attention(%p: tensor<?xi32, #T>, %qn: tensor<?x4x16xf32, #T>, %qr: tensor<?x4x8xf32, #T>, %l: tensor<?x32xf32, #T>, %k: tensor<?x8xf32, #T>, %kvb: tensor<4x40x32xbf16>, %kvb8: tensor<4x40x32xf8E4M3FN>, %s8: tensor<4x1x1xf32>, %c: !cache) {
  // CHECK: dsv3.rope_table %{{.*}} {inverse_frequencies = array<f32: 1.0{{.*}}, 5.0{{.*}}e-01, 2.5{{.*}}, 1.25{{.*}}>, multiplier = 1.0{{.*}} : f32}
  %cos, %sin = dsv3.rope_table %p {inverse_frequencies = array<f32: 1.0, 0.5, 0.25, 0.125>, multiplier = 1.0 : f32} : tensor<?xi32, #T> -> tensor<?x4xf32, #T>
  // CHECK: dsv3.rope %{{.*}} : tensor<?x4x8xf32
  %r = dsv3.rope %qr, %cos, %sin : tensor<?x4x8xf32, #T>, tensor<?x4xf32, #T>
  // CHECK: dsv3.rope %{{.*}} : tensor<?x8xf32
  %kr = dsv3.rope %k, %cos, %sin : tensor<?x8xf32, #T>, tensor<?x4xf32, #T>
  // CHECK: dsv3.cache_append
  dsv3.cache_append %c, %l, %kr, %p, %p : !cache, tensor<?x32xf32, #T>, tensor<?x8xf32, #T>, tensor<?xi32, #T>
  // CHECK: dsv3.mla_attention {{.*}} scale 2.5{{.*}} : tensor<?x4x16xf32
  %o = dsv3.mla_attention %qn, %r, %kvb, %c, %p, %p scale 2.5e-01 : tensor<?x4x16xf32, #T>, tensor<?x4x8xf32, #T>, tensor<4x40x32xbf16>, !cache, tensor<?xi32, #T> -> tensor<?x4x24xf32, #T>
  // CHECK: dsv3.mla_attention {{.*}} scales %{{.*}} block [128, 128],
  %o8 = dsv3.mla_attention %qn, %r, %kvb8 scales %s8 block [128, 128], %c, %p, %p scale 2.5e-01 : tensor<?x4x16xf32, #T>, tensor<?x4x8xf32, #T>, tensor<4x40x32xf8E4M3FN> scales tensor<4x1x1xf32>, !cache, tensor<?xi32, #T> -> tensor<?x4x24xf32, #T>
  %uk = dsv3.weight @w_uk : tensor<4x32x16xbf16>
  // CHECK: dsv3.head_linear %{{.*}} -> tensor<?x4x32xf32
  %q = dsv3.head_linear %qn, %uk : tensor<?x4x16xf32, #T>, tensor<4x32x16xbf16> -> tensor<?x4x32xf32, #T>
  // CHECK: dsv3.latent_attention {{.*}} scale 2.5
  %la = dsv3.latent_attention %q, %r, %c, %p, %p scale 2.5e-01 : tensor<?x4x32xf32, #T>, tensor<?x4x8xf32, #T>, !cache, tensor<?xi32, #T>
  // CHECK: dsv3.head_linear %{{.*}} scales %{{.*}} block [128, 128] : {{.*}}, tensor<4x1x1xf32> ->
  %v = dsv3.head_linear %la, %kvb8 scales %s8 block [128, 128] : tensor<?x4x32xf32, #T>, tensor<4x40x32xf8E4M3FN>, tensor<4x1x1xf32> -> tensor<?x4x40xf32, #T>
  // CHECK: dsv3.cache_read %{{.*}} request 1 : {{.*}} -> tensor<5x32xf32>, tensor<5x8xf32>
  %cl, %ck = dsv3.cache_read %c request 1 : !cache -> tensor<5x32xf32>, tensor<5x8xf32>
  // CHECK: dsv3.cache_rewind %{{.*}} request 1 length 3
  dsv3.cache_rewind %c request 1 length 3 : !cache
  return
}

// CHECK-LABEL: func.func @experts
func.func @experts(%x: tensor<?x128xf32, #T>, %l: tensor<?x16xf32, #T>, %b: tensor<16xf32>, %gu: tensor<16x128x128xbf16>, %d: tensor<16x128x64xbf16>, %gu8: tensor<16x128x128xf8E4M3FN>, %gs: tensor<16x1x1xf32>, %d8: tensor<16x128x64xf8E4M3FN>) {
  // CHECK: %[[E:.*]], %[[W:.*]] = dsv3.router %{{.*}} groups 4 of 2 top 4 scale 2.5{{.*}} normalise :
  %e, %w = dsv3.router %l, %b groups 4 of 2 top 4 scale 2.5 normalise : tensor<?x16xf32, #T>, tensor<16xf32>
  // CHECK: dsv3.router %{{.*}} groups 1 of 1 top 4 scale 1.0{{[^ ]*}} :
  %e1, %w1 = dsv3.router %l, %b groups 1 of 1 top 4 scale 1.0 : tensor<?x16xf32, #T>, tensor<16xf32>
  // CHECK: dsv3.experts %{{[^ ]*}}, %[[E]], %[[W]], %{{[^ ]*}}, %{{[^ ]*}} :
  %y = dsv3.experts %x, %e, %w, %gu, %d : tensor<?x128xf32, #T>, tensor<?x4xi32, #T>, tensor<?x4xf32, #T>, tensor<16x128x128xbf16>, tensor<16x128x64xbf16>
  // CHECK: dsv3.experts {{.*}} scales %{{[^ ]*}} block [128, 128], %{{[^ ]*}} scales %{{[^ ]*}} block [128, 128] :
  %y8 = dsv3.experts %x, %e, %w, %gu8 scales %gs block [128, 128], %d8 scales %gs block [128, 128] : tensor<?x128xf32, #T>, tensor<?x4xi32, #T>, tensor<?x4xf32, #T>, tensor<16x128x128xf8E4M3FN>, tensor<16x128x64xf8E4M3FN> scales tensor<16x1x1xf32>, tensor<16x1x1xf32>
  // CHECK: %[[O:.*]], %[[R:.*]], %[[S:.*]] = dsv3.dispatch %[[E]] experts 16
  %o, %r, %s = dsv3.dispatch %e experts 16 : tensor<?x4xi32, #T>
  // CHECK: dsv3.grouped_linear %{{.*}}, %[[O]] rows %[[R]], %{{.*}} rows tensor<?xi32
  %h = dsv3.grouped_linear %x, %o rows %r, %gu : tensor<?x128xf32, #T>, tensor<17xi32> rows tensor<?xi32, #T4>, tensor<16x128x128xbf16> -> tensor<?x128xf32, #T4>
  // CHECK: dsv3.grouped_linear %{{[^ ]*}}, %[[O]], %{{[^ ]*}} scales %{{[^ ]*}} block [128, 128]
  %z = dsv3.grouped_linear %h, %o, %gu8 scales %gs block [128, 128] : tensor<?x128xf32, #T4>, tensor<17xi32>, tensor<16x128x128xf8E4M3FN>, tensor<16x1x1xf32> -> tensor<?x128xf32, #T4>
  // CHECK: dsv3.combine %{{.*}}, %[[S]], %[[W]]
  %t = dsv3.combine %z, %s, %w : tensor<?x128xf32, #T4>, tensor<?x4xi32, #T>, tensor<?x4xf32, #T>
  return
}
