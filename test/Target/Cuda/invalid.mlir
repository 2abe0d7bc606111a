// RUN: dsv3-translate --kernels-to-cuda %s --split-input-file --verify-diagnostics
// What the printer refuses, by name.

#T = #dsv3.dims<"T">
!x = tensor<?x8xf32, #T>
kern.def @configured kind "concat" family "concat" sizes ["T"] ins(%a: !x) outs(%o: tensor<?x16xf32, #T>) configs {"sm_80" = {threads = 32, scratch = 0, tiles = array<i64: 0, 1, 1, 1, 0>}} attributes {maxima = [#dsv3.size<"T", max = 8>]} {
  %y = kern.concat ins(%a, %a : !x, !x) outs(%o : tensor<?x16xf32, #T>) -> tensor<?x16xf32, #T>
  kern.yield %y : tensor<?x16xf32, #T>
}
// expected-error @below {{expected a kernel that is configured for sm_80; run kern-configure with that variant first}}
kern.def @bare kind "concat" family "concat" sizes ["T"] ins(%a: !x) outs(%o: tensor<?x16xf32, #T>) {
  %y = kern.concat ins(%a, %a : !x, !x) outs(%o : tensor<?x16xf32, #T>) -> tensor<?x16xf32, #T>
  kern.yield %y : tensor<?x16xf32, #T>
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x8xf32, #T>
// expected-error @below {{its configuration for sm_80 is none of the family table; run kern-configure again}}
kern.def @edited kind "concat" family "concat" sizes ["T"] ins(%a: !x) outs(%o: tensor<?x16xf32, #T>) configs {"sm_80" = {threads = 96, scratch = 0, tiles = array<i64: 0, 1, 1, 1, 0>}} attributes {maxima = [#dsv3.size<"T", max = 8>]} {
  %y = kern.concat ins(%a, %a : !x, !x) outs(%o : tensor<?x16xf32, #T>) -> tensor<?x16xf32, #T>
  kern.yield %y : tensor<?x16xf32, #T>
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x32xf32, #T>
// expected-error @below {{GPUs have no code for 'arith.mulf' that gives 'bf16' in a scalar region}}
kern.def @product kind "sum" family "rowwise" sizes ["T"] ins(%x: !x, %w: tensor<32xbf16>) outs(%o: !x) configs {"sm_80" = {threads = 32, scratch = 128, tiles = array<i64: 0, 1, 1, 1, 0>}} attributes {maxima = [#dsv3.size<"T", max = 8>]} {
  %y = kern.rowwise ins(%x, %w : !x, tensor<32xbf16>) [element, column] outs(%o : !x) reduce none contribution {
  } finish {
  } apply {
  ^bb0(%a: f32, %b: bf16):
    %s = arith.mulf %b, %b : bf16
    %t = arith.extf %s : bf16 to f32
    kern.yield %t : f32
  } -> !x
  kern.yield %y : !x
}
