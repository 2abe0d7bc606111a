// RUN: dsv3-opt %s --kern-split-attention | FileCheck %s
// RUN: dsv3-opt %s --kern-split-attention="lone-pieces=2048 most-parts=64" | FileCheck %s --check-prefix=GPU

// RUN: dsv3-opt %s --kern-split-attention="lone-pieces=2048 most-parts=64 part-pages=2" | FileCheck %s --check-prefix=PAGES

// A few tokens have all pieces, each of 64 a fourth of them.
// GPU-LABEL: kern.def @decode kind
// GPU:         parts 64 -> tensor<?x4x2176xf32
// GPU-LABEL: kern.def @short
// GPU:         parts 3 ->
// GPU-LABEL: kern.def @heads128
// GPU:         parts 16 ->
// GPU-LABEL: kern.def @rows128
// GPU:         parts 4 ->

// Parts of a lone token have as many pages as is said at the least, of several tokens more where there are many heads.
// PAGES-LABEL: kern.def @decode kind
// PAGES:         parts 64 pages 2 -> tensor<?x4x2176xf32
// PAGES-LABEL: kern.def @heads128
// PAGES:         parts 16 pages 2 ->
// PAGES-LABEL: kern.def @rows128
// PAGES:         parts 4 pages 4 ->

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<bf16, latent = 32, rope = 8, page = 64, context = 4096, requests = 1>
!short = !dsv3.cache<bf16, latent = 32, rope = 8, page = 64, context = 129, requests = 1>

