// RUN: dsv3-opt %s --dsv3-observe-inputs --remarks-filter=dsv3 --verify-diagnostics

#T = #dsv3.dims<"T">
!x = tensor<?x8xf32, #T>

dsv3.parameter @o : tensor<8x8xbf16> layers [0] from [#dsv3.segment<"layers.{layer}.o", shape = [8, 8], rows = 8>]

func.func private @layer(%x: !x) -> !x attributes {dsv3.layers = array<i64: 0>} {
  %w = dsv3.weight @o : tensor<8x8xbf16>
  // expected-remark-re @below {{[Passed] observe-inputs{{.*}}what @o is multiplied with}}
  %y = dsv3.linear %x, %w : !x, tensor<8x8xbf16> -> !x
  return %y : !x
}
