//===- wgmma_gemm.cuh - products on warp groups of sm_90a -------*- C++ -*-===//
//
// kern.gemm and kern.grouped_gemm for many rows of bf16 or of codes: the forms WgmmaTiles and
// WgmmaPairs. Blocks divide the work as those of the other forms do; `map` is the tensor map
// of the weight. Values for a stage, and sums that are turned, lie in shared memory of their own.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/family/grouped_gemm.cuh"
#include "runtime/kernels/cuda/tile/wgmma.cuh"

namespace dsv3::gpu {

/// The rows and columns of a WgmmaTile.
template <int parts, int64 columns, typename Tile, typename RowAt, typename W, typename Epilogue,
          typename Stage>
__device__ inline void wgmmaColumns(const W &weight, const TensorMap *map, const RowAt &rowAt,
                                    const BlockResult<Epilogue, Stage> &result) {
  static_assert(blockColumns<Stage, Tile::columns> == Tile::columns, "a block has one tile");
  constexpr int warps = Tile::multiplyingWarps;
  using Product = WgmmaProduct<parts, columns, Tile, W, RowAt>;
  using Shared = typename Tile::Shared;
  SharedArrays shared;
  Product product(shared, weight, map, rowAt, result.first.group, result.first.column,
                  result.rowCount);
  constexpr int floats = isStage<Stage> ? stagedBytes(Tile::rows, Stage::group) / 4
                                        : TurnedSums<parts>::bytes(warps) / 4;
  auto *staged = shared.take<float>(floats);
  Barrier *allStaged = nullptr;
  if constexpr (isStage<Stage>) {
    allStaged = shared.take<Barrier>(1);
    if (threadIndex() == 0) {
      initBarrier(allStaged, warps);
    }
  }
  product.begin();
  if (product.brings()) {
    product.bring();
    Shared::leave();
    Shared::waitUntilAllLeft();
    return;
  }
  float sums[productSums];
  product.multiply(sums);
  Shared::leave();
  int warpRow = Tile::groupFirstRow() + warpIndex() % Tile::groupWarps * 16;
  int64 firstColumn = result.first.column + Tile::groupProduct() * Product::productPart;
  constexpr int ofPart = productSums / parts;
#pragma unroll
  for (int first = 0; first < ofPart; first += 16) {
    float fragments[parts][4][4];
    for (int p = 0; p < parts; ++p) {
      for (int i = 0; i < 16; ++i) {
        fragments[p][i / 4][i % 4] = sums[p * ofPart + first + i];
      }
    }
    result.putFragments(staged, warpIndex() - Tile::groupWarps, warpRow, firstColumn + first * 2,
                        columns, fragments);
  }
  if constexpr (isStage<Stage>) {
    syncWarp();
    if (laneIndex() == 0) {
      arrive(allStaged);
    }
    Product::waitFor(allStaged, 0);
    result.template storeStaged<warps>(staged, warpIndex() - Tile::groupWarps);
  }
  Shared::waitUntilAllLeft();
}

template <int parts, int64 columns, int64 heads, typename Tile, typename A, typename W,
          typename Epilogue, typename Stage = NoStage>
__device__ inline void gemmWgmma(Launch launch, const TensorMap *map, A a, const W &weight,
                                 int64 allRows, const Epilogue &epilogue, const Stage &stage = {}) {
  if (launch.stopped()) {
    return;
  }
  GemmBlock block(ceilDiv(columns, Tile::columns), heads, Tile::rows, allRows,
                  Tile::Shared::blockCount);
  RowsFrom<A> rowAt{a, block.firstRow, block.head};
  Place first{block.firstRow, block.head, block.head, block.columnTile * Tile::columns};
  wgmmaColumns<parts, columns, Tile>(weight, map, rowAt,
                                     blockResult<columns>(epilogue, stage, first, block.rowCount));
}

template <int parts, int64 columns, int experts, typename Tile, bool indirect, typename A,
          typename W, typename Epilogue, typename Stage = NoStage>
__device__ inline void groupedGemmWgmma(Launch launch, const TensorMap *map, A a, const W &weight,
                                        const int32 *offsets, const int32 *rows,
                                        const Epilogue &epilogue, const Stage &stage = {}) {
  if (launch.stopped()) {
    return;
  }
  GroupBlock block(offsets, experts, ceilDiv(columns, Tile::columns), Tile::rows);
  if (block.expert < 0) {
    return;
  }
  EntryRows<A, indirect> rowAt{a, rows, block.firstRow};
  wgmmaColumns<parts, columns, Tile>(
      weight, map, rowAt,
      blockResult<columns>(epilogue, stage, placeOf(block, Tile::columns), block.rowCount));
}

} // namespace dsv3::gpu
