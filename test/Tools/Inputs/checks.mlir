// What test/Tools/interpret-run.test runs; it knows the lines of the failing checks.
func.func @holds() {
  %x = check.constant dense<[[1.0, 2.5], [4.0, 3.0]]> : tensor<2x2xf32>
  %y = check.constant dense<[[1.0, 2.25], [4.0, 3.25]]> : tensor<2x2xf32>
  check.expect_eq %x, %x : tensor<2x2xf32>, tensor<2x2xf32>
  check.expect_close %x, %y atol 2.5e-01 rtol 0.0 : tensor<2x2xf32>, tensor<2x2xf32>
  check.expect_almost_constant %x, 2.5 atol 1.5 : tensor<2x2xf32>
  return
}

func.func @fails() {
  %x = check.constant dense<[[1.0, 2.5], [4.0, 3.0]]> : tensor<2x2xf32>
  %y = check.constant dense<[[1.0, 2.0], [3.0, 3.0]]> : tensor<2x2xf32>
  check.expect_close %x, %y atol 0.0 rtol 0.5 : tensor<2x2xf32>, tensor<2x2xf32>
  check.expect_close %x, %y atol 2.5e-01 rtol 0.0 : tensor<2x2xf32>, tensor<2x2xf32>
  check.expect_eq %x, %y : tensor<2x2xf32>, tensor<2x2xf32>
  check.expect_almost_constant %x, 1.0 atol 0.0 : tensor<2x2xf32>
  %nan = check.constant dense<[0x7F800000, 0x7FC00000]> : tensor<2xf32>
  %five = check.constant dense<[5.0, 0x7FC00000]> : tensor<2xf32>
  check.expect_close %five, %nan atol 1.0 rtol 1.0 : tensor<2xf32>, tensor<2xf32>
  %one = check.constant dense<1.0> : tensor<1x2xf32> as tensor<?x2xf32>
  %two = check.constant dense<1.0> : tensor<2x2xf32> as tensor<?x2xf32>
  check.expect_eq %one, %two : tensor<?x2xf32>, tensor<?x2xf32>
  return
}

func.func private @empty() {
  return
}

func.func @has_an_argument(%x: tensor<1xf32>) {
  return
}

// Not among the ops that the interpreter knows.
func.func @has_no_meaning() {
  %x = check.constant dense<1.0> : tensor<1xf32>
  check.expect_eq %x, %x : tensor<1xf32>, tensor<1xf32>
  %y = math.absf %x : tensor<1xf32>
  return
}
