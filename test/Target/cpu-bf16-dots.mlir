// RUN: dsv3-opt %s --kern-configure="variants=x86-64-v4-bf16" | dsv3-translate --kernels-to-cpu | FileCheck %s
// RUN: dsv3-opt %s --kern-configure="variants=x86-64-v4" | dsv3-translate --kernels-to-cpu | FileCheck %s --check-prefix=PLAIN
// Rows of bf16 times a weight of bf16: where a CPU has AVX512_BF16, one instruction multiplies two
// values and adds them up. 12 rows meet 2 vectors and the 16 words of a block. Elsewhere both are widened.

#T = #dsv3.dims<"T">
!x = tensor<?x128xbf16, #T>
!y = tensor<?x64xf32, #T>
!w = tensor<64x128xbf16>

// CHECK-LABEL: // x86-64-v4-bf16
// CHECK: llvm.func internal @[[DOTS:dots.bf16.bf16.12x2x32.[0-9.]+]](
// CHECK-COUNT-384: "llvm.x86.avx512bf16.dpbf16ps.512"
// CHECK-NOT: "llvm.x86.avx512bf16.dpbf16ps.512"
// CHECK: llvm.func internal @rows.tiles
// CHECK: llvm.call @dotrow.bf16.bf16(
// CHECK: llvm.call @[[DOTS]](
// PLAIN-LABEL: // x86-64-v4
// PLAIN-NOT: dpbf16ps
// PLAIN: math.fma
// PLAIN: llvm.call @stream.bf16.bf16.8x1x32.
// PLAIN-NOT: dpbf16ps
kern.def @rows kind "rows" family "gemm" sizes ["T"] ins(%a: !x, %w: !w) outs(%o: !y) attributes {maxima = [#dsv3.size<"T", max = 64>]} {
  %y = kern.gemm ins(%a, %w : !x, !w) outs(%o : !y) epilogue() [] {
  ^bb0(%p: f32):
    kern.yield %p : f32
  } -> !y
  kern.yield %y : !y
}
