// RUN: dsv3-opt %s --dsv3-fuse-experts | FileCheck %s
// Gate and up with their activation; combine with the shared expert and the residual. The down projection, which no
// activation reads, stays alone.

#T = #dsv3.dims<"T">
#T4 = #dsv3.dims<"T*4">
!x = tensor<?x128xf32, #T>

// CHECK-LABEL: func.func @experts(
// CHECK: %[[H:.+]] = kern.group "experts_gate_up" -> tensor<?x64xf32, #dsv3.dims<"T*4">>
// CHECK-NEXT: dsv3.grouped_linear
// CHECK-NEXT: %[[A:.+]] = dsv3.silu_mul
// CHECK-NEXT: kern.yield %[[A]]
// CHECK: %[[D:.+]] = dsv3.grouped_linear %[[H]]
// CHECK: %[[Y:.+]] = kern.group "combine" -> tensor<?x128xf32
// CHECK-NEXT: dsv3.combine %[[D]]
// CHECK-NEXT: dsv3.add
// CHECK-NEXT: dsv3.add
// CHECK-NEXT: kern.yield
// CHECK: return %[[Y]]
func.func @experts(%x: !x, %shared: !x, %off: tensor<17xi32>, %r: tensor<?xi32, #T4>, %s: tensor<?x4xi32, #T>, %w: tensor<?x4xf32, #T>, %gu: tensor<16x128x128xbf16>, %down: tensor<16x128x64xbf16>) -> !x {
  %h = dsv3.grouped_linear %x, %off rows %r, %gu : !x, tensor<17xi32> rows tensor<?xi32, #T4>, tensor<16x128x128xbf16> -> tensor<?x128xf32, #T4>
  %a = dsv3.silu_mul %h : tensor<?x128xf32, #T4>
  %d = dsv3.grouped_linear %a, %off, %down : tensor<?x64xf32, #T4>, tensor<17xi32>, tensor<16x128x64xbf16> -> tensor<?x128xf32, #T4>
  %y = dsv3.combine %d, %s, %w : tensor<?x128xf32, #T4>, tensor<?x4xi32, #T>, tensor<?x4xf32, #T>
  %z = dsv3.add %y, %shared : !x
  %o = dsv3.add %x, %z : !x
  return %o : !x
}

// An addition of the sum to itself would read it twice: not in the group.
// CHECK-LABEL: func.func @twice(
// CHECK: %[[Y:.+]] = kern.group "combine"
// CHECK-NEXT: dsv3.combine
// CHECK-NEXT: kern.yield
// CHECK: dsv3.add %[[Y]], %[[Y]]
func.func @twice(%d: tensor<?x128xf32, #T4>, %s: tensor<?x4xi32, #T>, %w: tensor<?x4xf32, #T>) -> !x {
  %y = dsv3.combine %d, %s, %w : tensor<?x128xf32, #T4>, tensor<?x4xi32, #T>, tensor<?x4xf32, #T>
  %z = dsv3.add %y, %y : !x
  return %z : !x
}

// CHECK-LABEL: func.func @quantised(
// CHECK: %[[G:.+]]:2 = kern.group "experts_gate_up_quantise" ->
// CHECK-NEXT: dsv3.grouped_linear
// CHECK-NEXT: %[[A:.+]] = dsv3.silu_mul
// CHECK-NEXT: %[[Q:.+]], %[[S:.+]] = dsv3.quantise %[[A]] group 128
// CHECK-NEXT: kern.yield %[[Q]], %[[S]]
func.func @quantised(%x: tensor<?x128xbf16, #T>, %off: tensor<17xi32>, %r: tensor<?xi32, #T4>, %gu: tensor<16x128x128xbf16>) -> (tensor<?x64xf8E4M3FN, #T4>, tensor<?x1xf32, #T4>) {
  %h = dsv3.grouped_linear %x, %off rows %r, %gu : tensor<?x128xbf16, #T>, tensor<17xi32> rows tensor<?xi32, #T4>, tensor<16x128x128xbf16> -> tensor<?x128xbf16, #T4>
  %a = dsv3.silu_mul %h : tensor<?x128xbf16, #T4>
  %q, %s = dsv3.quantise %a group 128 : tensor<?x64xbf16, #T4> -> tensor<?x64xf8E4M3FN, #T4>, tensor<?x1xf32, #T4>
  return %q, %s : tensor<?x64xf8E4M3FN, #T4>, tensor<?x1xf32, #T4>
}

