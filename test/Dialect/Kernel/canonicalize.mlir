// RUN: dsv3-opt %s --canonicalize --cse | FileCheck %s
// RUN: dsv3-compile --config %S/../../../models/nano/config.json --stop-after=configured > %t.mlir
// RUN: dsv3-translate --kernels-to-plan %t.mlir -o %t.plan
// RUN: dsv3-opt %t.mlir --canonicalize --cse --symbol-dce | dsv3-translate --kernels-to-plan -o %t.again.plan
// RUN: cmp %t.plan %t.again.plan
// A view of everything is the buffer; one of a part stays.

#T = #dsv3.dims<"T">
!x8 = tensor<?x8xf32, #T>

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

// Two destinations are never one.
// CHECK-LABEL: func.func @destinations(
// CHECK-COUNT-2: kern.empty
kern.def @double kind "sum" family "rowwise" sizes ["T"] ins(%x: tensor<?x8xf32, #T>) outs(%o: tensor<?x8xf32, #T>) attributes {maxima = [#dsv3.size<"T", max = 8>]} {
  %y = kern.rowwise ins(%x : tensor<?x8xf32, #T>) [element] outs(%o : tensor<?x8xf32, #T>) reduce none contribution {
  } finish {
  } apply {
  ^bb0(%a: f32):
    // Constants stay in the region.
    %c = arith.constant 2.0 : f32
    %b = arith.mulf %a, %c : f32
    kern.yield %b : f32
  } -> !x8
  kern.yield %y : !x8
}
func.func @destinations(%x: !x8) -> (!x8, !x8) {
  %e = kern.empty : !x8
  %f = kern.empty : !x8
  %y = kern.launch @double ins(%x : !x8) outs(%e : !x8) -> !x8
  %z = kern.launch @double ins(%y : !x8) outs(%f : !x8) -> !x8
  return %y, %z : !x8, !x8
}
