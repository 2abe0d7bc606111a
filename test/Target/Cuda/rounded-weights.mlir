// RUN: dsv3-opt %s --kern-configure=variants=sm_80 | dsv3-translate --kernels-to-cuda | FileCheck %s
// RUN: dsv3-opt %s --kern-configure=variants=sm_90a | dsv3-translate --kernels-to-cuda | FileCheck %s --check-prefix=WGMMA
// Weights that are rounded to bf16 where products of many rows read them: tensor cores get them, the
// tile has the bits of an element. Warp groups get none.

#T = #dsv3.dims<"T">
!x = tensor<?x256xbf16, #T>
!y = tensor<?x64xbf16, #T>

// CHECK-LABEL: //===- kernel fp8 -===//
// CHECK: // For sm_80: columns=64, form=2, rows=128, stages=3, threads=256, since rows of bf16 meet tensor cores, in tiles of 128 x 64, the weight rounded on its way.
// CHECK: struct Prologue {
// CHECK-NEXT: __device__ bf16 operator()(float element) const {
// CHECK: void __launch_bounds__(256{{.*}}) fp8(
// CHECK: static_assert(MmaTile<128, 64, 3, 8>::sharedBytes(2) == 98304, "shared memory as in the family table");
// CHECK: gemmMma<2, 64, 1, MmaTile<128, 64, 3, 8>>(launch, Rows<const bf16, 0, 256, 256>{a},
// CHECK-NEXT: Weight<e4m3, 128, 256, 128, 128, Prologue>{weight, scales}, T, Epilogue{out});
// WGMMA: gemmMma<2, 64, 1, MmaTile<128, 64, 3, 8>>(
kern.def @fp8 kind "gate_up" family "gemm" sizes ["T"] ins(%x: !x, %w: tensor<128x256xf8E4M3FN>, %s: tensor<1x2xf32>) outs(%o: !y) attributes {maxima = [#dsv3.size<"T", max = 512>]} {
  %y = kern.gemm ins(%x, %w scales %s block [128, 128] : !x, tensor<128x256xf8E4M3FN>, tensor<1x2xf32>) outs(%o : !y) parts 2 prologue {
  ^bb0(%a: f32):
    %r = arith.truncf %a : f32 to bf16
    kern.yield %r : bf16
  } epilogue() [] {
  ^bb0(%g: f32, %u: f32):
    %p = arith.mulf %g, %u : f32
    %r = arith.truncf %p : f32 to bf16
    kern.yield %r : bf16
  } -> !y
  kern.yield %y : !y
}

// CHECK-LABEL: //===- kernel int4 -===//
// CHECK: static_assert(MmaTile<128, 64, 3, 4>::sharedBytes(1) == 69632,
// CHECK: groupedGemmMma<1, 64, 16, MmaTile<128, 64, 3, 4>, true>(launch, Rows<const bf16, 0, 256, 256>{a},
// CHECK-NEXT: Weight<i4x2, 64, 256, 1, 32, Prologue>{weight, scales}, ContiguousGroups{offsets}, rows, Epilogue{out});
!e = tensor<?x64xbf16, #dsv3.dims<"T*4">>
!i = tensor<?xi32, #dsv3.dims<"T*4">>
kern.def @int4 kind "experts" family "grouped_gemm" sizes ["T"] ins(%x: !x, %w: tensor<16x64x256xi4>, %s: tensor<16x64x8x2xf16>, %off: tensor<17xi32>, %i: !i) outs(%o: !e) attributes {maxima = [#dsv3.size<"T", max = 512>]} {
  %y = kern.grouped_gemm ins(%x, %w scales %s block [1, 32], %off rows %i : !x, tensor<16x64x256xi4> scales tensor<16x64x8x2xf16>, tensor<17xi32> rows !i) outs(%o : !e) prologue {
  ^bb0(%a: f32):
    %r = arith.truncf %a : f32 to bf16
    kern.yield %r : bf16
  } epilogue() [] {
  ^bb0(%a: f32):
    %r = arith.truncf %a : f32 to bf16
    kern.yield %r : bf16
  } -> !e
  kern.yield %y : !e
}

// What no copy of 16 bytes has a scale of its own for is multiplied in f32.
// CHECK-LABEL: //===- kernel ragged -===//
// CHECK: // For sm_80: columns=64, form=1, rows=64, threads=256,
// CHECK: gemmTiles<1, 64, 1>(
kern.def @ragged kind "linear" family "gemm" sizes ["T"] ins(%x: !x, %w: tensor<64x256xf8E4M3FN>, %s: tensor<1x32xf32>) outs(%o: !y) attributes {maxima = [#dsv3.size<"T", max = 512>]} {
  %y = kern.gemm ins(%x, %w scales %s block [64, 8] : !x, tensor<64x256xf8E4M3FN>, tensor<1x32xf32>) outs(%o : !y) prologue {
  ^bb0(%a: f32):
    %r = arith.truncf %a : f32 to bf16
    kern.yield %r : bf16
  } epilogue() [] {
  ^bb0(%a: f32):
    %r = arith.truncf %a : f32 to bf16
    kern.yield %r : bf16
  } -> !y
  kern.yield %y : !y
}
