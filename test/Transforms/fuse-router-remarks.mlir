// RUN: dsv3-opt %s --dsv3-fuse-router --remarks-filter=dsv3 --verify-diagnostics

#T = #dsv3.dims<"T">

func.func @router(%l: tensor<?x16xf32, #T>, %b: tensor<16xf32>) -> (tensor<?x4xi32, #T>, tensor<?x4xf32, #T>) {
  // expected-remark-re @below {{[Passed] fuse-router{{.*}}sigmoid, bias, 2 of 4 groups, top 4 and weights in one launch}}
  %e, %w = dsv3.router %l, %b groups 4 of 2 top 4 scale 2.5 normalise : tensor<?x16xf32, #T>, tensor<16xf32>
  return %e, %w : tensor<?x4xi32, #T>, tensor<?x4xf32, #T>
}
