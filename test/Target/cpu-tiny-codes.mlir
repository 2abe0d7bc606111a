// RUN: dsv3-opt %s --kern-configure | dsv3-translate --kernels-to-cpu | FileCheck %s
// A row meets codes of e4m3: subnormal ones are multiplied as they are, with a row that is scaled
// once for all panels, where a core multiplies such numbers without an assist, and take a branch
// elsewhere. Of several rows they take the branch everywhere. With 16 registers a row meets each panel
// alone, with sums of even and odd columns.

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
!y = tensor<?x64xf32, #T>
!w = tensor<64x128xf8E4M3FN>

// CHECK-LABEL: // x86-64-v3
// CHECK: llvm.func internal @stream.f8E4M3FN.[[NARROW:[a-z0-9.]+.sets2]].asking2.tiny(
// CHECK-NOT: llvm.intr.expect
// CHECK: llvm.func internal @stream.f8E4M3FN.[[NARROW]].asking1.tiny(
// CHECK-NOT: llvm.intr.expect
// CHECK: llvm.func internal @stream.f8E4M3FN.[[NARROW]].asking2(
// CHECK: llvm.intr.expect
// CHECK: llvm.func internal @codes.tiles
// CHECK: llvm.mlir.addressof @dsv3_assists_subnormals
// CHECK: scf.if
// CHECK: llvm.call @stream.f8E4M3FN.[[NARROW]].asking1(
// CHECK-NEXT: } else {
// CHECK-NEXT: llvm.call @stream.f8E4M3FN.[[NARROW]].asking2(
// CHECK: %[[LARGE:.*]] = arith.constant dense<1.84467441E+19> : vector<8xf32>
// CHECK: %[[SCALED:.*]] = arith.mulf %{{.*}}, %[[LARGE]]
// CHECK: llvm.store %[[SCALED]]
// CHECK: scf.for
// CHECK: llvm.call @stream.f8E4M3FN.[[NARROW]].asking1.tiny(
// CHECK-NEXT: } else {
// CHECK-NEXT: llvm.call @stream.f8E4M3FN.[[NARROW]].asking2.tiny(
// CHECK: llvm.func internal @rows.tiles
// CHECK-NOT: .tiny
// CHECK-LABEL: // x86-64-v4
// CHECK: llvm.func internal @stream.f8E4M3FN.[[CODES:[a-z0-9.]+]].tiny(
// CHECK-NOT: llvm.intr.expect
// CHECK: llvm.func internal @stream.f8E4M3FN.[[CODES]].asking1.tiny(
// CHECK-NOT: llvm.intr.expect
// CHECK: llvm.func internal @stream.f8E4M3FN.[[CODES]](
// CHECK: llvm.intr.expect
// CHECK: llvm.mlir.global external @dsv3_assists_subnormals(1 : i32)
// CHECK: llvm.func internal @codes.tiles
// CHECK: llvm.mlir.addressof @dsv3_assists_subnormals
// CHECK: scf.if
// CHECK: llvm.call @stream.f8E4M3FN.[[CODES]].asking1(
// CHECK-NEXT: } else {
// CHECK-NEXT: llvm.call @stream.f8E4M3FN.[[CODES]](
// CHECK: %[[LARGE:.*]] = arith.constant dense<1.84467441E+19> : vector<16xf32>
// CHECK: %[[SCALED:.*]] = arith.mulf %{{.*}}, %[[LARGE]]
// CHECK: llvm.store %[[SCALED]]
// CHECK: scf.for
// CHECK: llvm.call @stream.f8E4M3FN.[[CODES]].asking1.tiny(
// CHECK-NEXT: } else {
// CHECK-NEXT: llvm.call @stream.f8E4M3FN.[[CODES]].tiny(
kern.def @codes kind "codes" family "gemm" sizes ["T"] ins(%a: !x, %w: !w, %s: tensor<1x1xf32>) outs(%o: !y) attributes {maxima = [#dsv3.size<"T", max = 1>]} {
  %y = kern.gemm ins(%a, %w scales %s block [128, 128] : !x, !w, tensor<1x1xf32>) outs(%o : !y) epilogue() [] {
  ^bb0(%p: f32):
    kern.yield %p : f32
  } -> !y
  kern.yield %y : !y
}

#U = #dsv3.dims<"U">
!x2 = tensor<?x128xf32, #U>
!y2 = tensor<?x64xf32, #U>

// CHECK-NOT: .tiny
// CHECK: llvm.func internal @rows.tiles
// CHECK-NOT: .tiny
kern.def @rows kind "rows" family "gemm" sizes ["U"] ins(%a: !x2, %w: !w, %s: tensor<1x1xf32>) outs(%o: !y2) attributes {maxima = [#dsv3.size<"U", max = 2>]} {
  %y = kern.gemm ins(%a, %w scales %s block [128, 128] : !x2, !w, tensor<1x1xf32>) outs(%o : !y2) epilogue() [] {
  ^bb0(%p: f32):
    kern.yield %p : f32
  } -> !y2
  kern.yield %y : !y2
}
