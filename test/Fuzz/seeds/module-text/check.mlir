func.func @f() {
  %a = check.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32> as tensor<?x2xf32, #dsv3.dims<"T">>
  %b = check.constant dense<1.0> : tensor<1x2xf32>
  check.expect_eq %a, %b : tensor<?x2xf32, #dsv3.dims<"T">>, tensor<1x2xf32>
  check.expect_close %a, %b atol 1.0e-06 rtol 0.5 : tensor<?x2xf32, #dsv3.dims<"T">>, tensor<1x2xf32>
  check.expect_almost_constant %b, 1.0 atol 0.25 : tensor<1x2xf32>
  return
}
