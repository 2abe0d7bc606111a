// The reference interpreter on core ops of kern with FP8 rows, prologues and quantise stages; answers by hand.
// REQUIRES: interpret
// RUN: dsv3-interpret run %s | FileCheck %s
// CHECK: 12 checks passed, 0 failed

// The sum goes on as it is, its codes and scales beside it: 896 and 44.8 become 448.
func.func @rowwise_quantise() {
  %x = check.constant dense<[[448.0, -224.0, 22.4]]> : tensor<1x3xf32>
  %o = kern.empty : tensor<1x3xf32>
  %q = kern.empty : tensor<1x3xf8E4M3FN>
  %s = kern.empty : tensor<1x2xf32>
  %y:3 = kern.rowwise ins(%x : tensor<1x3xf32>) [element] outs(%o, %q, %s : tensor<1x3xf32>, tensor<1x3xf8E4M3FN>, tensor<1x2xf32>) reduce none contribution {
  } finish {
  } apply {
  ^bb0(%a: f32):
    %t = arith.addf %a, %a : f32
    kern.yield %a, %t : f32, f32
  } quantise group 2 -> tensor<1x3xf32>, tensor<1x3xf8E4M3FN>, tensor<1x2xf32>
  check.expect_eq %y#0, %x : tensor<1x3xf32>, tensor<1x3xf32>
  %codes = check.constant dense<[[448.0, -224.0, 448.0]]> : tensor<1x3xf8E4M3FN>
  check.expect_eq %y#1, %codes : tensor<1x3xf8E4M3FN>, tensor<1x3xf8E4M3FN>
  %scales = check.constant dense<[[2.0, 0.1]]> : tensor<1x2xf32>
  check.expect_close %y#2, %scales atol 0.0 rtol 1.0e-07 : tensor<1x2xf32>, tensor<1x2xf32>
  return
}

// As @linear_w8a8 of dense.mlir, each sum doubled by the epilogue.
func.func @gemm_codes() {
  %x = check.constant dense<[[2.0, 4.0, 1.0]]> : tensor<1x3xf8E4M3FN>
  %xs = check.constant dense<[[0.5, 0.25]]> : tensor<1x2xf32>
  %w = check.constant dense<[[1.0, 2.0, 4.0], [0.5, 1.0, 2.0], [8.0, -1.0, 1.0]]> : tensor<3x3xf8E4M3FN>
  %s = check.constant dense<[[10.0, 100.0], [1000.0, 0.5]]> : tensor<2x2xf32>
  %o = kern.empty : tensor<1x3xf32>
  %y = kern.gemm ins(%x scales %xs, %w scales %s block [2, 2] : tensor<1x3xf8E4M3FN> scales tensor<1x2xf32>, tensor<3x3xf8E4M3FN>, tensor<2x2xf32>) outs(%o : tensor<1x3xf32>) epilogue() [] {
  ^bb0(%a: f32):
    %t = arith.addf %a, %a : f32
    kern.yield %t : f32
  } -> tensor<1x3xf32>
  %expected = check.constant dense<[[300.0, 150.0, 12000.25]]> : tensor<1x3xf32>
  check.expect_eq %y, %expected : tensor<1x3xf32>, tensor<1x3xf32>
  return
}

// The weight 1.00390625 is read as 1; what comes out, 600 and 3, as a code and a scale each.
func.func @gemm_prologue_quantise() {
  %x = check.constant dense<[[600.0], [3.0]]> : tensor<2x1xf32>
  %w = check.constant dense<[[1.00390625]]> : tensor<1x1xf32>
  %q = kern.empty : tensor<2x1xf8E4M3FN>
  %s = kern.empty : tensor<2x1xf32>
  %y:2 = kern.gemm ins(%x, %w : tensor<2x1xf32>, tensor<1x1xf32>) outs(%q, %s : tensor<2x1xf8E4M3FN>, tensor<2x1xf32>) prologue {
  ^bb0(%a: f32):
    %n = arith.truncf %a : f32 to bf16
    kern.yield %n : bf16
  } epilogue() [] {
  ^bb0(%a: f32):
    kern.yield %a : f32
  } quantise group 128 ue8m0 -> tensor<2x1xf8E4M3FN>, tensor<2x1xf32>
  %codes = check.constant dense<[[288.0], [384.0]]> : tensor<2x1xf8E4M3FN>
  check.expect_eq %y#0, %codes : tensor<2x1xf8E4M3FN>, tensor<2x1xf8E4M3FN>
  %scales = check.constant dense<[[2.0], [0.0078125]]> : tensor<2x1xf32>
  check.expect_eq %y#1, %scales : tensor<2x1xf32>, tensor<2x1xf32>
  return
}

// Room for two entries of each expert, of which the first one has one, the second none.
func.func @grouped_gemm_masked() {
  %x = check.constant dense<[[2.0], [0x7FC0], [0x7FC0], [0x7FC0], [4.0], [5.0]]> : tensor<6x1xbf16>
  %w = check.constant dense<[[[3.0]], [[5.0]], [[7.0]]]> : tensor<3x1x1xbf16>
  %n = check.constant dense<[1, 0, 2]> : tensor<3xi32>
  %o = kern.empty : tensor<6x1xf32>
  %y = kern.grouped_gemm ins(%x, %w, %n capacity 2 : tensor<6x1xbf16>, tensor<3x1x1xbf16>, tensor<3xi32>) outs(%o : tensor<6x1xf32>) epilogue() [] {
  ^bb0(%a: f32):
    kern.yield %a : f32
  } -> tensor<6x1xf32>
  %ids = check.constant dense<[0, 4, 5]> : tensor<3xi32>
  %p = kern.empty : tensor<3x1xf32>
  %there = kern.gather ins(%y, %ids : tensor<6x1xf32>, tensor<3xi32>) outs(%p : tensor<3x1xf32>) -> tensor<3x1xf32>
  %expected = check.constant dense<[[6.0], [28.0], [35.0]]> : tensor<3x1xf32>
  check.expect_eq %there, %expected : tensor<3x1xf32>, tensor<3x1xf32>
  return
}

