// RUN: dsv3-opt %s --kern-read-in-place --remarks-filter=dsv3 --verify-diagnostics

dsv3.parameter @w : tensor<32x64xbf16> from [#dsv3.segment<"w", shape = [32, 64], rows = 32>]

// expected-remark-re @below {{[Passed] read-in-place | Category:dsv3 | {{.*}}CPUs read the weight where the checkpoint has it}}
kern.def @linear kind "linear" family "gemm" sizes [] ins(%a: tensor<1x64xf32>, %w: tensor<32x64xbf16>) outs(%o: tensor<1x32xf32>) {
  %y = kern.gemm ins(%a, %w : tensor<1x64xf32>, tensor<32x64xbf16>) outs(%o : tensor<1x32xf32>) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x32xf32>
  kern.yield %y : tensor<1x32xf32>
}
func.func @step(%a: tensor<1x64xf32>, %o: tensor<1x32xf32>) {
  %w = dsv3.weight @w : tensor<32x64xbf16>
  %0 = kern.launch @linear ins(%a, %w : tensor<1x64xf32>, tensor<32x64xbf16>) outs(%o : tensor<1x32xf32>) -> tensor<1x32xf32>
  return
}
