// RUN: dsv3-opt %s --kern-expand-latents | FileCheck %s
// RUN: dsv3-opt %s --kern-expand-latents="most-bytes=800000" | FileCheck %s --check-prefix=SMALL

// What two requests of 300 tokens can have: 2 * 384 rows.
// SMALL:     kern.expanded_attention
// SMALL-NOT: kern.expand_latents

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<bf16, latent = 512, rope = 64, page = 64, context = 300, requests = 2>
!q = tensor<?x384xbf16, #T>
!n = tensor<?x2x128xbf16, #T>
!r = tensor<?x2x64xbf16, #T>
!i = tensor<?xi32, #T>

// CHECK-LABEL: kern.def @attention kind "mla_attention" family "prefill_attention" sizes ["T"]
// CHECK-SAME:    ins(%[[Q:.*]]: tensor<?x384xbf16, {{.*}}>, %[[R:.*]]: tensor<?x2x64xbf16, {{.*}}>, %[[P:.*]]: tensor<?xi32, {{.*}}>, %[[K:.*]]: tensor<768x2x128xbf16>, %[[RK:.*]]: tensor<768x64xbf16>, %[[V:.*]]: tensor<2x128x768xbf16>)
// CHECK-SAME:    maxima [#dsv3.size<"T", max = 512>]
// CHECK:         %[[VIEW:.*]] = kern.view %[[Q]]
// CHECK:         kern.prefill_attention ins(%[[VIEW]], %[[R]], %[[K]], %[[RK]], %[[V]], %[[P]], %[[P]] : {{.*}}) outs({{.*}}) context 300 scale 1.3{{.*}} ->
kern.def @attention kind "mla_attention" family "expanded_attention" sizes ["T"] ins(%x: !q, %r: !r, %w: tensor<2x256x512xf8E4M3FN>, %s: tensor<2x2x4xf32>, %p: !i, %cache: !cache) outs(%o: !n) maxima [#dsv3.size<"T", max = 512>] {
  %q = kern.view %x offset 0 stride 192 : !q -> !n
  %y = kern.expanded_attention ins(%q, %r, %w scales %s block [128, 128], %p, %p : !n, !r, tensor<2x256x512xf8E4M3FN> scales tensor<2x2x4xf32>, !i, !i) from(%cache : !cache) outs(%o : !n) scale 1.3e-01 prologue {
  ^bb0(%e: f32):
    %b = arith.truncf %e : f32 to bf16
    kern.yield %b : bf16
  } -> !n
  kern.yield %y : !n
}
// CHECK-LABEL: kern.def @attention_expand kind "expand_latents" family "expand_latents" sizes ["T"]
// CHECK-SAME:    ins(%{{.*}}: tensor<2x256x512xbf16>, %{{.*}}: tensor<?xi32, {{.*}}>, %{{.*}}: tensor<?xi32, {{.*}}>, %{{.*}}: !dsv3.cache<{{.*}}>) outs(%{{.*}}: tensor<768x2x128xbf16>, %{{.*}}: tensor<768x64xbf16>, %{{.*}}: tensor<2x128x768xbf16>)

// The parameter's elements become what they were rounded to.
// CHECK: dsv3.parameter @kv_b : tensor<2x256x512xbf16> stored f8E4M3FN from
dsv3.parameter @kv_b : tensor<2x256x512xf8E4M3FN> block [128, 128] from [#dsv3.segment<"kv_b", scales = "kv_b_scale", shape = [512, 512], rows = 256, group_stride = 256>]

// Both launches of the kernel have two in its place.
// CHECK-LABEL: func.func @step
func.func @step(%x: !q, %r: !r, %cache: !cache, %p: !i) -> (!n, !n) {
  // CHECK: %[[W:.*]] = dsv3.weight @kv_b : tensor<2x256x512xbf16>
  // CHECK: %[[E:.*]]:3 = kern.launch @attention_expand ins(%[[W]], %arg3, %arg3, %arg2 :
  // CHECK: %[[A:.*]] = kern.launch @attention ins(%arg0, %arg1, %arg3, %[[E]]#0, %[[E]]#1, %[[E]]#2 :
  // CHECK: %[[F:.*]]:3 = kern.launch @attention_expand
  // CHECK: %[[B:.*]] = kern.launch @attention ins(%arg0, %arg1, %arg3, %[[F]]#0, %[[F]]#1, %[[F]]#2 :
  // CHECK: return %[[A]], %[[B]]
  %w, %s = dsv3.weight @kv_b : tensor<2x256x512xf8E4M3FN> scales tensor<2x2x4xf32>
  %e = kern.empty : !n
  %a = kern.launch @attention ins(%x, %r, %w, %s, %p, %cache : !q, !r, tensor<2x256x512xf8E4M3FN>, tensor<2x2x4xf32>, !i, !cache) outs(%e : !n) -> !n
  %f = kern.empty : !n
  %b = kern.launch @attention ins(%x, %r, %w, %s, %p, %cache : !q, !r, tensor<2x256x512xf8E4M3FN>, tensor<2x2x4xf32>, !i, !cache) outs(%f : !n) -> !n
  return %a, %b : !n, !n
}

// One that would be encoded as FP8 when it is read stays bf16.
// CHECK: dsv3.parameter @encoded : tensor<2x256x512xbf16> from
dsv3.parameter @encoded : tensor<2x256x512xf8E4M3FN> stored bf16 block [128, 128] from [#dsv3.segment<"kv_b", shape = [512, 512], rows = 256, group_stride = 256>]
func.func @encoded_step(%x: !q, %r: !r, %cache: !cache, %p: !i) -> !n {
  %w, %s = dsv3.weight @encoded : tensor<2x256x512xf8E4M3FN> scales tensor<2x2x4xf32>
  %e = kern.empty : !n
  %a = kern.launch @attention ins(%x, %r, %w, %s, %p, %cache : !q, !r, tensor<2x256x512xf8E4M3FN>, tensor<2x2x4xf32>, !i, !cache) outs(%e : !n) -> !n
  return %a : !n
}
