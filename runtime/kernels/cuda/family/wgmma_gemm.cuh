//===- wgmma_gemm.cuh - products on warp groups of sm_90a -------*- C++ -*-===//
//
// kern.gemm and kern.grouped_gemm for many rows of bf16: the form WgmmaTiles. Blocks divide
// the work as those of the other forms do; `map` is the tensor map of the weight.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/family/grouped_gemm.cuh"
#include "runtime/kernels/cuda/tile/wgmma.cuh"

namespace dsv3::gpu {

/// A tile of WgmmaTile's rows and columns by the block; `blocks` share the columns.
template <int parts, int64 columns, int blocks, typename RowAt, typename W, typename Epilogue>
__device__ inline void wgmmaColumns(const W &weight, const TensorMap *map, int64 columnTile,
                                    int64 head, int64 group, int64 firstRow, int rowCount,
                                    const RowAt &rowAt, const Epilogue &epilogue) {
  constexpr int tileColumns = WgmmaTile::columns(parts);
  int64 firstColumn = columnTile * tileColumns;
  using Shared = Sharing<blocks>;
  WgmmaProduct<parts, columns, blocks, W, RowAt> product(weight, map, rowAt, group, firstColumn,
                                                         rowCount);
  if (product.brings()) {
    product.bring();
    Shared::finish();
    Shared::waitForOthers();
    return;
  }
  float sums[productSums];
  product.multiply(sums);
  Shared::finish();
  int warpRow = product.firstRow() + warpIndex() % WgmmaTile::groupWarps * 16;
#pragma unroll
  for (int i = 0; i < productSums / parts; ++i) {
    int row = warpRow + laneIndex() / 4 + i / 2 % 2 * 8;
    int64 column = firstColumn + i / 4 * 8 + laneIndex() % 4 * 2 + i % 2;
    if (row < rowCount && column < columns) {
      float ofRow[parts];
      for (int p = 0; p < parts; ++p) {
        ofRow[p] = sums[p * (productSums / parts) + i];
      }
      epilogue(Place{firstRow + row, head, group, column}, ofRow);
    }
  }
  Shared::waitForOthers();
}

template <int parts, int64 columns, int64 heads, int blocks, typename A, typename W,
          typename Epilogue>
__device__ inline void gemmWgmma(Launch launch, A a, const W &weight, int64 allRows,
                                 const Epilogue &epilogue, const TensorMap *map) {
  static_assert(A::begins % WgmmaTile::chunk == 0, "rows begin on borders of 16 bytes");
  if (launch.stopped()) {
    return;
  }
  GemmBlock block(ceilDiv(columns, WgmmaTile::columns(parts)), heads, WgmmaTile::rows, allRows,
                  blocks);
  RowsFrom<A> rowAt{a, block.firstRow, block.head};
  wgmmaColumns<parts, columns, blocks>(weight, map, block.columnTile, block.head, block.head,
                                       block.firstRow, block.rowCount, rowAt, epilogue);
}

template <int parts, int64 columns, int experts, bool indirect, typename A, typename W,
          typename Epilogue>
__device__ inline void groupedGemmWgmma(Launch launch, A a, const W &weight, const int32 *offsets,
                                        const int32 *rows, const Epilogue &epilogue,
                                        const TensorMap *map) {
  static_assert(A::begins % WgmmaTile::chunk == 0, "rows begin on borders of 16 bytes");
  if (launch.stopped()) {
    return;
  }
  GroupBlock block(offsets, experts, ceilDiv(columns, WgmmaTile::columns(parts)), WgmmaTile::rows);
  if (block.expert < 0) {
    return;
  }
  EntryRows<A, indirect> rowAt{a, rows, block.firstRow};
  wgmmaColumns<parts, columns, 1>(weight, map, block.columnTile, 0, block.expert, block.firstRow,
                                  block.rowCount, rowAt, epilogue);
}

} // namespace dsv3::gpu
