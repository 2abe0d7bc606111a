// RUN: dsv3-opt %s --kern-configure=variants=sm_90a | dsv3-translate --kernels-to-cuda | FileCheck %s
// RUN: dsv3-opt %s --kern-configure="variants=sm_90a tensor-cores=mma" | dsv3-translate --kernels-to-cuda --kernel=latent_bf16 | FileCheck %s --check-prefix=MMA
// A cache is two arguments, its pages and its page table; appending writes the pages.

#T = #dsv3.dims<"T">
!i = tensor<?xi32, #T>
!q = tensor<?x4x32xf32, #T>
!r = tensor<?x4x8xf32, #T>
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 4096, requests = 2>
// CHECK-LABEL: //===- kernel append -===//
// CHECK: float *cachePages, // [pages, 64, 40]
// CHECK-NEXT: const int32 *cacheTable, // [2, pages of 4096 tokens]
// CHECK: static_assert(ropeAppendSharedBytes == 128, "shared memory as in the family table");
// CHECK: ropeAppend<4, 32>(launch, Rows<const float, 0, 32, 8>{query}, Rows<const float, 0, 40, 40>{kv}, weight,
// CHECK-NEXT: cosines, sines, positions, requests, Cache<float, 32, 8, 64, 4096, 2>{cachePages, cacheTable},
// CHECK-NEXT: Rows<float, 0, 32, 8>{out}, 9.99999997e-07f);
!kv = tensor<?x40xf32, #T>
!c = tensor<?x4xf32, #T>
kern.def @append kind "append" family "rope_append" sizes ["T"] ins(%q: !r, %kv: !kv, %w: tensor<32xbf16>, %cos: !c, %sin: !c, %pos: !i, %req: !i, %cache: !cache) outs(%o: !r) attributes {maxima = [#dsv3.size<"T", max = 8>]} {
  %y = kern.rope_append ins(%q, %kv, %w, %cos, %sin, %pos, %req : !r, !kv, tensor<32xbf16>, !c, !c, !i, !i) into(%cache : !cache) outs(%o : !r) eps 1.0e-06 -> !r
  kern.yield %y : !r
}

// CHECK-LABEL: //===- kernel latent -===//
// CHECK: // For sm_90a: form=1, heads=2, threads=256, since 2 heads share a read of the latents; tensor cores would round queries or cache of f32 to bf16.
// CHECK: __launch_bounds__(256, 3) latent(
// CHECK: const float *cachePages, // [pages, 64, 40]
// CHECK: using TheCache = Cache<const float, 32, 8, 64, 4096, 2>;
// CHECK-NEXT: static_assert(LatentShared<2, TheCache>::bytes == 856, "shared memory as in the family table");
// CHECK: latentAttention<2, 4, 8, 1, 256>(launch, Rows<const float, 0, 128, 32>{query}, Rows<const float, 0, 32, 8>{ropeQuery},
// CHECK-NEXT: positions, requests, TheCache{cachePages, cacheTable}, Rows<float, 0, 1088, 272>{out}, 0.200000003f);
!parts = tensor<?x4x272xf32, #T>
kern.def @latent kind "attention" family "latent_attention" sizes ["T"] ins(%q: !q, %r: !r, %pos: !i, %req: !i, %cache: !cache) outs(%o: !parts) attributes {maxima = [#dsv3.size<"T", max = 8>]} {
  %y = kern.latent_attention ins(%q, %r, %pos, %req : !q, !r, !i, !i) from(%cache : !cache) outs(%o : !parts) scale 2.0e-01 parts 8 -> !parts
  kern.yield %y : !parts
}

// With no parts it is the attention itself.
// CHECK-LABEL: //===- kernel whole -===//
// CHECK: latentAttention<4, 4, 0, 1, 256>(launch,
kern.def @whole kind "attention" family "latent_attention" sizes ["T"] ins(%q: !q, %r: !r, %pos: !i, %req: !i, %cache: !cache) outs(%o: !q) attributes {maxima = [#dsv3.size<"T", max = 128>]} {
  %y = kern.latent_attention ins(%q, %r, %pos, %req : !q, !r, !i, !i) from(%cache : !cache) outs(%o : !q) scale 2.0e-01 -> !q
  kern.yield %y : !q
}

// CHECK-LABEL: //===- kernel parts -===//
// CHECK: static_assert(combineSharedBytes(8) == 64, "shared memory as in the family table");
// CHECK: attentionCombine<8, 32, 4, 32>(launch, Rows<const float, 0, 1088, 272>{partials}, Rows<float, 0, 128, 32>{out});
kern.def @parts kind "attention_combine" family "attention_combine" sizes ["T"] ins(%x: !parts) outs(%o: !q) attributes {maxima = [#dsv3.size<"T", max = 8>]} {
  %y = kern.attention_combine ins(%x : !parts) outs(%o : !q) parts 8 -> !q
  kern.yield %y : !q
}

// CHECK-LABEL: //===- kernel expanded -===//
// CHECK: // For sm_90a: form=1, rows=32, threads=256, since 32 tokens share a page that is expanded.
// CHECK: expandedAttention<32, 4, 16, 24, 256>(launch, Rows<const float, 0, 64, 16>{query}, Rows<const float, 0, 32, 8>{ropeQuery},
// CHECK-NEXT: Weight<bf16, 40, 32>{weight, nullptr}, positions, requests, TheCache{cachePages, cacheTable},
// CHECK-NEXT: Rows<float, 0, 96, 24>{out}, T, 0.200000003f);
!n = tensor<?x4x16xf32, #T>
!v = tensor<?x4x24xf32, #T>
kern.def @expanded kind "attention" family "expanded_attention" sizes ["T"] ins(%q: !n, %r: !r, %w: tensor<4x40x32xbf16>, %pos: !i, %req: !i, %cache: !cache) outs(%o: !v) attributes {maxima = [#dsv3.size<"T", max = 512>]} {
  %y = kern.expanded_attention ins(%q, %r, %w, %pos, %req : !n, !r, tensor<4x40x32xbf16>, !i, !i) from(%cache : !cache) outs(%o : !v) scale 2.0e-01 -> !v
  kern.yield %y : !v
}

// On tensor cores, where nothing has to be rounded for them.
// CHECK-LABEL: //===- kernel expanded_bf16 -===//
// CHECK: // For sm_90a: form=2, rows=64, threads=256, since 64 tokens share a page that tensor cores expand.
// CHECK: static_assert(ExpandedMmaShared<16, 32, 0, TheCache>::bytes == 94724, "shared memory as in the family table");
// CHECK: expandedAttentionMma<4, 16, 32, 256, 0>(launch, Rows<const bf16, 0, 64, 16>{query}, Rows<const bf16, 0, 64, 16>{ropeQuery},
// CHECK-NEXT: Weight<bf16, 48, 32>{weight, nullptr}, positions, requests, TheCache{cachePages, cacheTable},
// CHECK-NEXT: Rows<bf16, 0, 128, 32>{out}, T, 0.200000003f);
!n16 = tensor<?x4x16xbf16, #T>
!r16 = tensor<?x4x16xbf16, #T>
!v16 = tensor<?x4x32xbf16, #T>
!cache16 = !dsv3.cache<bf16, latent = 32, rope = 16, page = 64, context = 4096, requests = 2>
kern.def @expanded_bf16 kind "attention" family "expanded_attention" sizes ["T"] ins(%q: !n16, %r: !r16, %w: tensor<4x48x32xbf16>, %pos: !i, %req: !i, %cache: !cache16) outs(%o: !v16) attributes {maxima = [#dsv3.size<"T", max = 512>]} {
  %y = kern.expanded_attention ins(%q, %r, %w, %pos, %req : !n16, !r16, tensor<4x48x32xbf16>, !i, !i) from(%cache : !cache16) outs(%o : !v16) scale 2.0e-01 -> !v16
  kern.yield %y : !v16
}

// A weight that the policy rounds is, on its way.
// CHECK-LABEL: //===- kernel expanded_f8 -===//
// CHECK: // For sm_90a: form=2, rows=64, threads=256, since 64 tokens share a page that tensor cores expand, the weight rounded on its way.
// CHECK: static_assert(ExpandedMmaShared<16, 32, 8, TheCache>::bytes == 94724, "shared memory as in the family table");
// CHECK: expandedAttentionMma<4, 16, 32, 256, 8>(launch, Rows<const bf16, 0, 64, 16>{query}, Rows<const bf16, 0, 64, 16>{ropeQuery},
// CHECK-NEXT: Weight<e4m3, 48, 32, 48, 32, Prologue>{weight, scales}, positions, requests, TheCache{cachePages, cacheTable},
kern.def @expanded_f8 kind "attention" family "expanded_attention" sizes ["T"] ins(%q: !n16, %r: !r16, %w: tensor<4x48x32xf8E4M3FN>, %s: tensor<4x1x1xf32>, %pos: !i, %req: !i, %cache: !cache16) outs(%o: !v16) attributes {maxima = [#dsv3.size<"T", max = 512>]} {
  %y = kern.expanded_attention ins(%q, %r, %w scales %s block [48, 32], %pos, %req : !n16, !r16, tensor<4x48x32xf8E4M3FN> scales tensor<4x1x1xf32>, !i, !i) from(%cache : !cache16) outs(%o : !v16) scale 2.0e-01 prologue {
  ^bb0(%x: f32):
    %b = arith.truncf %x : f32 to bf16
    kern.yield %b : bf16
  } -> !v16
  kern.yield %y : !v16
}

// Absorbed attention too: keys and values are one piece of latents in shared memory.
// CHECK-LABEL: //===- kernel latent_bf16 -===//
// CHECK: // For sm_90a: form=3, heads=64, most_tokens=32, threads=384, tokens=1, since warp groups multiply 64 heads of a token with each read of a page.
// CHECK: #include "runtime/kernels/cuda/family/latent_attention_wgmma.cuh"
// CHECK: DSV3_PERSISTENT
// CHECK: __launch_bounds__(384, 1) latent_bf16(
// CHECK: static_assert(LatentWgmmaShared<64, 1, 32, 128, 2, 3, TheCache>::bytes == 230740, "shared memory as in the family table");
// CHECK: latentAttentionWgmma<64, 1, 32, 128, 2, 3>(launch, Rows<const bf16, 0, 65536, 512>{query}, Rows<const bf16, 0, 8192, 64>{ropeQuery},
// CHECK-NEXT: positions, requests, TheCache{cachePages, cacheTable}, Rows<float, 0, 131584, 1028>{out}, T, 0.200000003f);
// MMA: // For sm_90a: form=2, heads=64, keys=64, stages=2, threads=256, since tensor cores multiply 64 heads with each read of 64 latents.
// MMA: __launch_bounds__(256, 1) latent_bf16(
// MMA: static_assert(LatentMmaShared<64, 64, 2, TheCache>::bytes == 230144, "shared memory as in the family table");
// MMA: latentAttentionMma<64, 64, 2, 128, 2, 3, 256>(launch, Rows<const bf16, 0, 65536, 512>{query}, Rows<const bf16, 0, 8192, 64>{ropeQuery},
// MMA-NEXT: positions, requests, TheCache{cachePages, cacheTable}, Rows<float, 0, 131584, 1028>{out}, 0.200000003f);
!lq16 = tensor<?x128x512xbf16, #T>
!lr16 = tensor<?x128x64xbf16, #T>
!lparts = tensor<?x128x1028xf32, #T>
!lcache16 = !dsv3.cache<bf16, latent = 512, rope = 64, page = 64, context = 4096, requests = 2>
kern.def @latent_bf16 kind "attention" family "latent_attention" sizes ["T"] ins(%q: !lq16, %r: !lr16, %pos: !i, %req: !i, %cache: !lcache16) outs(%o: !lparts) attributes {maxima = [#dsv3.size<"T", max = 32>]} {
  %y = kern.latent_attention ins(%q, %r, %pos, %req : !lq16, !lr16, !i, !i) from(%cache : !lcache16) outs(%o : !lparts) scale 2.0e-01 parts 2 pages 3 -> !lparts
  kern.yield %y : !lparts
}

// A prompt's keys and values on warp groups, by boxes.
// CHECK-LABEL: //===- kernel expand -===//
// CHECK: // For sm_90a: stages=4, threads=384, since 128 latents stay in shared memory while all rows of the weight meet them.
// CHECK: DSV3_PERSISTENT
// CHECK-NEXT: DSV3_TENSOR_MAP(0, 32768, -1, 1024, 128)
// CHECK-NEXT: DSV3_TENSOR_MAP(5, 8192, -1, 32768, 16)
// CHECK-NEXT: DSV3_TENSOR_MAP(7, 16384, -1, 16384, 16)
// CHECK: __launch_bounds__(384, 1) expand(
// CHECK: static_assert(ExpandShared<TheCache, 4>::bytes == 229564, "shared memory as in the family table");
// CHECK: expandLatents<128, 128, 128, 4, 4096>(launch, &weightMap, &keysMap, &valuesMap, positions, requests,
// CHECK-NEXT: TheCache{cachePages, cacheTable}, ropeKeys, T);
!wkv = tensor<128x256x512xbf16>
!keys = tensor<8192x128x128xbf16>
!ropes = tensor<8192x64xbf16>
!values = tensor<128x128x8192xbf16>
kern.def @expand kind "expand_latents" family "expand_latents" sizes ["T"] ins(%w: !wkv, %pos: !i, %req: !i, %cache: !lcache16) outs(%k: !keys, %r: !ropes, %v: !values) attributes {maxima = [#dsv3.size<"T", max = 512>]} {
  %a, %b, %c = kern.expand_latents ins(%w, %pos, %req : !wkv, !i, !i) from(%cache : !lcache16) outs(%k, %r, %v : !keys, !ropes, !values) -> !keys, !ropes, !values
  kern.yield %a, %b, %c : !keys, !ropes, !values
}

// CHECK-LABEL: //===- kernel prefill -===//
// CHECK: // For sm_90a: threads=384, since 128 tokens share expanded keys, which warp groups multiply.
// CHECK: DSV3_TENSOR_MAP(0, 1, 0, 32768, 64)
// CHECK-NEXT: DSV3_TENSOR_MAP(1, 1, 0, 16384, 64)
// CHECK-NEXT: DSV3_TENSOR_MAP(4, 8192, -1, 32768, 128)
// CHECK-NEXT: DSV3_TENSOR_MAP(5, 8192, -1, 128, 128)
// CHECK-NEXT: DSV3_TENSOR_MAP(6, 16384, -1, 16384, 128)
// CHECK-NEXT: DSV3_TENSOR_MAP(7, 1, 0, 32768, 16)
// CHECK: static_assert(PrefillShared<128, 64, 128>::bytes == 215116, "shared memory as in the family table");
// CHECK: prefillAttention<128, 64, 128, ExpandedKeys<4096, 2>>(launch, Rows<const bf16, 0, 16384, 128>{query},
// CHECK-NEXT: Rows<const bf16, 0, 8192, 64>{ropeQuery},
// CHECK-NEXT: &queryMap, &ropeQueryMap, &keysMap, &ropeKeysMap, &valuesMap, &outMap, positions, requests, T, 0.200000003f);
!hq = tensor<?x128x128xbf16, #T>
kern.def @prefill kind "attention" family "prefill_attention" sizes ["T"] ins(%q: !hq, %r: !lr16, %pos: !i, %req: !i, %k: !keys, %s: !ropes, %v: !values) outs(%o: !hq) attributes {maxima = [#dsv3.size<"T", max = 512>]} {
  %y = kern.prefill_attention ins(%q, %r, %k, %s, %v, %pos, %req : !hq, !lr16, !keys, !ropes, !values, !i, !i) outs(%o : !hq) context 4096 scale 2.0e-01 -> !hq
  kern.yield %y : !hq
}
