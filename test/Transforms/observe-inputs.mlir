// RUN: dsv3-opt %s --dsv3-observe-inputs | FileCheck %s
// An observation for each tensor of a product's weight, of heads before they are merged; none of a
// router's weight, and none outside of layers.

#T = #dsv3.dims<"T">
#TK = #dsv3.dims<"T*2">
!x = tensor<?x8xf32, #T>

dsv3.parameter @o : tensor<8x8xbf16> layers [0] from [#dsv3.segment<"layers.{layer}.o", shape = [8, 8], rows = 8>]
dsv3.parameter @gate : tensor<4x8xbf16> layers [0] from [#dsv3.segment<"layers.{layer}.gate", shape = [4, 8], rows = 4>]
dsv3.parameter @bias : tensor<4xf32> layers [0] from [#dsv3.segment<"layers.{layer}.bias", shape = [4], rows = 1>]
dsv3.parameter @gate_up : tensor<4x8x8xbf16> parts 2 layers [0] from [#dsv3.segment<"layers.{layer}.{expert}.gate", shape = [4, 8], rows = 4>, #dsv3.segment<"layers.{layer}.{expert}.up", shape = [4, 8], rows = 4>]
dsv3.parameter @down : tensor<4x8x4xbf16> layers [0] from [#dsv3.segment<"layers.{layer}.{expert}.down", shape = [8, 4], rows = 8>]
dsv3.parameter @outside : tensor<8x8xbf16> from [#dsv3.segment<"outside", shape = [8, 8], rows = 8>]

// CHECK-LABEL: func.func private @layer(
// CHECK-SAME: %[[HEADS:.+]]: tensor<?x2x4xf32
func.func private @layer(%h: tensor<?x2x4xf32, #T>) -> !x attributes {dsv3.layers = array<i64: 0>} {
  %m = dsv3.merge_heads %h : tensor<?x2x4xf32, #T>
  %wo = dsv3.weight @o : tensor<8x8xbf16>
  // CHECK: dsv3.observe "input.layers.{layer}.o" %[[HEADS]]
  // CHECK-NEXT: %[[X:.+]] = dsv3.linear
  %x = dsv3.linear %m, %wo : !x, tensor<8x8xbf16> -> !x
  %wg = dsv3.weight @gate : tensor<4x8xbf16>
  // CHECK-NOT: observe
  // CHECK: dsv3.router
  %l = dsv3.linear %x, %wg : !x, tensor<4x8xbf16> -> tensor<?x4xf32, #T>
  %b = dsv3.weight @bias : tensor<4xf32>
  %e, %w = dsv3.router %l, %b groups 1 of 1 top 2 scale 1.0 : tensor<?x4xf32, #T>, tensor<4xf32>
  %offsets, %rows, %slots = dsv3.dispatch %e experts 4 : tensor<?x2xi32, #T>
  %wgu = dsv3.weight @gate_up : tensor<4x8x8xbf16>
  // CHECK: dsv3.observe "input.layers.{layer}.{expert}.gate" %[[X]]
  // CHECK-NEXT: dsv3.observe "input.layers.{layer}.{expert}.up" %[[X]]
  // CHECK-NEXT: dsv3.grouped_linear
  %gu = dsv3.grouped_linear %x, %offsets rows %rows, %wgu : !x, tensor<5xi32> rows tensor<?xi32, #TK>, tensor<4x8x8xbf16> -> tensor<?x8xf32, #TK>
  %a = dsv3.silu_mul %gu : tensor<?x8xf32, #TK>
  %wd = dsv3.weight @down : tensor<4x8x4xbf16>
  // CHECK: %[[ACTIVE:.+]] = dsv3.silu_mul
  // CHECK: dsv3.observe "entries.layers.{layer}.{expert}.down" %[[ACTIVE]]
  // CHECK-NEXT: dsv3.grouped_linear
  %d = dsv3.grouped_linear %a, %offsets, %wd : tensor<?x4xf32, #TK>, tensor<5xi32>, tensor<4x8x4xbf16> -> tensor<?x8xf32, #TK>
  %y = dsv3.combine %d, %slots, %w : tensor<?x8xf32, #TK>, tensor<?x2xi32, #T>, tensor<?x2xf32, #T>
  return %y : !x
}

// CHECK-LABEL: func.func @outside_of_layers
// CHECK-NOT: observe
func.func @outside_of_layers(%x: !x) -> !x {
  %w = dsv3.weight @outside : tensor<8x8xbf16>
  %y = dsv3.linear %x, %w : !x, tensor<8x8xbf16> -> !x
  return %y : !x
}
