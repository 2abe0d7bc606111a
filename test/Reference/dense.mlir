// The reference interpreter on norms, linear layers and quantisation; answers by hand.
// REQUIRES: interpret
// RUN: dsv3-interpret run %s | FileCheck %s
// CHECK: 15 checks passed, 0 failed

// 3² and 4² have mean 12.5; with eps 12.5 the root is 5.
func.func @rms_norm() {
  %x = check.constant dense<[[3.0, 4.0]]> : tensor<1x2xf32>
  %w = check.constant dense<[2.0, 0.5]> : tensor<2xbf16>
  %y = dsv3.rms_norm %x, %w eps 1.25e+01 : tensor<1x2xf32>, tensor<2xbf16>
  %expected = check.constant dense<[[1.2, 0.4]]> : tensor<1x2xf32>
  check.expect_close %y, %expected atol 1.0e-07 rtol 1.0e-07 : tensor<1x2xf32>, tensor<1x2xf32>
  return
}

// 32 codes and one in the next block: 96 * 0.5 + 3 * 2 and 99.
func.func @linear_i8() {
  %x = check.constant dense<1.0> : tensor<1x33xf32>
  %w = check.constant dense<3> : tensor<2x33xi8>
  %s = check.constant dense<[[0.5, 2.0], [1.0, 1.0]]> : tensor<2x2xf16>
  %y = dsv3.linear %x, %w scales %s block [1, 32] : tensor<1x33xf32>, tensor<2x33xi8>, tensor<2x2xf16> -> tensor<1x2xf32>
  %expected = check.constant dense<[[54.0, 99.0]]> : tensor<1x2xf32>
  check.expect_eq %y, %expected : tensor<1x2xf32>, tensor<1x2xf32>
  return
}

// Codes are not signed: 32 * (15 * 0.5 - 1) + 15 * 2 + 1.
func.func @lm_head_i4() {
  %x = check.constant dense<1.0> : tensor<1x33xf32>
  %w = check.constant dense<15> : tensor<1x33xi4>
  %s = check.constant dense<[[[0.5, -1.0], [2.0, 1.0]]]> : tensor<1x2x2xf16>
  %y = dsv3.lm_head %x, %w scales %s block [1, 32] : tensor<1x33xf32>, tensor<1x33xi4>, tensor<1x2x2xf16> -> tensor<1x1xf32>
  %expected = check.constant dense<239.0> : tensor<1x1xf32>
  check.expect_eq %y, %expected : tensor<1x1xf32>, tensor<1x1xf32>
  return
}

// Blocks of 2 x 2 with ragged edges: 3 * 10 + 4 * 100, 1.5 * 10 + 2 * 100, 7 * 1000 + 0.5.
func.func @linear_f8() {
  %x = check.constant dense<1.0> : tensor<1x3xf32>
  %w = check.constant dense<[[1.0, 2.0, 4.0], [0.5, 1.0, 2.0], [8.0, -1.0, 1.0]]> : tensor<3x3xf8E4M3FN>
  %s = check.constant dense<[[10.0, 100.0], [1000.0, 0.5]]> : tensor<2x2xf32>
  %y = dsv3.linear %x, %w scales %s block [2, 2] : tensor<1x3xf32>, tensor<3x3xf8E4M3FN>, tensor<2x2xf32> -> tensor<1x3xf32>
  %expected = check.constant dense<[[430.0, 215.0, 7000.5]]> : tensor<1x3xf32>
  check.expect_eq %y, %expected : tensor<1x3xf32>, tensor<1x3xf32>
  return
}

