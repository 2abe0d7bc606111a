// RUN: dsv3-opt %s --kern-configure=variants=sm_90a | dsv3-translate --kernels-to-cuda | FileCheck %s
// Products: a warp a column for few rows, tiles for many; heads, parts, scales and epilogues.

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
!y = tensor<?x32xf32, #T>
// CHECK-LABEL: //===- kernel gate_up -===//
// CHECK: // For sm_90a: columns=4, form=0, rows=8, threads=128, since a warp has a column, which is read once for up to 8 rows.
// CHECK: __device__ void operator()(Place at, const float (&sums)[2]) const {
// CHECK-NEXT: float v0 = exponential(sums[0]);
// CHECK-NEXT: float v1 = v0 * sums[1];
// CHECK-NEXT: out[at.row * 32 + at.column] = v1;
// CHECK: const bf16 *__restrict__ weight, // [64, 128]
// CHECK: gemmRows<2, 32, 1, 8, 128>(launch, Rows<const float, 0, 128, 128>{a},
// CHECK-NEXT: Weight<bf16, 64, 128>{weight, nullptr}, T, Epilogue{out});
kern.def @gate_up kind "gate_up" family "gemm" sizes ["T"] ins(%a: !x, %w: tensor<64x128xbf16>) outs(%o: !y) attributes {maxima = [#dsv3.size<"T", max = 8>]} {
  %y = kern.gemm ins(%a, %w : !x, tensor<64x128xbf16>) outs(%o : !y) parts 2 epilogue() [] {
  ^bb0(%g: f32, %u: f32):
    %e = math.exp %g : f32
    %p = arith.mulf %e, %u : f32
    kern.yield %p : f32
  } -> !y
  kern.yield %y : !y
}

// Many rows of an FP8 weight for each head, with an operand for each kind of access.
// CHECK-LABEL: //===- kernel heads -===//
// CHECK: // For sm_90a: columns=64, form=1, rows=64, threads=256, since products are summed in f32, in tiles of 64 x 64.
// CHECK: float e0 = x3[at.row * 128 + at.head * 32 + at.column];
// CHECK-NEXT: float e1 = x4[at.row];
// CHECK-NEXT: float e2 = x5[at.column];
// CHECK-NEXT: float e3 = x6[at.group];
// CHECK: static_assert(FmaTile::sharedBytes(1) == 8192, "shared memory as in the family table");
// CHECK: gemmTiles<1, 32, 4>(launch, Rows<const float, 16, 160, 40>{a},
// CHECK-NEXT: Weight<e4m3, 32, 24, 16, 8>{weight, scales}, T, Epilogue{x3, x4, x5, x6, out});
!q = tensor<?x4x40xf32, #T>
!v = tensor<?x4x24xf32, #T>
!h = tensor<?x4x32xf32, #T>
!w = tensor<4x32x24xf8E4M3FN>
!s = tensor<4x2x3xf32>
kern.def @heads kind "heads" family "gemm" sizes ["T"] ins(%a: !q, %w: !w, %s: !s, %e: !h, %r: tensor<?xf32, #T>, %c: tensor<32xf32>, %g: tensor<4xf32>) outs(%o: !h) attributes {maxima = [#dsv3.size<"T", max = 512>]} {
  %v = kern.view %a offset 16 stride 40 : !q -> !v
  %y = kern.gemm ins(%v, %w scales %s block [16, 8] : !v, !w, !s) outs(%o : !h) epilogue(%e, %r, %c, %g : !h, tensor<?xf32, #T>, tensor<32xf32>, tensor<4xf32>) [element, row, column, group] {
  ^bb0(%acc: f32, %0: f32, %1: f32, %2: f32, %3: f32):
    %4 = arith.addf %acc, %0 : f32
    %5 = arith.addf %1, %2 : f32
    %6 = arith.addf %4, %5 : f32
    %7 = arith.addf %6, %3 : f32
    kern.yield %7 : f32
  } -> !h
  kern.yield %y : !h
}

// CHECK-LABEL: //===- kernel experts -===//
// CHECK: const int32 *__restrict__ offsets, // [17]
// CHECK-NEXT: const int32 *__restrict__ rows, // [T*4]
// CHECK: groupedGemmRows<1, 64, 16, 8, 128, true>(launch, Rows<const float, 0, 128, 128>{a},
// CHECK-NEXT: Weight<bf16, 64, 128>{weight, nullptr}, ContiguousGroups{offsets}, rows, Epilogue{out});
!e = tensor<?x64xf32, #dsv3.dims<"T*4">>
kern.def @experts kind "experts" family "grouped_gemm" sizes ["T"] ins(%a: !x, %w: tensor<16x64x128xbf16>, %off: tensor<17xi32>, %r: tensor<?xi32, #dsv3.dims<"T*4">>) outs(%o: !e) attributes {maxima = [#dsv3.size<"T", max = 8>]} {
  %y = kern.grouped_gemm ins(%a, %w, %off rows %r : !x, tensor<16x64x128xbf16>, tensor<17xi32> rows tensor<?xi32, #dsv3.dims<"T*4">>) outs(%o : !e) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> !e
  kern.yield %y : !e
}

// Room for 20 entries of each expert.
// CHECK-LABEL: //===- kernel masked -===//
// CHECK: const int32 *__restrict__ counts, // [16]
// CHECK: groupedGemmTiles<1, 64, 16, false>(launch, Rows<const float, 0, 128, 128>{a},
// CHECK-NEXT: Weight<bf16, 64, 128>{weight, nullptr}, MaskedGroups<20>{counts}, nullptr, Epilogue{out});
kern.def @masked kind "experts" family "grouped_gemm" sizes [] ins(%a: tensor<320x128xf32>, %w: tensor<16x64x128xbf16>, %n: tensor<16xi32>) outs(%o: tensor<320x64xf32>) {
  %y = kern.grouped_gemm ins(%a, %w, %n capacity 20 : tensor<320x128xf32>, tensor<16x64x128xbf16>, tensor<16xi32>) outs(%o : tensor<320x64xf32>) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<320x64xf32>
  kern.yield %y : tensor<320x64xf32>
}

// Many entries, in the order of their experts, in tiles of two parts.
// CHECK-LABEL: //===- kernel experts_gate_up -===//
// CHECK: // For sm_90a: columns=64, form=1, rows=64, threads=256, since products are summed in f32, in tiles of 64 x 64.
// CHECK: const bf16 *__restrict__ weight, // [16, 128, 128]
// CHECK-NEXT: const int32 *__restrict__ offsets, // [17]
// CHECK: static_assert(FmaTile::sharedBytes(2) == 12288, "shared memory as in the family table");
// CHECK: groupedGemmTiles<2, 64, 16, false>(launch, Rows<const float, 0, 128, 128>{a},
// CHECK-NEXT: Weight<bf16, 128, 128>{weight, nullptr}, ContiguousGroups{offsets}, nullptr, Epilogue{out});
!in = tensor<?x128xf32, #dsv3.dims<"T*4">>
kern.def @experts_gate_up kind "experts_gate_up" family "grouped_gemm" sizes ["T"] ins(%a: !in, %w: tensor<16x128x128xbf16>, %off: tensor<17xi32>) outs(%o: !e) attributes {maxima = [#dsv3.size<"T", max = 512>]} {
  %y = kern.grouped_gemm ins(%a, %w, %off : !in, tensor<16x128x128xbf16>, tensor<17xi32>) outs(%o : !e) parts 2 epilogue() [] {
  ^bb0(%g: f32, %u: f32):
    %p = arith.mulf %g, %u : f32
    kern.yield %p : f32
  } -> !e
  kern.yield %y : !e
}
