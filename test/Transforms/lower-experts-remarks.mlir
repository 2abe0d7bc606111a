// RUN: dsv3-opt %s --dsv3-lower-experts --remarks-filter=dsv3 --verify-diagnostics

#T = #dsv3.dims<"T">

func.func @experts(%x: tensor<?x128xf32, #T>, %e: tensor<?x4xi32, #T>, %w: tensor<?x4xf32, #T>, %gu: tensor<16x128x128xbf16>, %d: tensor<16x128x64xbf16>) -> tensor<?x128xf32, #T> {
  // expected-remark-re @below {{[Passed] lower-experts{{.*}}16 experts as two grouped products}}
  %y = dsv3.experts %x, %e, %w, %gu, %d : tensor<?x128xf32, #T>, tensor<?x4xi32, #T>, tensor<?x4xf32, #T>, tensor<16x128x128xbf16>, tensor<16x128x64xbf16>
  return %y : tensor<?x128xf32, #T>
}
