// RUN: dsv3-opt %s --split-input-file --dsv3-verify-phase=phase=kernels | FileCheck %s
// RUN: not dsv3-opt %s --split-input-file --dsv3-verify-phase=phase=configured 2>&1 | FileCheck %s --check-prefix=CONFIGURED
// A module of the phase goes through unchanged; the next phase asks for configurations.

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>

dsv3.parameter @table : tensor<320x128xbf16> from [#dsv3.segment<"table", shape = [320, 128], rows = 320>]

// CHECK: kern.def @gather
// CONFIGURED: error: after phase 'configured' these ops are left:
// CONFIGURED-NEXT: 1 × kern.def in @gather
kern.def @gather kind "rows" family "gather" sizes ["T"] ins(%t: tensor<320x128xbf16>, %i: tensor<?xi32, #T>) outs(%o: !x) {
  %y = kern.gather ins(%t, %i : tensor<320x128xbf16>, tensor<?xi32, #T>) outs(%o : !x) -> !x
  kern.yield %y : !x
}
// CHECK: func.func @decode
func.func @decode(%i: tensor<?xi32, #T>) -> !x {
  %t = dsv3.weight @table : tensor<320x128xbf16>
  %e = kern.empty : !x
  %y = kern.launch @gather ins(%t, %i : tensor<320x128xbf16>, tensor<?xi32, #T>) outs(%e : !x) -> !x
  dsv3.observe "hidden" %y layer 0 : !x
  return %y : !x
}
