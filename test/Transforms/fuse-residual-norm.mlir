// RUN: dsv3-opt %s --dsv3-fuse-residual-norm | FileCheck %s
// Sum and norm in one group; the sum goes on to the next residual addition. Other norms stay.

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>

// CHECK-LABEL: func.func @fused(
// CHECK-SAME: %[[X:[^:]+]]: tensor<?x128xf32{{[^:]*}}, %[[D:[^:]+]]: tensor<?x128xf32
// CHECK: %[[G:.+]]:2 = kern.group "residual_norm" ->
// CHECK-NEXT: %[[S:.+]] = dsv3.add %[[X]], %[[D]]
// CHECK-NEXT: %[[N:.+]] = dsv3.rms_norm %[[S]]
// CHECK-NEXT: kern.yield %[[S]], %[[N]]
// CHECK: %[[R:.+]] = dsv3.add %[[G]]#0, %[[G]]#1
// CHECK: return %[[R]]
func.func @fused(%x: !x, %d: !x, %w: tensor<128xbf16>) -> !x {
  %s = dsv3.add %x, %d : !x
  %n = dsv3.rms_norm %s, %w eps 1.0e-06 : !x, tensor<128xbf16>
  %r = dsv3.add %s, %n : !x
  return %r : !x
}

// CHECK-LABEL: func.func @first_norm(
// CHECK-NOT: kern.group
// CHECK: return
func.func @first_norm(%x: !x, %w: tensor<128xbf16>) -> !x {
  %n = dsv3.rms_norm %x, %w eps 1.0e-06 : !x, tensor<128xbf16>
  return %n : !x
}

!n = tensor<?x128xbf16, #T>
!q = tensor<?x128xf8E4M3FN, #T>
!s = tensor<?x1xf32, #T>

// The codes of the normed row are made with it; a reader of the row itself still gets it.
// CHECK-LABEL: func.func @quantised(
// CHECK: %[[G:.+]]:4 = kern.group "residual_norm_quantise" ->
// CHECK-NEXT: %[[S:.+]] = dsv3.add
// CHECK-NEXT: %[[N:.+]] = dsv3.rms_norm %[[S]]
// CHECK-NEXT: %[[Q:.+]], %[[C:.+]] = dsv3.quantise %[[N]] group 128
// CHECK-NEXT: kern.yield %[[S]], %[[N]], %[[Q]], %[[C]]
// CHECK: return %[[G]]#0, %[[G]]#1, %[[G]]#2, %[[G]]#3
func.func @quantised(%x: !n, %d: !n, %w: tensor<128xbf16>) -> (!n, !n, !q, !s) {
  %s = dsv3.add %x, %d : !n
  %n = dsv3.rms_norm %s, %w eps 1.0e-06 : !n, tensor<128xbf16>
  %q, %c = dsv3.quantise %n group 128 : !n -> !q, !s
  return %s, %n, %q, %c : !n, !n, !q, !s
}

// CHECK-LABEL: func.func @first_norm_quantised(
// CHECK: kern.group "norm_quantise" ->
// CHECK-NEXT: dsv3.rms_norm
// CHECK-NEXT: dsv3.quantise
func.func @first_norm_quantised(%x: !n, %w: tensor<128xbf16>) -> (!q, !s) {
  %n = dsv3.rms_norm %x, %w eps 1.0e-06 : !n, tensor<128xbf16>
  %q, %c = dsv3.quantise %n group 128 : !n -> !q, !s
  return %q, %c : !q, !s
}

// Two widths of group are two sets of codes, and a kernel makes one.
// CHECK-LABEL: func.func @two_widths(
// CHECK-NOT: kern.group
// CHECK: return
func.func @two_widths(%x: !n, %w: tensor<128xbf16>) -> (!q, !q) {
  %n = dsv3.rms_norm %x, %w eps 1.0e-06 : !n, tensor<128xbf16>
  %q, %c = dsv3.quantise %n group 128 : !n -> !q, !s
  %r, %d = dsv3.quantise %n group 64 : !n -> !q, tensor<?x2xf32, #T>
  return %q, %r : !q, !q
}

// The cast of a norm goes with it, past what reads the norm before.
// CHECK-LABEL: func.func @widened(
// CHECK: %[[G:.+]]:2 = kern.group "norm_cast" -> tensor<?x128xbf16, {{.*}}>, tensor<?x128xf32
// CHECK-NEXT: %[[N:.+]] = dsv3.rms_norm
// CHECK-NEXT: %[[C:.+]] = dsv3.cast %[[N]]
// CHECK-NEXT: kern.yield %[[N]], %[[C]]
// CHECK: %[[L:.+]] = dsv3.linear %[[G]]#0
// CHECK: return %[[L]], %[[G]]#1
func.func @widened(%x: !n, %w: tensor<128xbf16>, %v: tensor<128x128xbf16>) -> (!n, !x) {
  %n = dsv3.rms_norm %x, %w eps 1.0e-06 : !n, tensor<128xbf16>
  %l = dsv3.linear %n, %v : !n, tensor<128x128xbf16> -> !n
  %c = dsv3.cast %n : !n -> !x
  return %l, %c : !n, !x
}

// Rows that are rounded for a product alone are not written before.
// CHECK-LABEL: func.func @rounded(
// CHECK: %[[G:.+]]:2 = kern.group "residual_norm_cast" -> tensor<?x128xf32, {{.*}}>, tensor<?x128xbf16
// CHECK: return %[[G]]#0, %[[G]]#1
func.func @rounded(%x: !x, %d: !x, %w: tensor<128xbf16>) -> (!x, !n) {
  %s = dsv3.add %x, %d : !x
  %n = dsv3.rms_norm %s, %w eps 1.0e-06 : !x, tensor<128xbf16>
  %c = dsv3.cast %n : !x -> !n
  return %s, %c : !x, !n
}
