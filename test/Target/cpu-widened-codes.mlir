// RUN: dsv3-opt %s --kern-configure | dsv3-translate --kernels-to-cpu | FileCheck %s
// RUN: dsv3-opt %s --kern-configure="variants=x86-64-v4-vnni" | dsv3-translate --kernels-to-cpu | FileCheck %s --check-prefix=VNNI
// Several rows of codes meet those of a weight as 16 bits, two of which one instruction multiplies and
// adds: 6 rows of 2 vectors leave no registers for f32 sums, which stay in memory from block to block.
// What is widened next is asked for meanwhile. With VNNI codes are multiplied as they are stored.

#T = #dsv3.dims<"T">
!x = tensor<?x128xi8, #T>
!r = tensor<?x4xf32, #T>
!y = tensor<?x64xf32, #T>
!w = tensor<64x128xi8>
!s = tensor<64x4xf16>

// CHECK-DAG: #[[UNROLL:.+]] = #llvm.loop_unroll<disable = true>
// CHECK-DAG: #[[LICM:.+]] = #llvm.loop_licm<disable = true>
// CHECK-DAG: #[[ROLLED:.+]] = #llvm.loop_annotation<unroll = #[[UNROLL]]>
// CHECK-DAG: #[[STAYS:.+]] = #llvm.loop_annotation<unroll = #[[UNROLL]], licm = #[[LICM]]>
// CHECK-LABEL: llvm.func internal @dots.i8.i16.6x2x16
// CHECK: scf.for
// CHECK-COUNT-8: llvm.intr.prefetch{{.*}}hint = 2
// CHECK: scf.for {{.*}} step %c2_i64
// CHECK-COUNT-24: "llvm.x86.avx2.pmadd.wd"
// CHECK-NOT: "llvm.x86.avx2.pmadd.wd"
// CHECK: } {llvm.loop_annotation = #[[ROLLED]]}
// CHECK: %[[SUM:.+]] = math.fma
// CHECK: llvm.store %[[SUM]]
// CHECK: } {llvm.loop_annotation = #[[STAYS]]}
// CHECK-LABEL: llvm.func internal @widencodes.32
// CHECK: arith.shli
// CHECK-COUNT-2: arith.shrsi
// CHECK: llvm.func internal @codes.tiles
// CHECK: llvm.call @dotrow.i8.i16
// CHECK: llvm.call @widencodes.32
// CHECK-NOT: dots.i8.i8
// CHECK-LABEL: // x86-64-v4
// CHECK: llvm.func internal @dots.i8.i16.12x2x32
// CHECK: "llvm.x86.avx512.pmaddw.d.512"
// VNNI-NOT: widencodes
// VNNI: llvm.func internal @dots.i8.i8.6x2x64
// VNNI: "llvm.x86.avx512.vpdpbusd.512"
// VNNI-NOT: widencodes
kern.def @codes kind "codes" family "gemm" sizes ["T"] ins(%a: !x, %r: !r, %w: !w, %s: !s) outs(%o: !y) attributes {maxima = [#dsv3.size<"T", max = 64>]} {
  %y = kern.gemm ins(%a scales %r, %w scales %s block [1, 32] : !x scales !r, !w, !s) outs(%o : !y) epilogue() [] {
  ^bb0(%p: f32):
    kern.yield %p : f32
  } -> !y
  kern.yield %y : !y
}
