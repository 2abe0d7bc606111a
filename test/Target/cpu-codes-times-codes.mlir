// RUN: dsv3-opt %s --kern-configure | dsv3-translate --kernels-to-cpu | FileCheck %s
// Codes of rows times codes of a weight, of which a word of four is met at a time. With 16 registers
// two words of a row are a step of a loop that LLVM leaves as it is, with 32 a block's eight words are.

#T = #dsv3.dims<"T">
!x = tensor<?x128xi8, #T>
!r = tensor<?x4xf32, #T>
!y = tensor<?x64xf32, #T>
!w = tensor<64x128xi8>
!s = tensor<64x4xf16>

// CHECK: #[[UNROLL:.+]] = #llvm.loop_unroll<disable = true>
// CHECK: #[[ROLLED:.+]] = #llvm.loop_annotation<unroll = #[[UNROLL]]>
// CHECK-LABEL: llvm.func internal @dots.i8.i8
// CHECK: scf.for
// CHECK: scf.for {{.*}} step %c2_i64
// CHECK-COUNT-8: "llvm.x86.avx2.pmadd.ub.sw"
// CHECK-NOT: "llvm.x86.avx2.pmadd.ub.sw"
// CHECK: } {llvm.loop_annotation = #[[ROLLED]]}
// CHECK-LABEL: // x86-64-v4
// CHECK: llvm.func internal @[[WIDE:dots.i8.i8.[0-9x.]+]](
// CHECK: scf.for {{.*}} step %c8_i64
// CHECK-COUNT-64: "llvm.x86.avx512.pmadd{{ubs.w|w.d}}.512"
// CHECK-NOT: "llvm.x86.avx512.pmadd
// CHECK: llvm.func internal @codes.tiles
// CHECK: llvm.call @[[WIDE]](
kern.def @codes kind "codes" family "gemm" sizes ["T"] ins(%a: !x, %r: !r, %w: !w, %s: !s) outs(%o: !y) attributes {maxima = [#dsv3.size<"T", max = 1>]} {
  %y = kern.gemm ins(%a scales %r, %w scales %s block [1, 32] : !x scales !r, !w, !s) outs(%o : !y) epilogue() [] {
  ^bb0(%p: f32):
    kern.yield %p : f32
  } -> !y
  kern.yield %y : !y
}
