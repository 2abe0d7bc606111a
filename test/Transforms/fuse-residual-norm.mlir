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
