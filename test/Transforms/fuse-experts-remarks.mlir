// RUN: dsv3-opt %s --dsv3-fuse-experts --remarks-filter=dsv3 --verify-diagnostics

#T = #dsv3.dims<"T">
#T4 = #dsv3.dims<"T*4">
!x = tensor<?x128xf32, #T>

func.func @experts(%x: !x, %shared: !x, %off: tensor<17xi32>, %r: tensor<?xi32, #T4>, %s: tensor<?x4xi32, #T>, %w: tensor<?x4xf32, #T>, %gu: tensor<16x128x128xbf16>, %down: tensor<16x128x64xbf16>) -> !x {
  // expected-remark-re @below {{[Passed] fuse-experts{{.*}}gate, up and SiLU·mul in one launch}}
  %h = dsv3.grouped_linear %x, %off rows %r, %gu : !x, tensor<17xi32> rows tensor<?xi32, #T4>, tensor<16x128x128xbf16> -> tensor<?x128xf32, #T4>
  %a = dsv3.silu_mul %h : tensor<?x128xf32, #T4>
  // expected-remark-re @below {{[Missed] fuse-experts{{.*}}no activation that alone reads the product}}
  %d = dsv3.grouped_linear %a, %off, %down : tensor<?x64xf32, #T4>, tensor<17xi32>, tensor<16x128x64xbf16> -> tensor<?x128xf32, #T4>
  // expected-remark-re @below {{[Passed] fuse-experts{{.*}}weighted sum of the experts with 1 additions in one launch}}
  %y = dsv3.combine %d, %s, %w : tensor<?x128xf32, #T4>, tensor<?x4xi32, #T>, tensor<?x4xf32, #T>
  %z = dsv3.add %y, %shared : !x
  return %z : !x
}

func.func @nothing_to_add(%d: tensor<?x128xf32, #T4>, %s: tensor<?x4xi32, #T>, %w: tensor<?x4xf32, #T>) -> !x {
  // expected-remark-re @below {{[Missed] fuse-experts{{.*}}no addition that alone reads the weighted sum}}
  %y = dsv3.combine %d, %s, %w : tensor<?x128xf32, #T4>, tensor<?x4xi32, #T>, tensor<?x4xf32, #T>
  return %y : !x
}

func.func @quantised(%x: tensor<?x128xbf16, #T>, %off: tensor<17xi32>, %r: tensor<?xi32, #T4>, %gu: tensor<16x128x128xbf16>) -> tensor<?x1xf32, #T4> {
  // expected-remark-re @below {{[Passed] fuse-experts{{.*}}gate, up, SiLU·mul and its codes in one launch}}
  %h = dsv3.grouped_linear %x, %off rows %r, %gu : tensor<?x128xbf16, #T>, tensor<17xi32> rows tensor<?xi32, #T4>, tensor<16x128x128xbf16> -> tensor<?x128xbf16, #T4>
  %a = dsv3.silu_mul %h : tensor<?x128xbf16, #T4>
  %q, %s = dsv3.quantise %a group 128 : tensor<?x64xbf16, #T4> -> tensor<?x64xf8E4M3FN, #T4>, tensor<?x1xf32, #T4>
  return %s : tensor<?x1xf32, #T4>
}
