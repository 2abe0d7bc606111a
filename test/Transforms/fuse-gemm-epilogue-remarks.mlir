// RUN: dsv3-opt %s --dsv3-fuse-gemm-epilogue --remarks-filter=dsv3 --verify-diagnostics

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>

func.func @mlp(%x: !x, %gu: tensor<128x128xbf16>, %d: tensor<128x64xbf16>, %w: tensor<128x128xbf16>) -> !x {
  // expected-remark-re @below {{[Passed] fuse-gemm-epilogue{{.*}}SiLU·mul in the epilogue}}
  %h = dsv3.linear %x, %gu : !x, tensor<128x128xbf16> -> !x
  %a = dsv3.silu_mul %h : !x
  // expected-remark-re @below {{[Passed] fuse-gemm-epilogue{{.*}}residual addition in the epilogue}}
  %y = dsv3.linear %a, %d : tensor<?x64xf32, #T>, tensor<128x64xbf16> -> !x
  %r = dsv3.add %x, %y : !x
  // expected-remark-re @below {{[Missed] fuse-gemm-epilogue{{.*}}no elementwise op that alone reads the product}}
  %z = dsv3.linear %r, %w : !x, tensor<128x128xbf16> -> !x
  return %z : !x
}

func.func @quantised(%x: tensor<?x128xbf16, #T>, %w: tensor<128x128xbf16>) -> tensor<?x1xf32, #T> {
  // expected-remark-re @below {{[Passed] fuse-gemm-epilogue{{.*}}SiLU·mul and its codes in the epilogue}}
  %p = dsv3.linear %x, %w : tensor<?x128xbf16, #T>, tensor<128x128xbf16> -> tensor<?x128xbf16, #T>
  %a = dsv3.silu_mul %p : tensor<?x128xbf16, #T>
  %q, %s = dsv3.quantise %a group 128 : tensor<?x64xbf16, #T> -> tensor<?x64xf8E4M3FN, #T>, tensor<?x1xf32, #T>
  return %s : tensor<?x1xf32, #T>
}
