// RUN: dsv3-opt %s --dsv3-fuse-router | FileCheck %s

#T = #dsv3.dims<"T">

// CHECK-LABEL: func.func @router(
// CHECK: %[[G:.+]]:2 = kern.group "router" -> tensor<?x4xi32, {{.*}}>, tensor<?x4xf32
// CHECK-NEXT: %[[E:.+]], %[[W:.+]] = dsv3.router
// CHECK-NEXT: kern.yield %[[E]], %[[W]]
// CHECK: return %[[G]]#0, %[[G]]#1
func.func @router(%l: tensor<?x16xf32, #T>, %b: tensor<16xf32>) -> (tensor<?x4xi32, #T>, tensor<?x4xf32, #T>) {
  %e, %w = dsv3.router %l, %b groups 4 of 2 top 4 scale 2.5 normalise : tensor<?x16xf32, #T>, tensor<16xf32>
  return %e, %w : tensor<?x4xi32, #T>, tensor<?x4xf32, #T>
}
