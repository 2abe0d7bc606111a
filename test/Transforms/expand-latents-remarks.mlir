// RUN: dsv3-opt %s --kern-expand-latents="most-bytes=700000" --remarks-filter=dsv3 --verify-diagnostics

!cache = !dsv3.cache<bf16, latent = 64, rope = 64, page = 64, context = 300, requests = 1>
!long = !dsv3.cache<bf16, latent = 64, rope = 64, page = 64, context = 3000, requests = 1>
!f32 = !dsv3.cache<f32, latent = 64, rope = 64, page = 64, context = 300, requests = 1>
!q = tensor<1x2x128xbf16>
!r = tensor<1x2x64xbf16>
!w = tensor<2x256x64xbf16>

// expected-remark-re @below {{[Passed] expand-latents | Category:dsv3 | {{.*}}keys and values are expanded once a step, into 442368 bytes}}
kern.def @good kind "a" family "expanded_attention" sizes [] ins(%q: !q, %r: !r, %w: !w, %p: tensor<1xi32>, %cache: !cache) outs(%o: !q) {
  %y = kern.expanded_attention ins(%q, %r, %w, %p, %p : !q, !r, !w, tensor<1xi32>, tensor<1xi32>) from(%cache : !cache) outs(%o : !q) scale 2.0e-01 -> !q
  kern.yield %y : !q
}
// expected-remark-re @below {{[Missed] expand-latents | Category:dsv3 | {{.*}}keys are expanded page by page: 3538944 bytes for the whole context are more than 700000}}
kern.def @context kind "a" family "expanded_attention" sizes [] ins(%q: !q, %r: !r, %w: !w, %p: tensor<1xi32>, %cache: !long) outs(%o: !q) {
  %y = kern.expanded_attention ins(%q, %r, %w, %p, %p : !q, !r, !w, tensor<1xi32>, tensor<1xi32>) from(%cache : !long) outs(%o : !q) scale 2.0e-01 -> !q
  kern.yield %y : !q
}
// expected-remark-re @below {{[Missed] expand-latents | Category:dsv3 | {{.*}}keys are expanded page by page: queries, results or cache are not bf16}}
kern.def @precise kind "a" family "expanded_attention" sizes [] ins(%q: !q, %r: !r, %w: !w, %p: tensor<1xi32>, %cache: !f32) outs(%o: !q) {
  %y = kern.expanded_attention ins(%q, %r, %w, %p, %p : !q, !r, !w, tensor<1xi32>, tensor<1xi32>) from(%cache : !f32) outs(%o : !q) scale 2.0e-01 -> !q
  kern.yield %y : !q
}
!small = tensor<1x2x64xbf16>
// expected-remark-re @below {{[Missed] expand-latents | Category:dsv3 | {{.*}}keys are expanded page by page: warp groups multiply 128 columns of keys and of values, and whole boxes of latents}}
kern.def @narrow kind "a" family "expanded_attention" sizes [] ins(%q: !small, %r: !r, %w: tensor<2x192x64xbf16>, %p: tensor<1xi32>, %cache: !cache) outs(%o: !q) {
  %y = kern.expanded_attention ins(%q, %r, %w, %p, %p : !small, !r, tensor<2x192x64xbf16>, tensor<1xi32>, tensor<1xi32>) from(%cache : !cache) outs(%o : !q) scale 2.0e-01 -> !q
  kern.yield %y : !q
}
// expected-remark-re @below {{[Missed] expand-latents | Category:dsv3 | {{.*}}keys are expanded page by page: other kernels read kv_b}}
kern.def @shared kind "a" family "expanded_attention" sizes [] ins(%q: !q, %r: !r, %w: !w, %p: tensor<1xi32>, %cache: !cache) outs(%o: !q) {
  %y = kern.expanded_attention ins(%q, %r, %w, %p, %p : !q, !r, !w, tensor<1xi32>, tensor<1xi32>) from(%cache : !cache) outs(%o : !q) scale 2.0e-01 -> !q
  kern.yield %y : !q
}
func.func @step(%q: !q, %r: !r, %w: !w, %p: tensor<1xi32>, %cache: !cache) -> !q {
  %e = kern.empty : !q
  %y = kern.launch @shared ins(%q, %r, %w, %p, %cache : !q, !r, !w, tensor<1xi32>, !cache) outs(%e : !q) -> !q
  return %y : !q
}