// Four entries a token have 64 groups of columns: blocks enough, in a step of a few tokens, too.
// CHECK-LABEL: func.func @few_tokens(
// CHECK: kern.group "experts_gate_up_quantise" ->
func.func @few_tokens(%x: tensor<?x7168xbf16, #T>, %off: tensor<17xi32>, %r: tensor<?xi32, #T4>, %gu: tensor<16x4096x7168xbf16>) -> tensor<?x2048xf8E4M3FN, #T4> attributes {dsv3.entry = {max_tokens = 16 : i64, min_tokens = 2 : i64, role = "step", sizes = [#dsv3.size<"T", max = 16>]}} {
  %h = dsv3.grouped_linear %x, %off rows %r, %gu : tensor<?x7168xbf16, #T>, tensor<17xi32> rows tensor<?xi32, #T4>, tensor<16x4096x7168xbf16> -> tensor<?x4096xbf16, #T4>
  %a = dsv3.silu_mul %h : tensor<?x4096xbf16, #T4>
  %q, %s = dsv3.quantise %a group 128 : tensor<?x2048xbf16, #T4> -> tensor<?x2048xf8E4M3FN, #T4>, tensor<?x16xf32, #T4>
  return %q : tensor<?x2048xf8E4M3FN, #T4>
}

// With half the columns they are too few for so large weights; codes of i8, which CPUs make, do not
// mind.
// CHECK-LABEL: func.func @few_blocks(
// CHECK: %[[A:.+]] = kern.group "experts_gate_up" ->
// CHECK: dsv3.quantise %[[A]] group 128
// CHECK: kern.group "experts_gate_up_quantise" ->
func.func @few_blocks(%x: tensor<?x7168xbf16, #T>, %off: tensor<17xi32>, %r: tensor<?xi32, #T4>, %gu: tensor<16x2048x7168xbf16>) -> (tensor<?x1024xf8E4M3FN, #T4>, tensor<?x1024xi8, #T4>) attributes {dsv3.entry = {max_tokens = 16 : i64, min_tokens = 2 : i64, role = "step", sizes = [#dsv3.size<"T", max = 16>]}} {
  %h = dsv3.grouped_linear %x, %off rows %r, %gu : tensor<?x7168xbf16, #T>, tensor<17xi32> rows tensor<?xi32, #T4>, tensor<16x2048x7168xbf16> -> tensor<?x2048xbf16, #T4>
  %a = dsv3.silu_mul %h : tensor<?x2048xbf16, #T4>
  %q, %s = dsv3.quantise %a group 128 : tensor<?x1024xbf16, #T4> -> tensor<?x1024xf8E4M3FN, #T4>, tensor<?x8xf32, #T4>
  %i = dsv3.grouped_linear %x, %off rows %r, %gu : tensor<?x7168xbf16, #T>, tensor<17xi32> rows tensor<?xi32, #T4>, tensor<16x2048x7168xbf16> -> tensor<?x2048xbf16, #T4>
  %b = dsv3.silu_mul %i : tensor<?x2048xbf16, #T4>
  %c, %d = dsv3.quantise %b group 32 : tensor<?x1024xbf16, #T4> -> tensor<?x1024xi8, #T4>, tensor<?x32xf32, #T4>
  return %q, %c : tensor<?x1024xf8E4M3FN, #T4>, tensor<?x1024xi8, #T4>
}