// Parts are f32, whatever the attention is.
// CHECK-LABEL: kern.def @decode kind "latent_attention"
// CHECK-SAME:    outs(%[[OUT:.*]]: tensor<?x4x1088xf32, {{.*}}>) maxima
// CHECK:         kern.latent_attention {{.*}} outs(%[[OUT]] : tensor<?x4x1088xf32, {{.*}}>) scale {{.*}} parts 32 -> tensor<?x4x1088xf32
kern.def @decode kind "latent_attention" family "latent_attention" sizes ["T"] ins(%q: tensor<?x4x32xbf16, #T>, %r: tensor<?x4x8xbf16, #T>, %cache: !cache, %p: tensor<?xi32, #T>) outs(%o: tensor<?x4x32xbf16, #T>) maxima [#dsv3.size<"T", max = 16>] {
  %y = kern.latent_attention ins(%q, %r, %p, %p : tensor<?x4x32xbf16, #T>, tensor<?x4x8xbf16, #T>, tensor<?xi32, #T>, tensor<?xi32, #T>) from(%cache : !cache) outs(%o : tensor<?x4x32xbf16, #T>) scale 2.0e-01 -> tensor<?x4x32xbf16, #T>
  kern.yield %y : tensor<?x4x32xbf16, #T>
}
// CHECK:       kern.def @decode_combine kind "attention_combine" family "attention_combine" sizes ["T"] ins(%[[IN:.*]]: tensor<?x4x1088xf32, {{.*}}>) outs(%[[TO:.*]]: tensor<?x4x32xbf16, {{.*}}>) maxima [#dsv3.size<"T", max = 16>]
// CHECK-NEXT:    kern.attention_combine ins(%[[IN]] : {{.*}}) outs(%[[TO]] : {{.*}}) parts 32 -> tensor<?x4x32xbf16

// No more parts than pages of the context.
// CHECK-LABEL: kern.def @short
// CHECK:         parts 3 -> tensor<?x4x102xf32
kern.def @short kind "latent_attention" family "latent_attention" sizes ["T"] ins(%q: tensor<?x4x32xf32, #T>, %r: tensor<?x4x8xf32, #T>, %cache: !short, %p: tensor<?xi32, #T>) outs(%o: tensor<?x4x32xf32, #T>) maxima [#dsv3.size<"T", max = 1>] {
  %y = kern.latent_attention ins(%q, %r, %p, %p : tensor<?x4x32xf32, #T>, tensor<?x4x8xf32, #T>, tensor<?xi32, #T>, tensor<?xi32, #T>) from(%cache : !short) outs(%o : tensor<?x4x32xf32, #T>) scale 2.0e-01 -> tensor<?x4x32xf32, #T>
  kern.yield %y : tensor<?x4x32xf32, #T>
}

// Many heads need fewer parts, or none.
// CHECK-LABEL: kern.def @heads128
// CHECK:         parts 4 -> tensor<1x128x136xf32>
kern.def @heads128 kind "latent_attention" family "latent_attention" sizes [] ins(%q: tensor<1x128x32xf32>, %r: tensor<1x128x8xf32>, %cache: !cache, %p: tensor<1xi32>) outs(%o: tensor<1x128x32xf32>) {
  %y = kern.latent_attention ins(%q, %r, %p, %p : tensor<1x128x32xf32>, tensor<1x128x8xf32>, tensor<1xi32>, tensor<1xi32>) from(%cache : !cache) outs(%o : tensor<1x128x32xf32>) scale 2.0e-01 -> tensor<1x128x32xf32>
  kern.yield %y : tensor<1x128x32xf32>
}
// CHECK-LABEL: kern.def @rows128
// CHECK:         parts 2 ->
kern.def @rows128 kind "latent_attention" family "latent_attention" sizes ["T"] ins(%q: tensor<?x128x32xf32, #T>, %r: tensor<?x128x8xf32, #T>, %cache: !cache, %p: tensor<?xi32, #T>) outs(%o: tensor<?x128x32xf32, #T>) maxima [#dsv3.size<"T", max = 64>] {
  %y = kern.latent_attention ins(%q, %r, %p, %p : tensor<?x128x32xf32, #T>, tensor<?x128x8xf32, #T>, tensor<?xi32, #T>, tensor<?xi32, #T>) from(%cache : !cache) outs(%o : tensor<?x128x32xf32, #T>) scale 2.0e-01 -> tensor<?x128x32xf32, #T>
  kern.yield %y : tensor<?x128x32xf32, #T>
}
// CHECK-LABEL: kern.def @heads512
// CHECK-NOT:     parts
// CHECK-NOT:   kern.def @heads512_combine
kern.def @heads512 kind "latent_attention" family "latent_attention" sizes [] ins(%q: tensor<1x512x32xf32>, %r: tensor<1x512x8xf32>, %cache: !cache, %p: tensor<1xi32>) outs(%o: tensor<1x512x32xf32>) {
  %y = kern.latent_attention ins(%q, %r, %p, %p : tensor<1x512x32xf32>, tensor<1x512x8xf32>, tensor<1xi32>, tensor<1xi32>) from(%cache : !cache) outs(%o : tensor<1x512x32xf32>) scale 2.0e-01 -> tensor<1x512x32xf32>
  kern.yield %y : tensor<1x512x32xf32>
}

// CHECK-LABEL: func.func @step
func.func @step(%q: tensor<?x4x32xbf16, #T>, %r: tensor<?x4x8xbf16, #T>, %cache: !cache, %p: tensor<?xi32, #T>) -> tensor<?x4x32xbf16, #T> {
  // CHECK: %[[E:.*]] = kern.empty : tensor<?x4x32xbf16
  // CHECK: %[[PARTS:.*]] = kern.empty : tensor<?x4x1088xf32
  // CHECK: %[[LEFT:.*]] = kern.launch @decode ins({{.*}}) outs(%[[PARTS]] : {{.*}}) -> tensor<?x4x1088xf32
  // CHECK: %[[Y:.*]] = kern.launch @decode_combine ins(%[[LEFT]] : {{.*}}) outs(%[[E]] : {{.*}}) -> tensor<?x4x32xbf16
  // CHECK: return %[[Y]]
  %e = kern.empty : tensor<?x4x32xbf16, #T>
  %y = kern.launch @decode ins(%q, %r, %cache, %p : tensor<?x4x32xbf16, #T>, tensor<?x4x8xbf16, #T>, !cache, tensor<?xi32, #T>) outs(%e : tensor<?x4x32xbf16, #T>) -> tensor<?x4x32xbf16, #T>
  return %y : tensor<?x4x32xbf16, #T>
}
