// RUN: dsv3-opt %s --kern-configure=variants=sm_90a | dsv3-translate --kernels-to-cuda | FileCheck %s
// RUN: dsv3-opt %s --kern-configure="variants=sm_90a tensor-cores=mma" | dsv3-translate --kernels-to-cuda | FileCheck %s --check-prefix=MMA
// Tiles of warp groups, which sm_90a has unless others are asked for: products with tensor maps of their weight and of
// their rows, where these lie one behind the other. Where there is more than one tile of rows, two blocks of a cluster share the weight.

#T = #dsv3.dims<"T">
!x = tensor<?x128xbf16, #T>
!y = tensor<?x96xf32, #T>
// CHECK-LABEL: //===- kernel gate_up -===//
// CHECK: // For sm_90a: boxes=0, columns=64, depth_parts=1, form=4, rows=128, stages=5, threads=384, since rows of bf16 meet the tensor cores of warp groups, in tiles of 128 x 64 that share the weight by twos.
// CHECK: #include "runtime/kernels/cuda/family/wgmma_gemm.cuh"
// CHECK: DSV3_PERSISTENT
// CHECK-NEXT: DSV3_CLUSTERS(2, 2, 1, 128)
// CHECK-NEXT: DSV3_TENSOR_MAP(1, 192, -1, 256, 32)
// CHECK-NEXT: DSV3_TENSOR_MAP(0, 1, 0, 256, 64)
// CHECK: void __launch_bounds__(384, 1) gate_up(
// CHECK: uint64 *mark, uint32 number,
// CHECK-NEXT: const __grid_constant__ TensorMap weightMap,
// CHECK-NEXT: const __grid_constant__ TensorMap rowsMap) {
// CHECK-NEXT: static_assert(WgmmaTile<128, 64, 5, 2, 1>::sharedBytes(2, 0, 0) == 204880, "shared memory as in the family table");
// CHECK-NEXT: static_assert(productColumns / 4 == 32 && WgmmaTile<128, 64, 5, 2, 1>::threads == 384, "boxes and threads");
// CHECK-NEXT: static_assert(productRows == 64 && TilePiece::rowBytes == 128, "boxes of rows");
// CHECK-NEXT: Launch launch = dependentLaunch(mark, number);
// CHECK-NEXT: gemmWgmma<2, 96, 1, WgmmaTile<128, 64, 5, 2, 1>>(launch, &weightMap, mappedRows(Rows<const bf16, 0, 128, 128>{a}, &rowsMap),
// CHECK-NEXT: Weight<bf16, 192, 128>{weight, nullptr}, T, Epilogue{out});
// MMA-NOT: DSV3_PERSISTENT
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
// CHECK: columns=128, depth_parts=1, form=3, rows=128
// CHECK: DSV3_CLUSTERS(1, 1, 1, 128)
// CHECK-NEXT: DSV3_TENSOR_MAP(1, 96, -1, 256, 128)
// CHECK: void __launch_bounds__(384, 1) one_tile(
// CHECK: gemmWgmma<1, 96, 1, WgmmaTile<128, 128, 6, 1, 1>>(
kern.def @one_tile kind "one_tile" family "gemm" sizes ["T"] ins(%a: !x, %w: tensor<96x128xbf16>) outs(%o: !y) attributes {maxima = [#dsv3.size<"T", max = 128>]} {
  %y = kern.gemm ins(%a, %w : !x, tensor<96x128xbf16>) outs(%o : !y) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> !y
  kern.yield %y : !y
}

// Rows that an index chooses come by cp.async.
// CHECK-LABEL: //===- kernel experts -===//
// CHECK: DSV3_PERSISTENT
// CHECK-NEXT: DSV3_TENSOR_MAP(1, 1024, -1, 256, 128)
// CHECK-NOT: DSV3_TENSOR_MAP
// CHECK: groupedGemmWgmma<1, 64, 16, WgmmaTile<128, 128, 6, 1, 1>, true>(launch, &weightMap, Rows<const bf16, 0, 128, 128>{a},
// CHECK-NEXT: Weight<bf16, 64, 128>{weight, nullptr}, ContiguousGroups{offsets}, rows, Epilogue{out});
!e = tensor<?x64xf32, #dsv3.dims<"T*4">>
!xe = tensor<?x128xbf16, #dsv3.dims<"T*4">>
kern.def @experts kind "experts" family "grouped_gemm" sizes ["T"] ins(%a: !x, %w: tensor<16x64x128xbf16>, %off: tensor<17xi32>, %r: tensor<?xi32, #dsv3.dims<"T*4">>) outs(%o: !e) attributes {maxima = [#dsv3.size<"T", max = 512>]} {
  %y = kern.grouped_gemm ins(%a, %w, %off rows %r : !x, tensor<16x64x128xbf16>, tensor<17xi32> rows tensor<?xi32, #dsv3.dims<"T*4">>) outs(%o : !e) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> !e
  kern.yield %y : !e
}

// CHECK-LABEL: //===- kernel experts_in_order -===//
// CHECK: DSV3_TENSOR_MAP(1, 1024, -1, 256, 128)
// CHECK-NEXT: DSV3_TENSOR_MAP(0, 4, 0, 256, 64)
// CHECK: groupedGemmWgmma<1, 64, 16, WgmmaTile<128, 128, 6, 1, 1>, false>(launch, &weightMap, mappedRows(Rows<const bf16, 0, 128, 128>{a}, &rowsMap),
kern.def @experts_in_order kind "experts" family "grouped_gemm" sizes ["T"] ins(%a: !xe, %w: tensor<16x64x128xbf16>, %off: tensor<17xi32>) outs(%o: !e) attributes {maxima = [#dsv3.size<"T", max = 512>]} {
  %y = kern.grouped_gemm ins(%a, %w, %off : !xe, tensor<16x64x128xbf16>, tensor<17xi32>) outs(%o : !e) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> !e
  kern.yield %y : !e
}

// Where experts have many rows, pairs of blocks share their weights, unless a step has few.
// CHECK-LABEL: //===- kernel experts_of_many -===//
// CHECK: in tiles of 128 x 128 that share the weight by twos.
// CHECK: DSV3_PERSISTENT
// CHECK-NEXT: DSV3_CLUSTERS(2, 48, 1, 128)
// CHECK-NEXT: DSV3_TENSOR_MAP(1, 1024, -1, 256, 64)
// CHECK: groupedGemmWgmma<1, 64, 16, WgmmaTile<128, 128, 6, 2, 1>, false>(
kern.def @experts_of_many kind "experts" family "grouped_gemm" sizes ["T"] ins(%a: !xe, %w: tensor<16x64x128xbf16>, %off: tensor<17xi32>) outs(%o: !e) attributes {maxima = [#dsv3.size<"T", max = 1025>]} {
  %y = kern.grouped_gemm ins(%a, %w, %off : !xe, tensor<16x64x128xbf16>, tensor<17xi32>) outs(%o : !e) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> !e
  kern.yield %y : !e
}

// Rows of bf16 are stored by tensor stores: another tensor map has the rows of the step and the
// columns of all heads. A warp has one box of a product with two parts, else two.
// CHECK-LABEL: //===- kernel heads -===//
// CHECK: // For sm_90a: boxes=2, columns=128, depth_parts=1, form=4
// CHECK: bf16 v0 = toNarrow<bf16>(sums[0]);
// CHECK-NEXT: return v0;
// CHECK: DSV3_TENSOR_MAP(1, 192, -1, 256, 64)
// CHECK-NEXT: DSV3_TENSOR_MAP(2, 1, 0, 384, 16)
// CHECK-NEXT: DSV3_TENSOR_MAP(0, 1, 0, 512, 64)
// CHECK: const __grid_constant__ TensorMap weightMap,
// CHECK-NEXT: const __grid_constant__ TensorMap outMap,
// CHECK-NEXT: const __grid_constant__ TensorMap rowsMap) {
// CHECK-NEXT: static_assert(WgmmaTile<128, 128, 6, 2, 1>::sharedBytes(1, 0, 2) == 229472,
// CHECK: static_assert(WarpBoxes::rows == 16 && WarpBoxes::count(1) == 2, "boxes of results");
// CHECK: Epilogue{}, boxedRows(Rows<bf16, 0, 192, 96>{out}, &outMap));
!xh = tensor<?x2x128xbf16, #T>
!yh = tensor<?x2x96xbf16, #T>
kern.def @heads kind "head_linear" family "gemm" sizes ["T"] ins(%a: !xh, %w: tensor<2x96x128xbf16>) outs(%o: !yh) attributes {maxima = [#dsv3.size<"T", max = 512>]} {
  %y = kern.gemm ins(%a, %w : !xh, tensor<2x96x128xbf16>) outs(%o : !yh) epilogue() [] {
  ^bb0(%acc: f32):
    %n = arith.truncf %acc : f32 to bf16
    kern.yield %n : bf16
  } -> !yh
  kern.yield %y : !yh
}

// Columns of the next head would follow in a box of rows.
// CHECK-LABEL: //===- kernel narrow_heads -===//
// CHECK: DSV3_TENSOR_MAP(1, 192, -1, 192, 64)
// CHECK-NEXT: DSV3_TENSOR_MAP(2,
// CHECK-NOT: DSV3_TENSOR_MAP
// CHECK: (launch, &weightMap, Rows<const bf16, 0, 192, 96>{a},
!xn = tensor<?x2x96xbf16, #T>
kern.def @narrow_heads kind "head_linear" family "gemm" sizes ["T"] ins(%a: !xn, %w: tensor<2x96x96xbf16>) outs(%o: !yh) attributes {maxima = [#dsv3.size<"T", max = 512>]} {
  %y = kern.gemm ins(%a, %w : !xn, tensor<2x96x96xbf16>) outs(%o : !yh) epilogue() [] {
  ^bb0(%acc: f32):
    %n = arith.truncf %acc : f32 to bf16
    kern.yield %n : bf16
  } -> !yh
  kern.yield %y : !yh
}

// CHECK-LABEL: //===- kernel gate_up_rows -===//
// CHECK: // For sm_90a: boxes=1, columns=64, depth_parts=1, form=4
// CHECK: DSV3_TENSOR_MAP(2, 1, 0, 192, 16)
// CHECK: sharedBytes(2, 0, 1) == 213088,
!yr = tensor<?x96xbf16, #T>
kern.def @gate_up_rows kind "gate_up" family "gemm" sizes ["T"] ins(%a: !x, %w: tensor<192x128xbf16>) outs(%o: !yr) attributes {maxima = [#dsv3.size<"T", max = 512>]} {
  %y = kern.gemm ins(%a, %w : !x, tensor<192x128xbf16>) outs(%o : !yr) parts 2 epilogue() [] {
  ^bb0(%g: f32, %u: f32):
    %p = arith.mulf %g, %u : f32
    %n = arith.truncf %p : f32 to bf16
    kern.yield %n : bf16
  } -> !yr
  kern.yield %y : !yr
}

// Rows that do not begin at borders of 16 bytes are stored by each thread.
// CHECK-LABEL: //===- kernel ragged_rows -===//
// CHECK: // For sm_90a: boxes=0, columns=128, depth_parts=1, form=4
// CHECK: DSV3_TENSOR_MAP(1,
// CHECK-NEXT: DSV3_TENSOR_MAP(0,
// CHECK-NOT: DSV3_TENSOR_MAP
!yo = tensor<?x100xbf16, #T>
kern.def @ragged_rows kind "linear" family "gemm" sizes ["T"] ins(%a: !x, %w: tensor<100x128xbf16>) outs(%o: !yo) attributes {maxima = [#dsv3.size<"T", max = 512>]} {
  %y = kern.gemm ins(%a, %w : !x, tensor<100x128xbf16>) outs(%o : !yo) epilogue() [] {
  ^bb0(%acc: f32):
    %n = arith.truncf %acc : f32 to bf16
    kern.yield %n : bf16
  } -> !yo
  kern.yield %y : !yo
}

// A deep product with few columns: where tiles are few, blocks of a cluster divide the depth of each. Of two tiles
// of columns these are 8 blocks each as long as there is one tile of rows.
// CHECK-LABEL: //===- kernel deep -===//
// CHECK: // For sm_90a: boxes=2, columns=128, depth_parts=8, form=4, rows=128, stages=6, threads=384, since rows of codes meet the tensor cores of warp groups, in tiles of 128 x 128 that share the weight by twos; 2 tiles are few, whose depth 8 blocks divide: about 13739 clocks where one takes 71694.
// CHECK: DSV3_CLUSTERS(2, 2, 8, 128)
// CHECK: gemmWgmma<1, 192, 1, WgmmaTile<128, 128, 6, 2, 8>>(launch, &weightMap,
!xd = tensor<?x7168xf8E4M3FN, #T>
!xs = tensor<?x56xf32, #T>
!yd = tensor<?x192xbf16, #T>
kern.def @deep kind "linear" family "gemm" sizes ["T"] ins(%a: !xd, %as: !xs, %w: tensor<192x7168xf8E4M3FN>, %ws: tensor<2x56xf32>) outs(%o: !yd) attributes {maxima = [#dsv3.size<"T", max = 512>]} {
  %y = kern.gemm ins(%a scales %as, %w scales %ws block [128, 128] : !xd scales !xs, tensor<192x7168xf8E4M3FN>, tensor<2x56xf32>) outs(%o : !yd) epilogue() [] {
  ^bb0(%acc: f32):
    %n = arith.truncf %acc : f32 to bf16
    kern.yield %n : bf16
  } -> !yd
  kern.yield %y : !yd
}

// A weight that tensor cores cannot have as it is stored has another form.
// CHECK-LABEL: //===- kernel wide -===//
// CHECK: form=1
// CHECK-NOT: DSV3_TENSOR_MAP
kern.def @wide kind "wide" family "gemm" sizes ["T"] ins(%a: !x, %w: tensor<96x128xf32>) outs(%o: !y) attributes {maxima = [#dsv3.size<"T", max = 512>]} {
  %y = kern.gemm ins(%a, %w : !x, tensor<96x128xf32>) outs(%o : !y) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> !y
  kern.yield %y : !y
}

// Rows of codes: a product is a piece of 128 bytes of a row, its sums are promoted.
// CHECK-LABEL: //===- kernel codes -===//
// CHECK: // For sm_90a: boxes=0, columns=128, depth_parts=1, form=4, rows=128, stages=6, threads=384, since rows of codes meet the tensor cores of warp groups, in tiles of 128 x 128 that share the weight by twos.
// CHECK: DSV3_TENSOR_MAP(2, 64, -1, 320, 64)
// CHECK-NEXT: DSV3_TENSOR_MAP(0, 1, 0, 320, 64)
// CHECK: static_assert(WgmmaTile<128, 128, 6, 2, 1>::sharedBytes(1, 0, 0) == 217184,
// CHECK: gemmWgmma<1, 64, 1, WgmmaTile<128, 128, 6, 2, 1>>(launch, &weightMap, mappedRows(scaledRows<3>(Rows<const e4m3, 0, 320, 320>{a}, aScales), &rowsMap),
// CHECK-NEXT: Weight<e4m3, 64, 320, 128, 128>{weight, scales}, T, Epilogue{out});
!c = tensor<?x320xf8E4M3FN, #T>
!s = tensor<?x3xf32, #T>
!z = tensor<?x64xf32, #T>
kern.def @codes kind "linear" family "gemm" sizes ["T"] ins(%a: !c, %as: !s, %w: tensor<64x320xf8E4M3FN>, %ws: tensor<1x3xf32>) outs(%o: !z) attributes {maxima = [#dsv3.size<"T", max = 512>]} {
  %y = kern.gemm ins(%a scales %as, %w scales %ws block [128, 128] : !c scales !s, tensor<64x320xf8E4M3FN>, tensor<1x3xf32>) outs(%o : !z) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> !z
  kern.yield %y : !z
}

// The columns of a group of codes lie in both products, which have 64 rows.
// CHECK-LABEL: //===- kernel experts_codes -===//
// CHECK: in tiles of 64 x 128 that share the weight by twos.
// CHECK: DSV3_CLUSTERS(2, 36, 1, 128)
// CHECK-NEXT: DSV3_TENSOR_MAP(2, 2560, -1, 320, 32)
// CHECK-NOT: DSV3_TENSOR_MAP
// CHECK: static_assert(WgmmaTile<64, 128, 4, 2, 1>::sharedBytes(2, 128, 0) == 198720,
// CHECK: groupedGemmWgmma<2, 320, 4, WgmmaTile<64, 128, 4, 2, 1>, true>(launch, &weightMap, scaledRows<3>(Rows<const e4m3, 0, 320, 320>{a}, aScales),
// CHECK-NEXT: Weight<e4m3, 640, 320, 64, 128>{weight, scales}, ContiguousGroups{offsets}, rows, Epilogue{}, Quantise<320, 128, false>{out, outScales});
!ec = tensor<?x320xf8E4M3FN, #dsv3.dims<"T*2">>
!es = tensor<?x3xf32, #dsv3.dims<"T*2">>
kern.def @experts_codes kind "experts" family "grouped_gemm" sizes ["T"] ins(%a: !c, %as: !s, %w: tensor<4x640x320xf8E4M3FN>, %ws: tensor<4x10x3xf32>, %off: tensor<5xi32>, %r: tensor<?xi32, #dsv3.dims<"T*2">>) outs(%o: !ec, %os: !es) attributes {maxima = [#dsv3.size<"T", max = 512>]} {
  %y, %ys = kern.grouped_gemm ins(%a scales %as, %w scales %ws block [64, 128], %off rows %r : !c scales !s, tensor<4x640x320xf8E4M3FN> scales tensor<4x10x3xf32>, tensor<5xi32> rows tensor<?xi32, #dsv3.dims<"T*2">>) outs(%o, %os : !ec, !es) parts 2 epilogue() [] {
  ^bb0(%g: f32, %u: f32):
    %p = arith.mulf %g, %u : f32
    kern.yield %p : f32
  } quantise group 128 -> !ec, !es
  kern.yield %y, %ys : !ec, !es
}

// A group that no tile has.
// CHECK-LABEL: //===- kernel narrow -===//
// CHECK: form=1
// CHECK-NOT: DSV3_TENSOR_MAP
kern.def @narrow kind "linear" family "gemm" sizes ["T"] ins(%a: !c, %as: !s, %w: tensor<64x320xf8E4M3FN>, %ws: tensor<1x3xf32>) outs(%o: tensor<?x64xf8E4M3FN, #T>, %os: tensor<?x1xf32, #T>) attributes {maxima = [#dsv3.size<"T", max = 512>]} {
  %y, %ys = kern.gemm ins(%a scales %as, %w scales %ws block [128, 128] : !c scales !s, tensor<64x320xf8E4M3FN>, tensor<1x3xf32>) outs(%o, %os : tensor<?x64xf8E4M3FN, #T>, tensor<?x1xf32, #T>) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } quantise group 64 -> tensor<?x64xf8E4M3FN, #T>, tensor<?x1xf32, #T>
  kern.yield %y, %ys : tensor<?x64xf8E4M3FN, #T>, tensor<?x1xf32, #T>
}
