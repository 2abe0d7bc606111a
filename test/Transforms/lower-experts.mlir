// RUN: dsv3-opt %s --dsv3-lower-experts | FileCheck %s
// The choices of T tokens are T*4 entries, sorted by expert; scales follow their weights.

#T = #dsv3.dims<"T">

// CHECK-LABEL: func.func @experts(
// CHECK-SAME: %[[X:[^:]+]]: tensor<?x128xf32, #{{[^:]*}}, %[[E:[^:]+]]: tensor<?x4xi32, #{{[^:]*}}, %[[W:[^:]+]]: tensor<?x4xf32, #{{[^:]*}}, %[[GU:[^:]+]]: {{[^:]*}}, %[[GS:[^:]+]]: {{[^:]*}}, %[[D:[^:]+]]:
// CHECK: %[[O:.+]], %[[R:.+]], %[[S:.+]] = dsv3.dispatch %[[E]] experts 16
// CHECK: %[[H:.+]] = dsv3.grouped_linear %[[X]], %[[O]] rows %[[R]], %[[GU]] scales %[[GS]] block [128, 128] : {{.*}} -> tensor<?x128xf32, #dsv3.dims<"T*4">>
// CHECK: %[[A:.+]] = dsv3.silu_mul %[[H]]
// CHECK: %[[P:.+]] = dsv3.grouped_linear %[[A]], %[[O]], %[[D]] : {{.*}} -> tensor<?x128xf32, #dsv3.dims<"T*4">>
// CHECK: %[[Y:.+]] = dsv3.combine %[[P]], %[[S]], %[[W]]
// CHECK-NOT: dsv3.experts
// CHECK: return %[[Y]]
func.func @experts(%x: tensor<?x128xf32, #T>, %e: tensor<?x4xi32, #T>, %w: tensor<?x4xf32, #T>, %gu: tensor<16x128x128xf8E4M3FN>, %gs: tensor<16x1x1xf32>, %d: tensor<16x128x64xbf16>) -> tensor<?x128xf32, #T> {
  %y = dsv3.experts %x, %e, %w, %gu scales %gs block [128, 128], %d : tensor<?x128xf32, #T>, tensor<?x4xi32, #T>, tensor<?x4xf32, #T>, tensor<16x128x128xf8E4M3FN>, tensor<16x128x64xbf16> scales tensor<16x1x1xf32>
  return %y : tensor<?x128xf32, #T>
}
