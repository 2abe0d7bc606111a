// What test/Tools/out-of-memory.test runs: a product of 128 TiB.
#T = #dsv3.dims<"T">

func.func @large() {
  %x = check.constant dense<1.0> : tensor<4194304x1xf32> as tensor<?x1xf32, #T>
  %w = check.constant dense<1.0> : tensor<4194304x1xf32>
  %y = dsv3.linear %x, %w : tensor<?x1xf32, #T>, tensor<4194304x1xf32> -> tensor<?x4194304xf32, #T>
  check.expect_almost_constant %y, 1.0 atol 0.0 : tensor<?x4194304xf32, #T>
  return
}
