// RUN: dsv3-opt %s --kern-configure=variants=x86-64-v3 | FileCheck %s
// RUN: dsv3-opt %s --kern-configure | FileCheck %s --check-prefix=ALL
// A configuration for each variant; definitions that differ in name and maxima alone become one, with the
// most of both.

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>

// CHECK: kern.def @decode.gather {{.*}} maxima [#dsv3.size<"T", max = 16>, #dsv3.size<"O", max = 4>] configs {"x86-64-v3" = {{{.*}}scratch = {{[0-9]+}} : i64, tiles = array<i64: {{.*}}>}} {
// CHECK-NOT: @prefill.gather
// ALL: configs {"x86-64-v3" = {{.*}}, "x86-64-v4" =
kern.def @decode.gather kind "rows" family "gather" sizes ["T"] ins(%t: tensor<320x128xbf16>, %i: tensor<?xi32, #T>) outs(%o: !x) maxima [#dsv3.size<"T", max = 8>] {
  %y = kern.gather ins(%t, %i : tensor<320x128xbf16>, tensor<?xi32, #T>) outs(%o : !x) -> !x
  kern.yield %y : !x
}
kern.def @prefill.gather kind "rows" family "gather" sizes ["T"] ins(%t: tensor<320x128xbf16>, %i: tensor<?xi32, #T>) outs(%o: !x) maxima [#dsv3.size<"O", max = 4>, #dsv3.size<"T", max = 16>] {
  %y = kern.gather ins(%t, %i : tensor<320x128xbf16>, tensor<?xi32, #T>) outs(%o : !x) -> !x
  kern.yield %y : !x
}
// CHECK: kern.launch @decode.gather
// CHECK: kern.launch @decode.gather
func.func @launches(%t: tensor<320x128xbf16>, %i: tensor<?xi32, #T>, %e: !x) {
  %a = kern.launch @decode.gather ins(%t, %i : tensor<320x128xbf16>, tensor<?xi32, #T>) outs(%e : !x) -> !x
  %b = kern.launch @prefill.gather ins(%t, %i : tensor<320x128xbf16>, tensor<?xi32, #T>) outs(%e : !x) -> !x
  return
}
