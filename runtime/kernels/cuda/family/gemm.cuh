//===- gemm.cuh - kern.gemm with f32 sums -----------------------*- C++ -*-===//
//
// Three forms. For a few rows a warp has one column: the weight is read once, at the
// memory's speed. For many a block has a tile: of f32 rows 64 × 64, of bf16 ones on
// tensor cores 128 × 64. Neighbouring blocks share their rows.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/tile/dot.cuh"
#include "runtime/kernels/cuda/tile/failure.cuh"
#include "runtime/kernels/cuda/tile/fma.cuh"
#include "runtime/kernels/cuda/tile/mma.cuh"

namespace dsv3::gpu {

/// Rows of `a` from `first` on, of one head.
template <typename A>
struct RowsFrom {
  using Element = typename A::Element;
  A a;
  int64 first, head;
  __device__ const Element *operator()(int64 i) const { return a.at(first + i, head); }
};

/// One column and up to `most` rows by each warp of the block.
template <int parts, int64 columns, int most, int threads, typename RowAt, int64 xBegins,
          typename W, typename Epilogue>
__device__ inline void dotColumns(const W &weight, int64 columnTile, int64 head, int64 group,
                                  int64 firstRow, int rowCount, const RowAt &rowAt,
                                  const Epilogue &epilogue) {
  int64 column = columnTile * (threads / warpLanes) + warpIndex();
  if (column >= columns) {
    return;
  }
  int64 rows[parts];
  for (int p = 0; p < parts; ++p) {
    rows[p] = p * columns + column;
  }
  float sums[parts][most];
  warpDots<parts, most, xBegins>(weight, group, rows, rowCount, rowAt, sums);
  // Every lane has all sums; lane r chooses and stores those of row r.
  static_assert(most <= warpLanes, "a lane for each row");
  int row = laneIndex();
  float ofRow[parts];
#pragma unroll
  for (int p = 0; p < parts; ++p) {
    ofRow[p] = sums[p][0];
#pragma unroll
    for (int r = 1; r < most; ++r) {
      ofRow[p] = r == row ? sums[p][r] : ofRow[p];
    }
  }
  if (row < rowCount) {
    epilogue(Place{firstRow + row, head, group, column}, ofRow);
  }
}

/// A tile of FmaTile's rows and columns by the block.
template <int parts, int64 columns, typename RowAt, int64 xBegins, typename W, typename Epilogue>
__device__ inline void tileColumns(const W &weight, int64 columnTile, int64 head, int64 group,
                                   int64 firstRow, int rowCount, const RowAt &rowAt,
                                   const Epilogue &epilogue) {
  int64 column = columnTile * FmaTile::columns;
  float sums[parts][4][4];
  tileProduct<parts, columns, xBegins>(weight, group, column, rowCount, rowAt,
                                       reinterpret_cast<float *>(sharedMemory()), sums);
#pragma unroll
  for (int i = 0; i < 4; ++i) {
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      int row = FmaTile::firstRow() + i;
      int64 at = column + FmaTile::firstColumn() + j;
      if (row < rowCount && at < columns) {
        float ofRow[parts];
        for (int p = 0; p < parts; ++p) {
          ofRow[p] = sums[p][i][j];
        }
        epilogue(Place{firstRow + row, head, group, at}, ofRow);
      }
    }
  }
}

/// A tile of MmaTile's rows and columns by the block.
template <int parts, int64 columns, typename RowAt, typename W, typename Epilogue>
__device__ inline void mmaColumns(const W &weight, int64 columnTile, int64 head, int64 group,
                                  int64 firstRow, int rowCount, const RowAt &rowAt,
                                  const Epilogue &epilogue) {
  int64 firstColumn = columnTile * MmaTile::columns;
  MmaProduct<parts, columns, W, RowAt> product{
      weight, rowAt, group, firstColumn, rowCount, reinterpret_cast<bf16 *>(sharedMemory())};
  MmaSums<parts> sums = product.run();
#pragma unroll
  for (int i = 0; i < 2; ++i) {
#pragma unroll
    for (int j = 0; j < 4; ++j) {
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        // Sums 0 and 1 are neighbours in row lane / 4, 2 and 3 eight rows below.
        int row = MmaTile::warpFirstRow() + i * 16 + laneIndex() / 4 + e / 2 * 8;
        int64 column =
            firstColumn + MmaTile::warpFirstColumn() + j * 8 + laneIndex() % 4 * 2 + e % 2;
        if (row < rowCount && column < columns) {
          float ofRow[parts];
          for (int p = 0; p < parts; ++p) {
            ofRow[p] = sums.of[p][i][j][e];
          }
          epilogue(Place{firstRow + row, head, group, column}, ofRow);
        }
      }
    }
  }
}

/// The block's place in a grid of [row tiles][heads][column tiles].
struct GemmBlock {
  int64 columnTile, head, firstRow;
  int rowCount;

  __device__ GemmBlock(int64 columnTiles, int64 heads, int64 tileRows, int64 allRows) {
    int64 tile = blockIndex();
    columnTile = tile % columnTiles;
    head = tile / columnTiles % heads;
    firstRow = tile / (columnTiles * heads) * tileRows;
    rowCount = int(allRows - firstRow < tileRows ? allRows - firstRow : tileRows);
  }
};

/// epilogue(place, sums) stores what becomes of the parts' sums.
template <int parts, int64 columns, int64 heads, int most, int threads, typename A, typename W,
          typename Epilogue>
__device__ inline void gemmRows(Launch launch, A a, const W &weight, int64 allRows,
                                const Epilogue &epilogue) {
  if (launch.stopped()) {
    return;
  }
  GemmBlock block(ceilDiv(columns, threads / warpLanes), heads, most, allRows);
  RowsFrom<A> rowAt{a, block.firstRow, block.head};
  dotColumns<parts, columns, most, threads, RowsFrom<A>, A::begins>(
      weight, block.columnTile, block.head, block.head, block.firstRow, block.rowCount, rowAt,
      epilogue);
}

template <int parts, int64 columns, int64 heads, typename A, typename W, typename Epilogue>
__device__ inline void gemmTiles(Launch launch, A a, const W &weight, int64 allRows,
                                 const Epilogue &epilogue) {
  if (launch.stopped()) {
    return;
  }
  GemmBlock block(ceilDiv(columns, FmaTile::columns), heads, FmaTile::rows, allRows);
  RowsFrom<A> rowAt{a, block.firstRow, block.head};
  tileColumns<parts, columns, RowsFrom<A>, A::begins>(weight, block.columnTile, block.head,
                                                      block.head, block.firstRow, block.rowCount,
                                                      rowAt, epilogue);
}

template <int parts, int64 columns, int64 heads, typename A, typename W, typename Epilogue>
__device__ inline void gemmMma(Launch launch, A a, const W &weight, int64 allRows,
                               const Epilogue &epilogue) {
  static_assert(A::begins % MmaTile::chunk == 0, "rows begin on borders of 16 bytes");
  if (launch.stopped()) {
    return;
  }
  GemmBlock block(ceilDiv(columns, MmaTile::columns), heads, MmaTile::rows, allRows);
  RowsFrom<A> rowAt{a, block.firstRow, block.head};
  mmaColumns<parts, columns>(weight, block.columnTile, block.head, block.head, block.firstRow,
                             block.rowCount, rowAt, epilogue);
}

} // namespace dsv3::gpu
