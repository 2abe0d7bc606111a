// RUN: dsv3-opt %s --canonicalize | FileCheck %s
// A view of everything is the buffer; one of a part stays.

#T = #dsv3.dims<"T">

// CHECK-LABEL: func.func @whole(
// CHECK-SAME: %[[X:[^:]+]]:
// CHECK-NEXT: return %[[X]]
func.func @whole(%x: tensor<?x8xf32, #T>) -> tensor<?x8xf32, #T> {
  %v = kern.view %x offset 0 : tensor<?x8xf32, #T> -> tensor<?x8xf32, #T>
  return %v : tensor<?x8xf32, #T>
}

// CHECK-LABEL: func.func @whole_heads(
// CHECK-SAME: %[[X:[^:]+]]:
// CHECK-NEXT: return %[[X]]
func.func @whole_heads(%x: tensor<?x2x4xf32, #T>) -> tensor<?x2x4xf32, #T> {
  %v = kern.view %x offset 0 stride 4 : tensor<?x2x4xf32, #T> -> tensor<?x2x4xf32, #T>
  return %v : tensor<?x2x4xf32, #T>
}

// Heads that overlap are no view of everything.
// CHECK-LABEL: func.func @overlapping(
// CHECK: kern.view %{{.*}} offset 0 stride 2
func.func @overlapping(%x: tensor<?x2x4xf32, #T>) -> tensor<?x2x4xf32, #T> {
  %v = kern.view %x offset 0 stride 2 : tensor<?x2x4xf32, #T> -> tensor<?x2x4xf32, #T>
  return %v : tensor<?x2x4xf32, #T>
}

// CHECK-LABEL: func.func @part(
// CHECK: kern.view %{{.*}} offset 4
func.func @part(%x: tensor<?x8xf32, #T>) -> tensor<?x4xf32, #T> {
  %v = kern.view %x offset 4 : tensor<?x8xf32, #T> -> tensor<?x4xf32, #T>
  return %v : tensor<?x4xf32, #T>
}
