// RUN: dsv3-opt %s --kern-configure | dsv3-translate --kernels-to-cpu | FileCheck %s
// Eight rows of bf16. With 16 registers six of them meet two panels one by one, then two more meet
// both at once, where two groups of four would have eight sums each, just enough to hide the latency
// of an addition; the 9 panels leave one that the two rows meet alone. Seven rows are six and one
// that meets four panels. With 32 registers eight rows are one group.

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
!y = tensor<?x144xf32, #T>

// CHECK-LABEL: // x86-64-v3
// CHECK: llvm.func internal @[[SIX:stream.bf16.6x1x16.[0-9]+]].asking2(
// CHECK: llvm.intr.prefetch{{.*}}hint = 2
// CHECK: llvm.func internal @[[SIX]].asking1(
// CHECK: llvm.intr.prefetch{{.*}}hint = 3
// CHECK: llvm.func internal @[[TWO:stream.bf16.2x1x16.[0-9]+]].asking2(
// CHECK: llvm.func internal @[[TWOPANELS:stream.bf16.2x2of1x16.[0-9]+]].asking2(
// CHECK: llvm.func internal @[[FOURPANELS:stream.bf16.1x4of1x16.[0-9]+]](
// CHECK: llvm.func internal @rows.tiles
// CHECK: arith.cmpi eq, %{{.+}}, %c8_i64
// CHECK-NEXT: scf.if
// CHECK: scf.for
// CHECK: scf.for
// CHECK: llvm.call @[[SIX]].asking1(
// CHECK-NEXT: } else {
// CHECK-NEXT: llvm.call @[[SIX]].asking2(
// CHECK: llvm.call @[[TWOPANELS]].asking1(
// CHECK-NEXT: } else {
// CHECK-NEXT: llvm.call @[[TWOPANELS]].asking2(
// CHECK: scf.for
// CHECK: llvm.call @[[SIX]].asking1(
// CHECK-NEXT: } else {
// CHECK-NEXT: llvm.call @[[SIX]].asking2(
// CHECK: llvm.call @[[TWO]].asking1(
// CHECK-NEXT: } else {
// CHECK-NEXT: llvm.call @[[TWO]].asking2(
// CHECK: arith.cmpi eq, %{{.+}}, %c7_i64
// CHECK: llvm.call @[[SIX]].asking1(
// CHECK-NEXT: } else {
// CHECK-NEXT: llvm.call @[[SIX]].asking2(
// CHECK: llvm.call @[[FOURPANELS]].asking1(
// CHECK-NEXT: } else {
// CHECK-NEXT: llvm.call @[[FOURPANELS]](
// CHECK-LABEL: // x86-64-v4
// CHECK: llvm.func internal @[[EIGHT:stream.bf16.8x1x32.[0-9]+]].asking2(
// CHECK: llvm.func internal @rows.tiles
// CHECK: llvm.call @[[EIGHT]].asking1(
// CHECK-NEXT: } else {
// CHECK-NEXT: llvm.call @[[EIGHT]].asking2(
kern.def @rows kind "rows" family "gemm" sizes ["T"] ins(%a: !x, %w: tensor<144x128xbf16>) outs(%o: !y) attributes {maxima = [#dsv3.size<"T", max = 8>]} {
  %y = kern.gemm ins(%a, %w : !x, tensor<144x128xbf16>) outs(%o : !y) epilogue() [] {
  ^bb0(%s: f32):
    kern.yield %s : f32
  } -> !y
  kern.yield %y : !y
}
