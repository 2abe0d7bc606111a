// RUN: dsv3-opt %s --kern-configure | dsv3-translate --kernels-to-cpu | FileCheck %s
// A product of one row streams its weight: with and without asking for memory ahead, as the number
// says that the runtime sets. A product of several asks always, and the number says into which
// cache; so does one of a row of codes where registers are few (cpu-tiny-int4.mlir).

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
!y = tensor<?x64xf32, #T>

// CHECK-LABEL: // x86-64-v3
// CHECK-LABEL: llvm.func internal @stream.bf16.2x2of1x16.128.asking2(
// CHECK: llvm.intr.prefetch{{.*}}hint = 2
// CHECK-LABEL: llvm.func internal @stream.bf16.2x2of1x16.128.asking1(
// CHECK: llvm.intr.prefetch{{.*}}hint = 3
// CHECK-LABEL: llvm.func internal @stream.bf16.1x4of1x16.128(
// CHECK-NOT: prefetch
// CHECK-LABEL: llvm.func internal @stream.bf16.1x4of1x16.128.asking1(
// CHECK: llvm.intr.prefetch{{.*}}hint = 3
// CHECK: llvm.mlir.global external @dsv3_asks_first_level(1 : i32)
// CHECK-LABEL: llvm.func internal @product.tiles(
// CHECK: %[[NUMBER:[0-9]+]] = llvm.mlir.addressof @dsv3_asks_first_level
// CHECK-NEXT: llvm.load %[[NUMBER]]
// CHECK: scf.if
// CHECK-NEXT: llvm.call @stream.bf16.1x4of1x16.128.asking1(
// CHECK-NEXT: } else {
// CHECK-NEXT: llvm.call @stream.bf16.1x4of1x16.128(
// CHECK-LABEL: llvm.func internal @rows.tiles(
// CHECK-NOT: llvm.call @stream.bf16.2{{[0-9xof.]+}}(
// CHECK: %[[NUMBER:[0-9]+]] = llvm.mlir.addressof @dsv3_asks_first_level
// CHECK-NEXT: llvm.load %[[NUMBER]]
// CHECK: llvm.call @stream.bf16.2x2of1x16.128.asking1(
// CHECK-NEXT: } else {
// CHECK-NEXT: llvm.call @stream.bf16.2x2of1x16.128.asking2(
// CHECK-NOT: llvm.call @stream.bf16.2{{[0-9xof.]+}}(
// CHECK-LABEL: // x86-64-v4
// CHECK-LABEL: llvm.func internal @stream.bf16.2x2of1x32.128.asking2(
// CHECK: llvm.intr.prefetch{{.*}}hint = 2
// CHECK-LABEL: llvm.func internal @stream.bf16.2x2of1x32.128.asking1(
// CHECK: llvm.intr.prefetch{{.*}}hint = 3
// CHECK-LABEL: llvm.func internal @stream.bf16.1x2of1x32.128(
// CHECK-NOT: prefetch
// CHECK-LABEL: llvm.func internal @stream.bf16.1x2of1x32.128.asking1(
// CHECK: llvm.intr.prefetch{{.*}}hint = 3
// CHECK: llvm.mlir.global external @dsv3_asks_first_level(1 : i32)
// CHECK-LABEL: llvm.func internal @product.tiles(
// CHECK: %[[NUMBER:[0-9]+]] = llvm.mlir.addressof @dsv3_asks_first_level
// CHECK-NEXT: llvm.load %[[NUMBER]]
// CHECK: scf.if
// CHECK-NEXT: llvm.call @stream.bf16.1x2of1x32.128.asking1(
// CHECK-NEXT: } else {
// CHECK-NEXT: llvm.call @stream.bf16.1x2of1x32.128(
// CHECK-LABEL: llvm.func internal @rows.tiles(
// CHECK-NOT: llvm.call @stream.bf16.2{{[0-9xof.]+}}(
// CHECK: %[[NUMBER:[0-9]+]] = llvm.mlir.addressof @dsv3_asks_first_level
// CHECK-NEXT: llvm.load %[[NUMBER]]
// CHECK: llvm.call @stream.bf16.2x2of1x32.128.asking1(
// CHECK-NEXT: } else {
// CHECK-NEXT: llvm.call @stream.bf16.2x2of1x32.128.asking2(
// CHECK-NOT: llvm.call @stream.bf16.2{{[0-9xof.]+}}(
kern.def @product kind "product" family "gemm" sizes ["T"] ins(%a: !x, %w: tensor<64x128xbf16>) outs(%o: !y) attributes {maxima = [#dsv3.size<"T", max = 1>]} {
  %y = kern.gemm ins(%a, %w : !x, tensor<64x128xbf16>) outs(%o : !y) epilogue() [] {
  ^bb0(%s: f32):
    kern.yield %s : f32
  } -> !y
  kern.yield %y : !y
}

#U = #dsv3.dims<"U">
!x2 = tensor<?x128xf32, #U>
!y2 = tensor<?x64xf32, #U>
kern.def @rows kind "rows" family "gemm" sizes ["U"] ins(%a: !x2, %w: tensor<64x128xbf16>) outs(%o: !y2) attributes {maxima = [#dsv3.size<"U", max = 2>]} {
  %y = kern.gemm ins(%a, %w : !x2, tensor<64x128xbf16>) outs(%o : !y2) epilogue() [] {
  ^bb0(%s: f32):
    kern.yield %s : f32
  } -> !y2
  kern.yield %y : !y2
}
