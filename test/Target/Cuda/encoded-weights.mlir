// RUN: dsv3-opt %s --kern-configure=variants=sm_80 | dsv3-translate --kernels-to-cuda | FileCheck %s
// Weights of integer codes: row-major, int4 two columns in a byte, scales as f16. Rows of
// f32 are for no tensor cores.

#T = #dsv3.dims<"T">
!x = tensor<?x64xf32, #T>

// CHECK-LABEL: //===- kernel int8 -===//
// CHECK: const i8 *__restrict__ weight, // [64, 64]
// CHECK-NEXT: const f16 *__restrict__ scales, // [64, 2]
// CHECK: gemmRows<1, 64, 1, 4, 128>(
// CHECK-NEXT: Weight<i8, 64, 64, 1, 32>{weight, scales}, T, Epilogue{out});
kern.def @int8 kind "linear" family "gemm" sizes ["T"] ins(%x: !x, %w: tensor<64x64xi8>, %s: tensor<64x2xf16>) outs(%o: !x) attributes {maxima = [#dsv3.size<"T", max = 4>]} {
  %y = kern.gemm ins(%x, %w scales %s block [1, 32] : !x, tensor<64x64xi8>, tensor<64x2xf16>) outs(%o : !x) epilogue() [] {
  ^bb0(%a: f32):
    kern.yield %a : f32
  } -> !x
  kern.yield %y : !x
}

// CHECK-LABEL: //===- kernel int4 -===//
// CHECK: form=1, {{.*}} since products are summed in f32, in tiles of 64 x 64.
// CHECK: const i4x2 *__restrict__ weight, // [64, 64]
// CHECK-NEXT: const f16 *__restrict__ scales, // [64, 2, 2]
// CHECK: gemmTiles<1, 64, 1>(
// CHECK-NEXT: Weight<i4x2, 64, 64, 1, 32>{weight, scales}, T, Epilogue{out});
kern.def @int4 kind "linear" family "gemm" sizes ["T"] ins(%x: !x, %w: tensor<64x64xi4>, %s: tensor<64x2x2xf16>) outs(%o: !x) attributes {maxima = [#dsv3.size<"T", max = 100>]} {
  %y = kern.gemm ins(%x, %w scales %s block [1, 32] : !x, tensor<64x64xi4>, tensor<64x2x2xf16>) outs(%o : !x) epilogue() [] {
  ^bb0(%a: f32):
    kern.yield %a : f32
  } -> !x
  kern.yield %y : !x
}
