// The reference interpreter on router, dispatch and combine; answers by hand.
// REQUIRES: interpret
// RUN: dsv3-interpret run %s | FileCheck %s
// CHECK: 6 checks passed, 0 failed

// Logits of 0 and ± ln 3 are scores of 0.5, 0.75 and 0.25. With the bias, groups 3
// (0.85 + 0.85) and 2 (0.75 + 0.75) are the best two; in them experts 6, 7 and, the lower
// of two equals, 4. Their scores without bias are 0.25, 0.25 and 0.75: times 2.5 / 1.25.
func.func @router() {
  %logits = check.constant dense<[[0.0, 0.0, 1.0986123, -1.0986123, 1.0986123, 1.0986123, -1.0986123, -1.0986123]]> : tensor<1x8xf32>
  %bias = check.constant dense<[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.6, 0.6]> : tensor<8xf32>
  %e, %w = dsv3.router %logits, %bias groups 4 of 2 top 3 scale 2.5 normalise : tensor<1x8xf32>, tensor<8xf32>
  %experts = check.constant dense<[[4, 6, 7]]> : tensor<1x3xi32>
  check.expect_eq %e, %experts : tensor<1x3xi32>, tensor<1x3xi32>
  %weights = check.constant dense<[[1.5, 0.5, 0.5]]> : tensor<1x3xf32>
  check.expect_close %w, %weights atol 0.0 rtol 1.0e-06 : tensor<1x3xf32>, tensor<1x3xf32>
  return
}

// Two tokens with two experts each, sorted by expert; expert 1 has nobody.
func.func @dispatch() {
  %e = check.constant dense<[[2, 0], [0, 2]]> : tensor<2x2xi32> as tensor<?x2xi32, #dsv3.dims<"T">>
  %o, %r, %s = dsv3.dispatch %e experts 3 : tensor<?x2xi32, #dsv3.dims<"T">>
  %offsets = check.constant dense<[0, 2, 2, 4]> : tensor<4xi32>
  check.expect_eq %o, %offsets : tensor<4xi32>, tensor<4xi32>
  %rows = check.constant dense<[0, 1, 0, 1]> : tensor<4xi32>
  check.expect_eq %r, %rows : tensor<?xi32, #dsv3.dims<"T*2">>, tensor<4xi32>
  %slots = check.constant dense<[[2, 0], [1, 3]]> : tensor<2x2xi32>
  check.expect_eq %s, %slots : tensor<?x2xi32, #dsv3.dims<"T">>, tensor<2x2xi32>
  return
}

// 0.5 * 30 + 2 * 10 and 1 * 20 + 0.25 * 40.
func.func @combine() {
  %x = check.constant dense<[[10.0], [20.0], [30.0], [40.0]]> : tensor<4x1xf32> as tensor<?x1xf32, #dsv3.dims<"T*2">>
  %s = check.constant dense<[[2, 0], [1, 3]]> : tensor<2x2xi32> as tensor<?x2xi32, #dsv3.dims<"T">>
  %w = check.constant dense<[[0.5, 2.0], [1.0, 0.25]]> : tensor<2x2xf32> as tensor<?x2xf32, #dsv3.dims<"T">>
  %y = dsv3.combine %x, %s, %w : tensor<?x1xf32, #dsv3.dims<"T*2">>, tensor<?x2xi32, #dsv3.dims<"T">>, tensor<?x2xf32, #dsv3.dims<"T">>
  %expected = check.constant dense<[[35.0], [30.0]]> : tensor<2x1xf32>
  check.expect_eq %y, %expected : tensor<?x1xf32, #dsv3.dims<"T">>, tensor<2x1xf32>
  return
}