// Row 1 goes to expert 0 and to expert 1, with its own scale.
func.func @grouped_gemm_codes() {
  %x = check.constant dense<[[2.0], [4.0]]> : tensor<2x1xf8E4M3FN>
  %xs = check.constant dense<[[1.0], [0.5]]> : tensor<2x1xf32>
  %w = check.constant dense<[[[3.0]], [[5.0]]]> : tensor<2x1x1xf8E4M3FN>
  %s = check.constant dense<[[[10.0]], [[100.0]]]> : tensor<2x1x1xf32>
  %off = check.constant dense<[0, 1, 2]> : tensor<3xi32>
  %rows = check.constant dense<[1, 1]> : tensor<2xi32>
  %o = kern.empty : tensor<2x1xf32>
  %y = kern.grouped_gemm ins(%x scales %xs, %w scales %s block [1, 1], %off rows %rows : tensor<2x1xf8E4M3FN> scales tensor<2x1xf32>, tensor<2x1x1xf8E4M3FN> scales tensor<2x1x1xf32>, tensor<3xi32> rows tensor<2xi32>) outs(%o : tensor<2x1xf32>) epilogue() [] {
  ^bb0(%a: f32):
    kern.yield %a : f32
  } -> tensor<2x1xf32>
  %expected = check.constant dense<[[60.0], [1000.0]]> : tensor<2x1xf32>
  check.expect_eq %y, %expected : tensor<2x1xf32>, tensor<2x1xf32>
  return
}

!cache = !dsv3.cache<f32, latent = 2, rope = 2, page = 4, context = 16, requests = 1>

// A query of zeros weighs all keys alike. Six keys are two pages, one for each of two parts; one key
// leaves the second part empty, of which the sum alone has a meaning.
func.func @attention_in_parts(%cache: !cache) {
  %latent = check.constant dense<[[2.0, 4.0], [4.0, 8.0], [6.0, 0.0], [8.0, 0.0], [1.0, 3.0], [3.0, 3.0]]> : tensor<6x2xf32>
  %key = check.constant dense<1.0> : tensor<6x2xf32>
  %positions = check.constant dense<[0, 1, 2, 3, 4, 5]> : tensor<6xi32>
  %requests = check.constant dense<0> : tensor<6xi32>
  dsv3.cache_append %cache, %latent, %key, %positions, %requests : !cache, tensor<6x2xf32>, tensor<6x2xf32>, tensor<6xi32>
  %q = check.constant dense<0.0> : tensor<2x1x2xf32>
  %seen = check.constant dense<[0, 5]> : tensor<2xi32>
  %one = check.constant dense<0> : tensor<2xi32>
  %e = kern.empty : tensor<2x1x8xf32>
  %parts = kern.latent_attention ins(%q, %q, %seen, %one : tensor<2x1x2xf32>, tensor<2x1x2xf32>, tensor<2xi32>, tensor<2xi32>) from(%cache : !cache) outs(%e : tensor<2x1x8xf32>) scale 1.0 parts 2 -> tensor<2x1x8xf32>
  %first = dsv3.slice %parts[0, 4] : tensor<2x1x8xf32>
  %left = check.constant dense<[[[2.0, 4.0, 0.0, 1.0]], [[20.0, 12.0, 0.0, 4.0]]]> : tensor<2x1x4xf32>
  check.expect_eq %first, %left : tensor<2x1x4xf32>, tensor<2x1x4xf32>
  %second = dsv3.slice %parts[7, 1] : tensor<2x1x8xf32>
  %sums = check.constant dense<[[[0.0]], [[2.0]]]> : tensor<2x1x1xf32>
  check.expect_eq %second, %sums : tensor<2x1x1xf32>, tensor<2x1x1xf32>
  %o = kern.empty : tensor<2x1x2xf32>
  %y = kern.attention_combine ins(%parts : tensor<2x1x8xf32>) outs(%o : tensor<2x1x2xf32>) parts 2 -> tensor<2x1x2xf32>
  %expected = check.constant dense<[[[2.0, 4.0]], [[4.0, 3.0]]]> : tensor<2x1x2xf32>
  check.expect_close %y, %expected atol 1.0e-06 rtol 0.0 : tensor<2x1x2xf32>, tensor<2x1x2xf32>
  return
}

// A part counts by its largest score: e^(ln 3) = 3 to 1.
func.func @attention_combine() {
  %parts = check.constant dense<[[[2.0, 2.0, 0.0, 1.0, 8.0, 4.0, 1.09861229, 2.0, 0.0, 0.0, 0.0, 0.0]]]> : tensor<1x1x12xf32>
  %o = kern.empty : tensor<1x1x2xf32>
  %y = kern.attention_combine ins(%parts : tensor<1x1x12xf32>) outs(%o : tensor<1x1x2xf32>) parts 3 -> tensor<1x1x2xf32>
  %expected = check.constant dense<[[[3.71428571, 2.0]]]> : tensor<1x1x2xf32>
  check.expect_close %y, %expected atol 1.0e-06 rtol 0.0 : tensor<1x1x2xf32>, tensor<1x1x2xf32>
  return
}