// The same weights; the activations are [1, 2, 0.25] as codes and a scale for two columns.
func.func @linear_w8a8() {
  %x = check.constant dense<[[2.0, 4.0, 1.0]]> : tensor<1x3xf8E4M3FN>
  %xs = check.constant dense<[[0.5, 0.25]]> : tensor<1x2xf32>
  %w = check.constant dense<[[1.0, 2.0, 4.0], [0.5, 1.0, 2.0], [8.0, -1.0, 1.0]]> : tensor<3x3xf8E4M3FN>
  %s = check.constant dense<[[10.0, 100.0], [1000.0, 0.5]]> : tensor<2x2xf32>
  %y = dsv3.linear %x x_scales %xs, %w scales %s block [2, 2] : tensor<1x3xf8E4M3FN> x_scales tensor<1x2xf32>, tensor<3x3xf8E4M3FN>, tensor<2x2xf32> -> tensor<1x3xf32>
  %expected = check.constant dense<[[150.0, 75.0, 6000.125]]> : tensor<1x3xf32>
  check.expect_eq %y, %expected : tensor<1x3xf32>, tensor<1x3xf32>
  return
}

// The largest value of a group becomes 448; the last group is of one column.
func.func @quantise() {
  %x = check.constant dense<[[896.0, -448.0, 44.8]]> : tensor<1x3xf32>
  %q, %s = dsv3.quantise %x group 2 : tensor<1x3xf32> -> tensor<1x3xf8E4M3FN>, tensor<1x2xf32>
  %codes = check.constant dense<[[448.0, -224.0, 448.0]]> : tensor<1x3xf8E4M3FN>
  check.expect_eq %q, %codes : tensor<1x3xf8E4M3FN>, tensor<1x3xf8E4M3FN>
  %scales = check.constant dense<[[2.0, 0.1]]> : tensor<1x2xf32>
  check.expect_close %s, %scales atol 0.0 rtol 1.0e-07 : tensor<1x2xf32>, tensor<1x2xf32>
  return
}

// The largest value of a group becomes 127, halves go to the even code; a group of zeros has codes of 0.
func.func @quantise_i8() {
  %x = check.constant dense<[[254.0, -5.0, 0.0, 0.0, -63.5]]> : tensor<1x5xf32>
  %q, %s = dsv3.quantise %x group 2 : tensor<1x5xf32> -> tensor<1x5xi8>, tensor<1x3xf32>
  %codes = check.constant dense<[[127, -2, 0, 0, -127]]> : tensor<1x5xi8>
  check.expect_eq %q, %codes : tensor<1x5xi8>, tensor<1x5xi8>
  %scales = check.constant dense<[[2.0, 0.0, 0.5]]> : tensor<1x3xf32>
  check.expect_close %s, %scales atol 1.0e-31 rtol 0.0 : tensor<1x3xf32>, tensor<1x3xf32>
  return
}

// Codes times codes of i8, and of i4 with an offset: 0.5 * (3, 4) times 10 * (1, -2), and times
// 10 * (1, 2) + 1.
func.func @linear_int8() {
  %x = check.constant dense<[[3, 4]]> : tensor<1x2xi8>
  %xs = check.constant dense<[[0.5]]> : tensor<1x1xf32>
  %w8 = check.constant dense<[[1, -2]]> : tensor<1x2xi8>
  %s8 = check.constant dense<[[10.0]]> : tensor<1x1xf16>
  %y = dsv3.linear %x x_scales %xs, %w8 scales %s8 block [1, 32] : tensor<1x2xi8> x_scales tensor<1x1xf32>, tensor<1x2xi8>, tensor<1x1xf16> -> tensor<1x1xf32>
  %of8 = check.constant dense<[[-25.0]]> : tensor<1x1xf32>
  check.expect_eq %y, %of8 : tensor<1x1xf32>, tensor<1x1xf32>
  %w4 = check.constant dense<[[1, 2]]> : tensor<1x2xi4>
  %s4 = check.constant dense<[[[10.0, 1.0]]]> : tensor<1x1x2xf16>
  %z = dsv3.linear %x x_scales %xs, %w4 scales %s4 block [1, 32] : tensor<1x2xi8> x_scales tensor<1x1xf32>, tensor<1x2xi4>, tensor<1x1x2xf16> -> tensor<1x1xf32>
  %of4 = check.constant dense<[[58.5]]> : tensor<1x1xf32>
  check.expect_eq %z, %of4 : tensor<1x1xf32>, tensor<1x1xf32>
  return
}

