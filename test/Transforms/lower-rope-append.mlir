// RUN: dsv3-opt %s --dsv3-lower-rope-append | FileCheck %s
// The four ops become one group, which gives the rotated query.

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 1>

// CHECK-LABEL: func.func @fused(
// CHECK: %[[Q:.+]] = kern.group "rope_append" -> tensor<?x4x8xf32
// CHECK-NEXT: dsv3.rope
// CHECK-NEXT: dsv3.rms_norm
// CHECK-NEXT: dsv3.rope
// CHECK-NEXT: dsv3.cache_append
// CHECK-NEXT: kern.yield %{{.+}} : tensor<?x4x8xf32
// CHECK: return %[[Q]]
func.func @fused(%q: tensor<?x4x8xf32, #T>, %l: tensor<?x32xf32, #T>, %k: tensor<?x8xf32, #T>, %w: tensor<32xbf16>, %cos: tensor<?x4xf32, #T>, %sin: tensor<?x4xf32, #T>, %p: tensor<?xi32, #T>, %c: !cache) -> tensor<?x4x8xf32, #T> {
  %qr = dsv3.rope %q, %cos, %sin : tensor<?x4x8xf32, #T>, tensor<?x4xf32, #T>
  %ln = dsv3.rms_norm %l, %w eps 1.0e-06 : tensor<?x32xf32, #T>, tensor<32xbf16>
  %kr = dsv3.rope %k, %cos, %sin : tensor<?x8xf32, #T>, tensor<?x4xf32, #T>
  dsv3.cache_append %c, %ln, %kr, %p, %p : !cache, tensor<?x32xf32, #T>, tensor<?x8xf32, #T>, tensor<?xi32, #T>
  return %qr : tensor<?x4x8xf32, #T>
}
