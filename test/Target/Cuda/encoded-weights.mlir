// RUN: dsv3-opt %s --kern-configure=variants=sm_80 --verify-diagnostics
// Weights that a GPU has no code for are refused by name.

#T = #dsv3.dims<"T">
!x = tensor<?x64xf32, #T>

// expected-error @below {{kernel @linear has no configuration for sm_80: GPUs have no code for weights of type i8; leave --weights and --head out}}
kern.def @linear kind "linear" family "gemm" sizes ["T"] ins(%x: !x, %w: tensor<64x64xi8>, %s: tensor<64x2xf16>) outs(%o: !x) maxima [#dsv3.size<"T", max = 4>] {
  %y = kern.gemm ins(%x, %w scales %s block [1, 32] : !x, tensor<64x64xi8>, tensor<64x2xf16>) outs(%o : !x) epilogue() [] {
  ^bb0(%a: f32):
    kern.yield %a : f32
  } -> !x
  kern.yield %y : !x
}
