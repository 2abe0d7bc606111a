// RUN: dsv3-opt %s --dsv3-narrow-activations=activations=int8 --remarks-filter=dsv3 --verify-diagnostics

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
module attributes {dsv3.policy = "f32"} {
  dsv3.parameter @i8 : tensor<128x128xi8> stored bf16 block [1, 32] from [#dsv3.segment<"i8", shape = [128, 128], rows = 128>]
  dsv3.parameter @bf16 : tensor<128x128xbf16> from [#dsv3.segment<"bf16", shape = [128, 128], rows = 128>]
  func.func @forward(%x: !x) -> !x {
    %w, %s = dsv3.weight @i8 : tensor<128x128xi8> scales tensor<128x4xf16>
    // expected-remark @below {{rows of int8 before the product with i8}}
    %y = dsv3.linear %x, %w scales %s block [1, 32] : !x, tensor<128x128xi8>, tensor<128x4xf16> -> !x
    %v = dsv3.weight @bf16 : tensor<128x128xbf16>
    // expected-remark @below {{rows stay f32: there is no product of int8 and bf16}}
    %z = dsv3.linear %y, %v : !x, tensor<128x128xbf16> -> !x
    return %z : !x
  }
}
