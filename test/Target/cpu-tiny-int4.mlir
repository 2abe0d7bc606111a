// RUN: dsv3-opt %s --kern-configure | dsv3-translate --kernels-to-cpu | FileCheck %s
// A row meets codes of i4: a code is the lowest bits of an f32 as it is, with a row that is scaled,
// where a core multiplies subnormal numbers without an assist, and is converted elsewhere. With 16
// registers there are sums of even and odd columns, on every core, so that results are the same.
// Scales, of which a block has two lines, are asked for as far ahead as its codes: 16 blocks. The
// largest magnitude of the row is found by its bits. Sums of its blocks, for the offsets, are made once.

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
!y = tensor<?x64xf32, #T>
!w = tensor<64x128xi4>
!s = tensor<64x4x2xf16>

// CHECK-LABEL: // x86-64-v3
// CHECK: llvm.func internal @stream.i4.{{[a-z0-9.]+}}.sets2.asking2.tiny({{.*}} %[[ITS:[a-z0-9]+]]: !llvm.ptr, %{{[a-z0-9]+}}: !llvm.ptr, %{{[a-z0-9]+}}: i64,
// CHECK: %[[ITSBLOCK:.+]] = llvm.getelementptr %[[ITS]][
// CHECK: %[[ITSFIRST:.+]] = llvm.getelementptr %[[ITSBLOCK]][%c2048_i64{{[_0-9]*}}]
// CHECK: llvm.intr.prefetch"(%[[ITSFIRST]]){{.*}}hint = 2
// CHECK-NOT: hint = 3
// CHECK-NOT: arith.sitofp
// CHECK: llvm.func internal @stream.i4.{{[a-z0-9.]+}}.sets2.asking1.tiny({{.*}} %[[CODES:[a-z0-9]+]]: !llvm.ptr, %[[SCALES:[a-z0-9]+]]: !llvm.ptr, %{{[a-z0-9]+}}: !llvm.ptr, %{{[a-z0-9]+}}: i64,
// CHECK: %[[BLOCK:.+]] = llvm.getelementptr %[[SCALES]][
// CHECK: %[[FIRST:.+]] = llvm.getelementptr %[[BLOCK]][%c2048_i64{{[_0-9]*}}]
// CHECK: llvm.intr.prefetch"(%[[FIRST]]){{.*}}hint = 3
// CHECK: %[[SECOND:.+]] = llvm.getelementptr %{{.+}}[%c2112_i64{{[_0-9]*}}]
// CHECK: llvm.intr.prefetch"(%[[SECOND]])
// CHECK: llvm.getelementptr %[[CODES]][
// CHECK: %[[FURTHER:.+]] = llvm.getelementptr %{{.+}}[%c8192_i64{{[_0-9]*}}]
// CHECK: llvm.intr.prefetch"(%[[FURTHER]]){{.*}}hint = 3
// CHECK-COUNT-4: math.fma
// CHECK: %[[UPPER:.+]] = llvm.getelementptr %{{.+}}[%c2_i64{{[_0-9]*}}] : (!llvm.ptr, i64) -> !llvm.ptr, i8
// CHECK: llvm.load %[[UPPER]] {{.*}} -> vector<32xi8>
// CHECK-NOT: arith.shrui
// CHECK-COUNT-4: math.fma
// CHECK: arith.shrui {{.*}} : vector<8xi32>
// CHECK-NOT: arith.sitofp
// CHECK: llvm.func internal @stream.i4.1x1x32.32.scaled.sets2.asking2(
// CHECK: arith.sitofp
// CHECK: llvm.func internal @codes.tiles
// CHECK: llvm.mlir.addressof @dsv3_assists_subnormals
// CHECK: arith.maxsi {{.*}} : vector<8xi32>
// CHECK: llvm.call @rowsums.scaled(
// CHECK-NOT: llvm.call
// CHECK: scf.for
// CHECK: llvm.call @stream.i4.{{[a-z0-9.]+}}.tiny(
// CHECK-LABEL: // x86-64-v4
// CHECK: llvm.func internal @stream.i4.1x1x64.32.scaled.tiny(
// CHECK-NOT: arith.sitofp
// CHECK: llvm.func internal @stream.i4.1x1x64.32.scaled.asking1.tiny(
// CHECK-NOT: arith.sitofp
// CHECK: llvm.func internal @stream.i4.1x1x64.32.scaled(
// CHECK: arith.sitofp
kern.def @codes kind "codes" family "gemm" sizes ["T"] ins(%a: !x, %w: !w, %s: !s) outs(%o: !y) attributes {maxima = [#dsv3.size<"T", max = 1>]} {
  %y = kern.gemm ins(%a, %w scales %s block [1, 32] : !x, !w, !s) outs(%o : !y) epilogue() [] {
  ^bb0(%p: f32):
    kern.yield %p : f32
  } -> !y
  kern.yield %y : !y
}
