// RUN: dsv3-opt %s --kern-configure="variants=sm_90a tensor-cores=wgmma" | dsv3-translate --kernels-to-cuda | FileCheck %s
// RUN: dsv3-opt %s --kern-configure=variants=sm_90a | dsv3-translate --kernels-to-cuda | FileCheck %s --check-prefix=MMA
// Tiles of warp groups, where they are asked for: products with a tensor map of their weight. Where
// there is more than one tile of rows, two blocks of a cluster share the weight.

#T = #dsv3.dims<"T">
!x = tensor<?x128xbf16, #T>
!y = tensor<?x96xf32, #T>
// CHECK-LABEL: //===- kernel gate_up -===//
// CHECK: // For sm_90a: columns=64, form=4, rows=128, stages=4, threads=384, since rows of bf16 meet the tensor cores of warp groups, in tiles of 128 x 128 that share the weight by twos.
// CHECK: #include "runtime/kernels/cuda/family/wgmma_gemm.cuh"
// CHECK: DSV3_WEIGHT_MAP(1, 192, 128, 32)
// CHECK: void __cluster_dims__(2) __launch_bounds__(384, 1) gate_up(
// CHECK: uint64 *mark, uint32 number,
// CHECK-NEXT: const __grid_constant__ TensorMap weightMap) {
// CHECK-NEXT: static_assert(WgmmaTile::sharedBytes() == 131136, "shared memory as in the family table");
// CHECK-NEXT: static_assert(WgmmaTile::columns(2) == 64, "boxes as asked for");
// CHECK-NEXT: Launch launch = dependentLaunch(mark, number);
// CHECK-NEXT: gemmWgmma<2, 96, 1, 2>(launch, Rows<const bf16, 0, 128, 128>{a},
// CHECK-NEXT: Weight<bf16, 192, 128>{weight, nullptr}, T, Epilogue{out}, &weightMap);
// MMA: gemmMma<2, 96, 1, MmaTile<128, 64, 3>>(
// MMA-NOT: Wgmma
kern.def @gate_up kind "gate_up" family "gemm" sizes ["T"] ins(%a: !x, %w: tensor<192x128xbf16>) outs(%o: !y) attributes {maxima = [#dsv3.size<"T", max = 512>]} {
  %y = kern.gemm ins(%a, %w : !x, tensor<192x128xbf16>) outs(%o : !y) parts 2 epilogue() [] {
  ^bb0(%g: f32, %u: f32):
    %p = arith.mulf %g, %u : f32
    kern.yield %p : f32
  } -> !y
  kern.yield %y : !y
}

// CHECK-LABEL: //===- kernel one_tile -===//
// CHECK: columns=128, form=3, rows=128
// CHECK: DSV3_WEIGHT_MAP(1, 96, 128, 128)
// CHECK: void __launch_bounds__(384, 1) one_tile(
// CHECK: gemmWgmma<1, 96, 1, 1>(
kern.def @one_tile kind "one_tile" family "gemm" sizes ["T"] ins(%a: !x, %w: tensor<96x128xbf16>) outs(%o: !y) attributes {maxima = [#dsv3.size<"T", max = 128>]} {
  %y = kern.gemm ins(%a, %w : !x, tensor<96x128xbf16>) outs(%o : !y) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> !y
  kern.yield %y : !y
}

// CHECK-LABEL: //===- kernel experts -===//
// CHECK: DSV3_WEIGHT_MAP(1, 1024, 128, 128)
// CHECK: groupedGemmWgmma<1, 64, 16, true>(launch, Rows<const bf16, 0, 128, 128>{a},
// CHECK-NEXT: Weight<bf16, 64, 128>{weight, nullptr}, offsets, rows, Epilogue{out}, &weightMap);
!e = tensor<?x64xf32, #dsv3.dims<"T*4">>
kern.def @experts kind "experts" family "grouped_gemm" sizes ["T"] ins(%a: !x, %w: tensor<16x64x128xbf16>, %off: tensor<17xi32>, %r: tensor<?xi32, #dsv3.dims<"T*4">>) outs(%o: !e) attributes {maxima = [#dsv3.size<"T", max = 512>]} {
  %y = kern.grouped_gemm ins(%a, %w, %off rows %r : !x, tensor<16x64x128xbf16>, tensor<17xi32> rows tensor<?xi32, #dsv3.dims<"T*4">>) outs(%o : !e) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> !e
  kern.yield %y : !e
}

// A weight that tensor cores cannot have as it is stored has another form.
// CHECK-LABEL: //===- kernel wide -===//
// CHECK: form=1
// CHECK-NOT: DSV3_WEIGHT_MAP
kern.def @wide kind "wide" family "gemm" sizes ["T"] ins(%a: !x, %w: tensor<96x128xf32>) outs(%o: !y) attributes {maxima = [#dsv3.size<"T", max = 512>]} {
  %y = kern.gemm ins(%a, %w : !x, tensor<96x128xf32>) outs(%o : !y) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> !y
  kern.yield %y : !y
}
