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

func.func @heads(%x: tensor<?x2x64xbf16, #T>, %w: tensor<2x128x64xbf16>, %v: tensor<2x64x64xbf16>) -> (tensor<?x2xf32, #T>, tensor<?x1xf32, #T>) {
  // expected-remark-re @below {{[Passed] fuse-gemm-epilogue{{.*}}the codes of the heads in the epilogue}}
  %p = dsv3.head_linear %x, %w : tensor<?x2x64xbf16, #T>, tensor<2x128x64xbf16> -> tensor<?x2x128xbf16, #T>
  %m = dsv3.merge_heads %p : tensor<?x2x128xbf16, #T>
  %q, %s = dsv3.quantise %m group 128 : tensor<?x256xbf16, #T> -> tensor<?x256xf8E4M3FN, #T>, tensor<?x2xf32, #T>
  // expected-remark-re @below {{[Missed] fuse-gemm-epilogue{{.*}}the 64 columns of a head are no whole groups of 128}}
  %r = dsv3.head_linear %x, %v : tensor<?x2x64xbf16, #T>, tensor<2x64x64xbf16> -> tensor<?x2x64xbf16, #T>
  %n = dsv3.merge_heads %r : tensor<?x2x64xbf16, #T>
  %c, %t = dsv3.quantise %n group 128 : tensor<?x128xbf16, #T> -> tensor<?x128xf8E4M3FN, #T>, tensor<?x1xf32, #T>
  return %s, %t : tensor<?x2xf32, #T>, tensor<?x1xf32, #T>
}

func.func @few_blocks(%x: tensor<?x7168xbf16, #T>, %w: tensor<4096x7168xbf16>) -> tensor<?x16xf32, #T> attributes {dsv3.entry = {max_tokens = 16 : i64, min_tokens = 2 : i64, role = "step", sizes = [#dsv3.size<"T", max = 16>]}} {
  // expected-remark-re @below {{[Passed] fuse-gemm-epilogue{{.*}}SiLU·mul in the epilogue}}
  %p = dsv3.linear %x, %w : tensor<?x7168xbf16, #T>, tensor<4096x7168xbf16> -> tensor<?x4096xbf16, #T>
  %a = dsv3.silu_mul %p : tensor<?x4096xbf16, #T>
  // expected-remark-re @below {{[Missed] fuse-gemm-epilogue{{.*}}codes in a launch of their own: 16 blocks with the columns of a group would be too few}}
  %q, %s = dsv3.quantise %a group 128 : tensor<?x2048xbf16, #T> -> tensor<?x2048xf8E4M3FN, #T>, tensor<?x16xf32, #T>
  return %s : tensor<?x16xf32, #T>
}
