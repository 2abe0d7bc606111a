// RUN: dsv3-opt %s --kern-configure=variants=x86-64-v3 --remarks-filter=dsv3 --verify-diagnostics
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
