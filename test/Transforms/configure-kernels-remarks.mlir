// RUN: dsv3-opt %s --kern-configure=variants=x86-64-v3 --remarks-filter=dsv3 --verify-diagnostics
// RUN: dsv3-opt %s --kern-configure=variants=sm_80 --remarks-filter=dsv3 2>&1 | FileCheck %s
// The reason is the family table's.

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>

// expected-remark-re @below {{[Analysis] configure | Category:dsv3 | Function=gather{{.*}}Remark="x86-64-v3: {{.*}}1 rows are enough work for a tile}}
kern.def @gather kind "rows" family "gather" sizes ["T"] ins(%t: tensor<320x128xbf16>, %i: tensor<?xi32, #T>) outs(%o: !x) maxima [#dsv3.size<"T", max = 8>] {
  %y = kern.gather ins(%t, %i : tensor<320x128xbf16>, tensor<?xi32, #T>) outs(%o : !x) -> !x
  kern.yield %y : !x
}

// expected-remark-re @+2 {{[Analysis] configure | Category:dsv3 | Function=prefill{{.*}}1 rows are enough work for a tile}}
// expected-remark-re @+1 {{[Passed] configure | Category:dsv3 | Function=prefill{{.*}}one kernel with @gather, which is equal}}
kern.def @prefill kind "rows" family "gather" sizes ["T"] ins(%t: tensor<320x128xbf16>, %i: tensor<?xi32, #T>) outs(%o: !x) maxima [#dsv3.size<"T", max = 8>] {
  %y = kern.gather ins(%t, %i : tensor<320x128xbf16>, tensor<?xi32, #T>) outs(%o : !x) -> !x
  kern.yield %y : !x
}

// On GPUs absorbed attention says how many heads a block has on tensor cores, or why it is not there.
!p = tensor<?xi32, #T>
!q = tensor<?x4x32xbf16, #T>
!r = tensor<?x4x8xbf16, #T>
!cache = !dsv3.cache<bf16, latent = 32, rope = 8, page = 64, context = 4096, requests = 2>
// CHECK: Function=latent {{.*}}Remark="sm_80: 1 heads share a read of the latents; latents, rotated keys or pages are no whole fragments"
// expected-remark-re @below {{Function=latent {{.*}}heads share}}
kern.def @latent kind "attention" family "latent_attention" sizes ["T"] ins(%q: !q, %r: !r, %pos: !p, %req: !p, %cache: !cache) outs(%o: !q) maxima [#dsv3.size<"T", max = 8>] {
  %y = kern.latent_attention ins(%q, %r, %pos, %req : !q, !r, !p, !p) from(%cache : !cache) outs(%o : !q) scale 2.0e-01 -> !q
  kern.yield %y : !q
}

!r16 = tensor<?x4x16xbf16, #T>
!cache16 = !dsv3.cache<bf16, latent = 32, rope = 16, page = 64, context = 4096, requests = 2>
// CHECK: Function=fragments {{.*}}Remark="sm_80: tensor cores multiply 16 heads with each read of 64 latents"
// expected-remark-re @below {{Function=fragments {{.*}}heads share}}
kern.def @fragments kind "attention" family "latent_attention" sizes ["T"] ins(%q: !q, %r: !r16, %pos: !p, %req: !p, %cache: !cache16) outs(%o: !q) maxima [#dsv3.size<"T", max = 8>] {
  %y = kern.latent_attention ins(%q, %r, %pos, %req : !q, !r16, !p, !p) from(%cache : !cache16) outs(%o : !q) scale 2.0e-01 -> !q
  kern.yield %y : !q
}