// silu(0) is 0, silu(g) nears g; a size with a name is known when the function runs.
func.func @silu_mul() {
  %x = check.constant dense<[[0.0, 5.0], [100.0, 0.5]]> : tensor<2x2xf32> as tensor<?x2xf32, #dsv3.dims<"T">>
  %y = dsv3.silu_mul %x : tensor<?x2xf32, #dsv3.dims<"T">>
  %expected = check.constant dense<[[0.0], [50.0]]> : tensor<2x1xf32>
  check.expect_eq %y, %expected : tensor<?x1xf32, #dsv3.dims<"T">>, tensor<2x1xf32>
  return
}

// 1 + 2^-8 lies between two bf16: the one with the even last bit is taken, 1. Times 1.125 it is above the middle.
func.func @dequantise() {
  %w = check.constant dense<[[1.0, 2.0], [1.125, 448.0]]> : tensor<2x2xf8E4M3FN>
  %s = check.constant dense<[[1.00390625]]> : tensor<1x1xf32>
  %y = dsv3.dequantise %w scales %s block [2, 2] : tensor<2x2xf8E4M3FN>, tensor<1x1xf32> -> tensor<2x2xbf16>
  %expected = check.constant dense<[[1.0, 2.0], [1.1328125, 450.0]]> : tensor<2x2xbf16>
  check.expect_eq %y, %expected : tensor<2x2xbf16>, tensor<2x2xbf16>
  return
}

// With scale 0 the lowest index among equals, of those before the limit; none where the largest is infinite, or nothing is large.
func.func @sample_greedy() {
  %l = check.constant dense<[[1.0, 3.0, 3.0], [-1.0, -2.0, 5.0], [0x7FC00000, -4.0, 0x7FC00000], [0.0, 0x7F800000, 1.0], [0xFF800000, 0x7FC00000, 0xFF800000]]> : tensor<5x3xf32>
  %s = check.constant dense<[[3, 0, 1, 0, 0, 0, 0], [2, 0, 0, 0, 0, -1, -1], [9, 0, 0, 0, 0, 0, 0], [3, 0, 0, 0, 0, 0, 0], [3, 0, 0, 0, 0, 0, 0]]> : tensor<5x7xi32>
  %id = dsv3.sample %l, %s : tensor<5x3xf32>, tensor<5x7xi32> -> tensor<5xi32>
  %expected = check.constant dense<[1, 0, 1, -1, -1]> : tensor<5xi32>
  check.expect_eq %id, %expected : tensor<5xi32>, tensor<5xi32>
  return
}

// Scale log2(e), so temperature 1, and the middle of all random numbers, 2^63: the third of four equals. The second, where top-k
// keeps three, or top-p 0.5 two. Where min-p keeps the two that are just as likely as the best, the last of these.
func.func @sample_drawn() {
  %l = check.constant dense<[[2.0, 2.0, 2.0, 2.0], [2.0, 2.0, 2.0, 2.0], [2.0, 2.0, 2.0, 2.0], [1.0, 2.0, 1.0, 2.0], [0x7F800000, 0x7FC00000, 0xFF800000, 2.0]]> : tensor<5x4xf32>
  %s = check.constant dense<[[4, 0x3FB8AA3B, 0, 0, 0, -2147483648, 0], [4, 0x3FB8AA3B, 3, 0, 0, -2147483648, 0], [4, 0x3FB8AA3B, 0, -2147483648, 0, -2147483648, 0], [4, 0x3FB8AA3B, 0, 0, -1, -2147483648, 0], [4, 0x3FB8AA3B, 0, 0, 0, 0, 0]]> : tensor<5x7xi32>
  %id = dsv3.sample %l, %s : tensor<5x4xf32>, tensor<5x7xi32> -> tensor<5xi32>
  %expected = check.constant dense<[2, 1, 1, 3, 3]> : tensor<5xi32>
  check.expect_eq %id, %expected : tensor<5xi32>, tensor<5xi32>
  return
}
