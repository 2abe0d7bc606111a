// RUN: dsv3-opt %s --kern-configure | dsv3-translate --kernels-to-cpu | FileCheck %s
// Few rows meet a weight in place: up to three of them whole rows of the weight, of which a line is
// asked for in one run, more of them blocks of two rows, of each of which a line is asked for; where
// two groups of rows meet a block, each asks for one of both. The core says into which cache.

#T = #dsv3.dims<"T">
!x = tensor<?x1024xf32, #T>
!y = tensor<?x64xf32, #T>
!w = tensor<64x1024xbf16>

// CHECK-LABEL: // x86-64-v3
// CHECK-LABEL: llvm.func internal @columns.bf16.6x2.1024.ahead1.asking2(
// CHECK: scf.for {{.*}} step %c32_i64
// CHECK: llvm.intr.prefetch{{.*}}hint = 2
// CHECK-NOT: llvm.intr.prefetch
// CHECK-LABEL: llvm.func internal @columns.bf16.6x2.1024.ahead1.asking1(
// CHECK: scf.for {{.*}} step %c32_i64
// CHECK: llvm.intr.prefetch{{.*}}hint = 3
// CHECK-NOT: llvm.intr.prefetch
// CHECK-LABEL: llvm.func internal @columns.bf16.6x2.1024.ahead2.asking2(
// CHECK: scf.for {{.*}} step %c32_i64
// CHECK-COUNT-2: llvm.intr.prefetch{{.*}}hint = 2
// CHECK-NOT: llvm.intr.prefetch
// CHECK-LABEL: llvm.func internal @columns.bf16.6x2.1024.ahead2.asking1(
// CHECK: scf.for {{.*}} step %c32_i64
// CHECK-COUNT-2: llvm.intr.prefetch{{.*}}hint = 3
// CHECK-NOT: llvm.intr.prefetch
// CHECK-LABEL: llvm.func internal @columns.bf16.5x2.1024.ahead1.asking2(
// CHECK-LABEL: llvm.func internal @columns.bf16.3x4.1024.ahead4run.asking2(
// CHECK: scf.for {{.*}} step %c8_i64
// CHECK: llvm.intr.prefetch{{.*}}hint = 2
// CHECK-NOT: llvm.intr.prefetch
// CHECK-LABEL: llvm.func internal @columns.bf16.3x4.1024.ahead4run.asking1(
// CHECK: scf.for {{.*}} step %c8_i64
// CHECK: llvm.intr.prefetch{{.*}}hint = 3
// CHECK-NOT: llvm.intr.prefetch
// CHECK-LABEL: llvm.func internal @columns.bf16.2x4.1024.ahead4run.asking2(
// CHECK-LABEL: llvm.func internal @product.tiles(
// CHECK: arith.cmpi slt, %[[T:[0-9]+]], %c4_i64
// CHECK: %[[NUMBER:[0-9]+]] = llvm.mlir.addressof @dsv3_asks_first_level
// CHECK-NEXT: llvm.load %[[NUMBER]]
// CHECK: llvm.call @columns.bf16.3x4.1024.ahead4run.asking1(
// CHECK-NEXT: } else {
// CHECK-NEXT: llvm.call @columns.bf16.3x4.1024.ahead4run.asking2(
// CHECK: llvm.call @columns.bf16.5x2.1024.ahead1.asking2(
// CHECK: arith.cmpi slt, %[[T]], %c7_i64
// CHECK: %[[NUMBER:[0-9]+]] = llvm.mlir.addressof @dsv3_asks_first_level
// CHECK-NEXT: llvm.load %[[NUMBER]]
// CHECK: llvm.call @columns.bf16.6x2.1024.ahead2.asking1(
// CHECK-NEXT: } else {
// CHECK-NEXT: llvm.call @columns.bf16.6x2.1024.ahead2.asking2(
// CHECK: %[[ROW:[0-9]+]] = arith.select
// CHECK: llvm.call @columns.bf16.6x2.1024.ahead1.asking1({{.*}}, %[[ROW]],
// CHECK-NEXT: } else {
// CHECK-NEXT: llvm.call @columns.bf16.6x2.1024.ahead1.asking2({{.*}}, %[[ROW]],
// CHECK-LABEL: // x86-64-v4
// CHECK-LABEL: llvm.func internal @columns.bf16.6x2.1024.ahead2.asking1(
// CHECK-LABEL: llvm.func internal @columns.bf16.3x1.1024.ahead1run.asking2(
// CHECK: scf.for {{.*}} step %c32_i64
// CHECK: llvm.intr.prefetch{{.*}}hint = 2
// CHECK-NOT: llvm.intr.prefetch
// CHECK-LABEL: llvm.func internal @columns.bf16.3x1.1024.ahead1run.asking1(
// CHECK: scf.for {{.*}} step %c32_i64
// CHECK: llvm.intr.prefetch{{.*}}hint = 3
// CHECK-NOT: llvm.intr.prefetch
// CHECK-LABEL: llvm.func internal @columns.bf16.2x1.1024.ahead1run.asking2(
// CHECK-LABEL: llvm.func internal @product.tiles(
// CHECK: arith.cmpi slt, %[[T:[0-9]+]], %c4_i64
// CHECK: %[[NUMBER:[0-9]+]] = llvm.mlir.addressof @dsv3_asks_first_level
// CHECK-NEXT: llvm.load %[[NUMBER]]
// CHECK: llvm.call @columns.bf16.3x1.1024.ahead1run.asking1(
// CHECK-NEXT: } else {
// CHECK-NEXT: llvm.call @columns.bf16.3x1.1024.ahead1run.asking2(
// CHECK: llvm.call @columns.bf16.5x2.1024.ahead1.asking2(
// CHECK: arith.cmpi slt, %[[T]], %c7_i64
// CHECK: %[[NUMBER:[0-9]+]] = llvm.mlir.addressof @dsv3_asks_first_level
// CHECK-NEXT: llvm.load %[[NUMBER]]
// CHECK: llvm.call @columns.bf16.6x2.1024.ahead2.asking1(
// CHECK-NEXT: } else {
// CHECK-NEXT: llvm.call @columns.bf16.6x2.1024.ahead2.asking2(
// CHECK: %[[ROW:[0-9]+]] = arith.select
// CHECK: llvm.call @columns.bf16.6x2.1024.ahead1.asking1({{.*}}, %[[ROW]],
// CHECK-NEXT: } else {
// CHECK-NEXT: llvm.call @columns.bf16.6x2.1024.ahead1.asking2({{.*}}, %[[ROW]],
kern.def @product kind "product" family "gemm" sizes ["T"] ins(%a: !x, %w: !w) outs(%o: !y) attributes {maxima = [#dsv3.size<"T", max = 8>]} {
  %y = kern.gemm ins(%a, %w : !x, !w) outs(%o : !y) epilogue() [] {
  ^bb0(%s: f32):
    kern.yield %s : f32
  } {in_place} -> !y
  kern.yield %y : !y
}
