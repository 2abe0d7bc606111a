// RUN: dsv3-opt %s --kern-split-attention --remarks-filter=dsv3 --verify-diagnostics

!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 4096, requests = 1>

// expected-remark-re @below {{[Passed] split-attention | Category:dsv3 | {{.*}}4 heads and up to 32 parts of the keys, of at least 1 page}}
kern.def @few kind "latent_attention" family "latent_attention" sizes [] ins(%q: tensor<1x4x32xf32>, %r: tensor<1x4x8xf32>, %cache: !cache, %p: tensor<1xi32>) outs(%o: tensor<1x4x32xf32>) {
  %y = kern.latent_attention ins(%q, %r, %p, %p : tensor<1x4x32xf32>, tensor<1x4x8xf32>, tensor<1xi32>, tensor<1xi32>) from(%cache : !cache) outs(%o : tensor<1x4x32xf32>) scale 2.0e-01 -> tensor<1x4x32xf32>
  kern.yield %y : tensor<1x4x32xf32>
}
// expected-remark-re @below {{[Missed] split-attention | Category:dsv3 | {{.*}}the keys are not divided: 512 heads are enough work, or one page is all}}
kern.def @many kind "latent_attention" family "latent_attention" sizes [] ins(%q: tensor<1x512x32xf32>, %r: tensor<1x512x8xf32>, %cache: !cache, %p: tensor<1xi32>) outs(%o: tensor<1x512x32xf32>) {
  %y = kern.latent_attention ins(%q, %r, %p, %p : tensor<1x512x32xf32>, tensor<1x512x8xf32>, tensor<1xi32>, tensor<1xi32>) from(%cache : !cache) outs(%o : tensor<1x512x32xf32>) scale 2.0e-01 -> tensor<1x512x32xf32>
  kern.yield %y : tensor<1x512x32xf32>
}
