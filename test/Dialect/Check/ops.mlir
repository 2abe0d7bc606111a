// RUN: dsv3-opt %s | dsv3-opt | FileCheck %s --strict-whitespace

// CHECK-LABEL: func.func @checks(
func.func @checks(%y: tensor<?x2xf32, #dsv3.dims<"T">>, %e: tensor<?xi32, #dsv3.dims<"T">>) {
  // CHECK: %[[C:.*]] = check.constant dense<{{.*}}> : tensor<1x2xf32>{{$}}
  %c = check.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  // CHECK: check.constant dense<5.000000e-01> : tensor<3x2xf32> as tensor<?x2xf32, #dsv3.dims<"T">>
  %t = check.constant dense<0.5> : tensor<3x2xf32> as tensor<?x2xf32, #dsv3.dims<"T">>
  // CHECK: %[[I:.*]] = check.constant dense<7> : tensor<1xi32>
  %i = check.constant dense<7> : tensor<1xi32>
  // CHECK: check.expect_eq %{{.*}}, %[[I]] : tensor<?xi32, #dsv3.dims<"T">>, tensor<1xi32>
  check.expect_eq %e, %i : tensor<?xi32, #dsv3.dims<"T">>, tensor<1xi32>
  // CHECK: check.expect_close %{{.*}}, %[[C]] atol 5.000000e-01 rtol 2.500000e-01 : tensor<?x2xf32, #dsv3.dims<"T">>, tensor<1x2xf32>
  check.expect_close %y, %c atol 0.5 rtol 0.25 : tensor<?x2xf32, #dsv3.dims<"T">>, tensor<1x2xf32>
  // CHECK: check.expect_almost_constant %{{.*}}, 5.000000e-01 atol 0.000000e+00 : tensor<?x2xf32, #dsv3.dims<"T">>
  check.expect_almost_constant %t, 0.5 atol 0.0 : tensor<?x2xf32, #dsv3.dims<"T">>
  return
}
