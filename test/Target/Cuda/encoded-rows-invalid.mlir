// RUN: dsv3-opt %s --kern-configure=variants=sm_80 --verify-diagnostics
// Rows that a GPU has no code for are refused by name.

#T = #dsv3.dims<"T">
!x = tensor<?x64xi8, #T>
!xs = tensor<?x2xf32, #T>
!y = tensor<?x64xf32, #T>

// expected-error @below {{kernel @linear has no configuration for sm_80: GPUs have no code for rows of type i8; leave --activations out}}
kern.def @linear kind "linear" family "gemm" sizes ["T"] ins(%x: !x, %xs: !xs, %w: tensor<64x64xi8>, %s: tensor<64x2xf16>) outs(%o: !y) maxima [#dsv3.size<"T", max = 4>] {
  %y = kern.gemm ins(%x scales %xs, %w scales %s block [1, 32] : !x scales !xs, tensor<64x64xi8>, tensor<64x2xf16>) outs(%o : !y) epilogue() [] {
  ^bb0(%a: f32):
    kern.yield %a : f32
  } -> !y
  kern.yield %y : !y
}
