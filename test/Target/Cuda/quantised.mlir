// RUN: dsv3-opt %s --kern-configure="variants=sm_90a tensor-cores=mma" | dsv3-translate --kernels-to-cuda | FileCheck %s
// Policy w8a8: rows that become codes with a scale for each group, and products of them.

#T = #dsv3.dims<"T">
!x = tensor<?x320xbf16, #T>
!c = tensor<?x320xf8E4M3FN, #T>
!s = tensor<?x3xf32, #T>

// The stage makes codes of what `apply` gives; the sum beside it is stored.
// CHECK-LABEL: //===- kernel residual -===//
// CHECK: struct Apply {
// CHECK: __device__ bf16 operator()(Place at) const {
// CHECK: x2[at.row * 320 + at.column] = v3;
// CHECK-NEXT: return v3;
// CHECK: rowwise<320, 256>(launch, Apply{x0, x1, x2}, Quantise<320, 128, true>{codes, scales});
kern.def @residual kind "sum" family "rowwise" sizes ["T"] ins(%x: !x, %y: !x) outs(%h: !x, %c: !c, %s: !s) attributes {maxima = [#dsv3.size<"T", max = 8>]} {
  %z:3 = kern.rowwise ins(%x, %y : !x, !x) [element, element] outs(%h, %c, %s : !x, !c, !s) reduce none contribution {
  } finish {
  } apply {
  ^bb0(%a: bf16, %b: bf16):
    %0 = arith.extf %a : bf16 to f32
    %1 = arith.extf %b : bf16 to f32
    %2 = arith.addf %0, %1 : f32
    %3 = arith.truncf %2 : f32 to bf16
    kern.yield %3, %3 : bf16, bf16
  } quantise group 128 ue8m0 -> !x, !c, !s
  kern.yield %z#0, %z#1, %z#2 : !x, !c, !s
}

// A few rows are read as codes.
// CHECK-LABEL: //===- kernel few -===//
// CHECK: // For sm_90a: columns=4, form=0, rows=8, threads=128, since a warp has a column
// CHECK: gemmRows<1, 64, 1, 8, 128>(launch, scaledRows<3>(Rows<const e4m3, 0, 320, 320>{a}, aScales),
// CHECK-NEXT: Weight<e4m3, 64, 320, 128, 128>{weight, scales}, T, Epilogue{out});
kern.def @few kind "linear" family "gemm" sizes ["T"] ins(%a: !c, %as: !s, %w: tensor<64x320xf8E4M3FN>, %ws: tensor<1x3xf32>) outs(%o: tensor<?x64xf32, #T>) attributes {maxima = [#dsv3.size<"T", max = 8>]} {
  %y = kern.gemm ins(%a scales %as, %w scales %ws block [128, 128] : !c scales !s, tensor<64x320xf8E4M3FN>, tensor<1x3xf32>) outs(%o : tensor<?x64xf32, #T>) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<?x64xf32, #T>
  kern.yield %y : tensor<?x64xf32, #T>
}

// Many rows meet tensor cores.
// CHECK-LABEL: //===- kernel many -===//
// CHECK: // For sm_90a: columns=64, form=2, rows=128, stages=3, threads=256, since rows of codes meet tensor cores, in tiles of 128 x 64.
// CHECK: void __launch_bounds__(256, 1) many(
// CHECK: static_assert(MmaTile<128, 64, 3>::sharedBytes(1) == 73728,
// CHECK: gemmMma<1, 64, 1, MmaTile<128, 64, 3>>(launch, scaledRows<3>(
kern.def @many kind "linear" family "gemm" sizes ["T"] ins(%a: !c, %as: !s, %w: tensor<64x320xf8E4M3FN>, %ws: tensor<1x3xf32>) outs(%o: tensor<?x64xf32, #T>) attributes {maxima = [#dsv3.size<"T", max = 512>]} {
  %y = kern.gemm ins(%a scales %as, %w scales %ws block [128, 128] : !c scales !s, tensor<64x320xf8E4M3FN>, tensor<1x3xf32>) outs(%o : tensor<?x64xf32, #T>) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<?x64xf32, #T>
  kern.yield %y : tensor<?x64xf32, #T>
}

// With a stage a tile has the columns of a group.
// CHECK-LABEL: //===- kernel gate_up -===//
// CHECK: __device__ float operator()(Place at, const float (&sums)[2]) const {
// CHECK: groupedGemmMma<2, 320, 4, MmaTile<64, 128, 2>, true>(launch, scaledRows<3>(Rows<const e4m3, 0, 320, 320>{a}, aScales),
// CHECK-NEXT: Weight<e4m3, 640, 320, 64, 128>{weight, scales}, ContiguousGroups{offsets}, rows, Epilogue{}, Quantise<320, 128, false>{out, outScales});
!e = tensor<?x320xf8E4M3FN, #dsv3.dims<"T*2">>
!es = tensor<?x3xf32, #dsv3.dims<"T*2">>
kern.def @gate_up kind "experts" family "grouped_gemm" sizes ["T"] ins(%a: !c, %as: !s, %w: tensor<4x640x320xf8E4M3FN>, %ws: tensor<4x10x3xf32>, %off: tensor<5xi32>, %r: tensor<?xi32, #dsv3.dims<"T*2">>) outs(%o: !e, %os: !es) attributes {maxima = [#dsv3.size<"T", max = 512>]} {
  %y, %ys = kern.grouped_gemm ins(%a scales %as, %w scales %ws block [64, 128], %off rows %r : !c scales !s, tensor<4x640x320xf8E4M3FN> scales tensor<4x10x3xf32>, tensor<5xi32> rows tensor<?xi32, #dsv3.dims<"T*2">>) outs(%o, %os : !e, !es) parts 2 epilogue() [] {
  ^bb0(%g: f32, %u: f32):
    %p = arith.mulf %g, %u : f32
    kern.yield %p : f32
  } quantise group 128 -> !e, !es
  kern.yield %y, %ys : !e, !es
}

// Of a row or a few, the warps of a block have the columns of a group, here of a head.
// CHECK-LABEL: //===- kernel few_heads -===//
// CHECK: // For sm_90a: columns=128, form=0, rows=1, threads=1024, since a warp has a column, which is read once for up to 1 rows, a block those of a group of codes.
// CHECK: static_assert(stagedBytes(1, 128) == 544,
// CHECK: gemmRows<1, 256, 2, 1, 1024>(launch, Rows<const bf16, 0, 128, 64>{a},
// CHECK-NEXT: Weight<bf16, 256, 64>{weight, nullptr}, T, Epilogue{}, Quantise<512, 128, false>{out, outScales});
kern.def @few_heads kind "head_linear_quantise" family "gemm" sizes ["T"] ins(%a: tensor<?x2x64xbf16, #T>, %w: tensor<2x256x64xbf16>) outs(%o: tensor<?x512xf8E4M3FN, #T>, %os: tensor<?x4xf32, #T>) attributes {maxima = [#dsv3.size<"T", max = 1>]} {
  %y, %ys = kern.gemm ins(%a, %w : tensor<?x2x64xbf16, #T>, tensor<2x256x64xbf16>) outs(%o, %os : tensor<?x512xf8E4M3FN, #T>, tensor<?x4xf32, #T>) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } quantise group 128 -> tensor<?x512xf8E4M3FN, #T>, tensor<?x4xf32, #T>
  kern.yield %y, %ys : tensor<?x512xf8E4M3FN, #T>, tensor<?x4xf32, #T>
}

// Rows that do not begin at borders of 16 bytes are summed in f32.
// CHECK-LABEL: //===- kernel ragged -===//
// CHECK: static_assert(FmaTile::sharedBytes(1) + stagedBytes(FmaTile::rows, 128) == 43008,
// CHECK: gemmTiles<1, 200, 1>(launch, scaledRows<1>(Rows<const e4m3, 0, 100, 100>{a}, aScales),
// CHECK-NEXT: Quantise<200, 128, false>{out, outScales});
kern.def @ragged kind "linear" family "gemm" sizes ["T"] ins(%a: tensor<?x100xf8E4M3FN, #T>, %as: tensor<?x1xf32, #T>, %w: tensor<200x100xf8E4M3FN>, %ws: tensor<2x1xf32>) outs(%o: tensor<?x200xf8E4M3FN, #T>, %os: tensor<?x2xf32, #T>) attributes {maxima = [#dsv3.size<"T", max = 512>]} {
  %y, %ys = kern.gemm ins(%a scales %as, %w scales %ws block [128, 128] : tensor<?x100xf8E4M3FN, #T> scales tensor<?x1xf32, #T>, tensor<200x100xf8E4M3FN>, tensor<2x1xf32>) outs(%o, %os : tensor<?x200xf8E4M3FN, #T>, tensor<?x2xf32, #T>) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } quantise group 128 -> tensor<?x200xf8E4M3FN, #T>, tensor<?x2xf32, #T>
  kern.yield %y, %ys : tensor<?x200xf8E4M3FN, #T>, tensor<?x2xf32, #T>
}
