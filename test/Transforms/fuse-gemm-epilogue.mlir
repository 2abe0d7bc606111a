// RUN: dsv3-opt %s --dsv3-fuse-gemm-epilogue | FileCheck %s

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>

// CHECK-LABEL: func.func @mlp(
// CHECK-SAME: %[[X:[^:]+]]: tensor<?x128xf32
// CHECK: %[[H:.+]] = kern.group "gate_up" -> tensor<?x64xf32
// CHECK-NEXT: dsv3.linear %[[X]]
// CHECK-NEXT: dsv3.silu_mul
// CHECK-NEXT: kern.yield
// CHECK: %[[Y:.+]] = kern.group "linear_add" -> tensor<?x128xf32
// CHECK-NEXT: %[[P:.+]] = dsv3.linear %[[H]]
// CHECK-NEXT: dsv3.add %[[X]], %[[P]]
// CHECK-NEXT: kern.yield
// CHECK: return %[[Y]]
func.func @mlp(%x: !x, %gu: tensor<128x128xbf16>, %d: tensor<128x64xbf16>) -> !x {
  %h = dsv3.linear %x, %gu : !x, tensor<128x128xbf16> -> !x
  %a = dsv3.silu_mul %h : !x
  %y = dsv3.linear %a, %d : tensor<?x64xf32, #T>, tensor<128x64xbf16> -> !x
  %r = dsv3.add %x, %y : !x
  return %r : !x
}

// What two ops read is written: nothing to fuse.
// CHECK-LABEL: func.func @read_twice(
// CHECK-NOT: kern.group
// CHECK: return
func.func @read_twice(%x: !x, %w: tensor<128x128xbf16>) -> (!x, !x) {
  %y = dsv3.linear %x, %w : !x, tensor<128x128xbf16> -> !x
  %r = dsv3.add %x, %y : !x
  return %r, %y : !x, !x
}

// The codes of SiLU·mul leave the product in its place.
// CHECK-LABEL: func.func @quantised(
// CHECK: %[[G:.+]]:2 = kern.group "gate_up_quantise" ->
// CHECK-NEXT: %[[P:.+]] = dsv3.linear
// CHECK-NEXT: %[[A:.+]] = dsv3.silu_mul %[[P]]
// CHECK-NEXT: %[[Q:.+]], %[[S:.+]] = dsv3.quantise %[[A]] group 128
// CHECK-NEXT: kern.yield %[[Q]], %[[S]]
// CHECK: return %[[G]]#0, %[[G]]#1
func.func @quantised(%x: tensor<?x128xbf16, #T>, %w: tensor<128x128xbf16>) -> (tensor<?x64xf8E4M3FN, #T>, tensor<?x1xf32, #T>) {
  %p = dsv3.linear %x, %w : tensor<?x128xbf16, #T>, tensor<128x128xbf16> -> tensor<?x128xbf16, #T>
  %a = dsv3.silu_mul %p : tensor<?x128xbf16, #T>
  %q, %s = dsv3.quantise %a group 128 : tensor<?x64xbf16, #T> -> tensor<?x64xf8E4M3FN, #T>, tensor<?x1xf32, #T>
  return %q, %s : tensor<?x64xf8E4M3FN, #T>, tensor<?x1xf32, #T>
}

// Of a few tokens, too, where the weight is small: a block has the columns of a group.
// CHECK-LABEL: func.func @few_tokens(
// CHECK: kern.group "gate_up_quantise" ->
func.func @few_tokens(%x: tensor<?x128xbf16, #T>, %w: tensor<128x128xbf16>) -> (tensor<?x64xf8E4M3FN, #T>, tensor<?x1xf32, #T>) attributes {dsv3.entry = {max_tokens = 16 : i64, min_tokens = 2 : i64, role = "step", sizes = [#dsv3.size<"T", max = 16>]}} {
  %p = dsv3.linear %x, %w : tensor<?x128xbf16, #T>, tensor<128x128xbf16> -> tensor<?x128xbf16, #T>
  %a = dsv3.silu_mul %p : tensor<?x128xbf16, #T>
  %q, %s = dsv3.quantise %a group 128 : tensor<?x64xbf16, #T> -> tensor<?x64xf8E4M3FN, #T>, tensor<?x1xf32, #T>
  return %q, %s : tensor<?x64xf8E4M3FN, #T>, tensor<?x1xf32, #T>
}

