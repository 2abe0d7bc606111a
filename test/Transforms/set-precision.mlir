// RUN: dsv3-opt %s --dsv3-set-precision | FileCheck %s
// RUN: dsv3-opt %s --dsv3-set-precision=policy=f32 | FileCheck %s
// The policy is recorded; weights keep the type they are stored in.

#T = #dsv3.dims<"T">

// CHECK: module attributes {dsv3.policy = "f32"}
// CHECK: dsv3.parameter @w : tensor<64x128xbf16>
// CHECK: dsv3.linear {{.*}} : tensor<?x128xf32{{.*}}, tensor<64x128xbf16> -> tensor<?x64xf32
module {
  dsv3.parameter @w : tensor<64x128xbf16> from [#dsv3.segment<"w", shape = [64, 128], rows = 64>]
  func.func @forward(%x: tensor<?x128xf32, #T>) -> tensor<?x64xf32, #T> {
    %w = dsv3.weight @w : tensor<64x128xbf16>
    %y = dsv3.linear %x, %w : tensor<?x128xf32, #T>, tensor<64x128xbf16> -> tensor<?x64xf32, #T>
    return %y : tensor<?x64xf32, #T>
  }
}