// Sixteen blocks would read 29 million weights: the codes are made by a launch of their own.
// CHECK-LABEL: func.func @few_blocks(
// CHECK: %[[A:.+]] = kern.group "gate_up" ->
// CHECK-NOT: kern.group
// CHECK: dsv3.quantise %[[A]] group 128
func.func @few_blocks(%x: tensor<?x7168xbf16, #T>, %w: tensor<4096x7168xbf16>) -> (tensor<?x2048xf8E4M3FN, #T>, tensor<?x16xf32, #T>) attributes {dsv3.entry = {max_tokens = 16 : i64, min_tokens = 2 : i64, role = "step", sizes = [#dsv3.size<"T", max = 16>]}} {
  %p = dsv3.linear %x, %w : tensor<?x7168xbf16, #T>, tensor<4096x7168xbf16> -> tensor<?x4096xbf16, #T>
  %a = dsv3.silu_mul %p : tensor<?x4096xbf16, #T>
  %q, %s = dsv3.quantise %a group 128 : tensor<?x2048xbf16, #T> -> tensor<?x2048xf8E4M3FN, #T>, tensor<?x16xf32, #T>
  return %q, %s : tensor<?x2048xf8E4M3FN, #T>, tensor<?x16xf32, #T>
}

// With more columns there are blocks enough.
// CHECK-LABEL: func.func @many_blocks(
// CHECK: kern.group "gate_up_quantise" ->
func.func @many_blocks(%x: tensor<?x7168xbf16, #T>, %w: tensor<16384x7168xbf16>) -> (tensor<?x8192xf8E4M3FN, #T>, tensor<?x64xf32, #T>) attributes {dsv3.entry = {max_tokens = 16 : i64, min_tokens = 2 : i64, role = "step", sizes = [#dsv3.size<"T", max = 16>]}} {
  %p = dsv3.linear %x, %w : tensor<?x7168xbf16, #T>, tensor<16384x7168xbf16> -> tensor<?x16384xbf16, #T>
  %a = dsv3.silu_mul %p : tensor<?x16384xbf16, #T>
  %q, %s = dsv3.quantise %a group 128 : tensor<?x8192xbf16, #T> -> tensor<?x8192xf8E4M3FN, #T>, tensor<?x64xf32, #T>
  return %q, %s : tensor<?x8192xf8E4M3FN, #T>, tensor<?x64xf32, #T>
}

// Heads of whole groups leave their product as the codes of the row that they are merged to.
// CHECK-LABEL: func.func @heads(
// CHECK: %[[G:.+]]:2 = kern.group "head_linear_quantise" -> tensor<?x256xf8E4M3FN, {{.*}}>, tensor<?x2xf32
// CHECK-NEXT: %[[P:.+]] = dsv3.head_linear
// CHECK-NEXT: %[[M:.+]] = dsv3.merge_heads %[[P]]
// CHECK-NEXT: %[[Q:.+]], %[[S:.+]] = dsv3.quantise %[[M]] group 128
// CHECK-NEXT: kern.yield %[[Q]], %[[S]]
// CHECK: return %[[G]]#0, %[[G]]#1
func.func @heads(%x: tensor<?x2x64xbf16, #T>, %w: tensor<2x128x64xbf16>) -> (tensor<?x256xf8E4M3FN, #T>, tensor<?x2xf32, #T>) {
  %p = dsv3.head_linear %x, %w : tensor<?x2x64xbf16, #T>, tensor<2x128x64xbf16> -> tensor<?x2x128xbf16, #T>
  %m = dsv3.merge_heads %p : tensor<?x2x128xbf16, #T>
  %q, %s = dsv3.quantise %m group 128 : tensor<?x256xbf16, #T> -> tensor<?x256xf8E4M3FN, #T>, tensor<?x2xf32, #T>
  return %q, %s : tensor<?x256xf8E4M3FN, #T>, tensor<?x2xf32, #T>
}

// A group of half a head, or codes of i8, which CPUs make: left alone.
// CHECK-LABEL: func.func @parts_of_groups(
// CHECK-NOT: kern.group
// CHECK: return
func.func @parts_of_groups(%x: tensor<?x2x64xbf16, #T>, %w: tensor<2x64x64xbf16>, %v: tensor<2x128x64xbf16>) -> (tensor<?x128xf8E4M3FN, #T>, tensor<?x256xi8, #T>) {
  %p = dsv3.head_linear %x, %w : tensor<?x2x64xbf16, #T>, tensor<2x64x64xbf16> -> tensor<?x2x64xbf16, #T>
  %m = dsv3.merge_heads %p : tensor<?x2x64xbf16, #T>
  %q, %s = dsv3.quantise %m group 128 : tensor<?x128xbf16, #T> -> tensor<?x128xf8E4M3FN, #T>, tensor<?x1xf32, #T>
  %r = dsv3.head_linear %x, %v : tensor<?x2x64xbf16, #T>, tensor<2x128x64xbf16> -> tensor<?x2x128xbf16, #T>
  %n = dsv3.merge_heads %r : tensor<?x2x128xbf16, #T>
  %c, %d = dsv3.quantise %n group 32 : tensor<?x256xbf16, #T> -> tensor<?x256xi8, #T>, tensor<?x8xf32, #T>
  return %q, %c : tensor<?x128xf8E4M3FN, #T>, tensor<?x256xi8, #T>
}
