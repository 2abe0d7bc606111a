//===- gemm.cuh - kern.gemm with f32 sums -----------------------*- C++ -*-===//
//
// Three forms. For a few rows a warp has one column at a time: the weight is read once, at
// the memory's speed. For many a block has a tile: 64 × 64 in f32, or a larger one of bf16 or
// codes on tensor cores. Neighbouring blocks share their rows. With a stage a block has the
// columns of a group, and what the epilogue gives becomes codes.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/tile/dot.cuh"
#include "runtime/kernels/cuda/tile/failure.cuh"
#include "runtime/kernels/cuda/tile/fma.cuh"
#include "runtime/kernels/cuda/tile/mma.cuh"
#include "runtime/kernels/cuda/tile/quantise.cuh"
#include "runtime/kernels/cuda/tile/turn.cuh"

namespace dsv3::gpu {

/// Rows of `a` from `first` on, of one head.
template <typename A>
struct RowsFrom {
  using Element = typename A::Element;
  static constexpr int64 begins = A::begins;
  A a;
  int64 first, head;
  __device__ const Element *operator()(int64 i) const { return a.at(first + i, head); }
  __device__ float scale(int64 i, int64 block) const { return a.scale(first + i, block); }
  __device__ const float *scales(int64 i) const { return a.scales(first + i); }
  /// The element of the matrix's rows with which these begin.
  __device__ int64 firstElement() const { return A::firstOf(head); }
};

/// Columns that a block has: of a group, where there is a stage, else of a tile.
template <typename Stage, int tileColumns>
inline constexpr int blockColumns = isStage<Stage> ? Stage::group : tileColumns;

/// What becomes of the sums of a block: the epilogue stores it, or leaves it in shared memory for
/// the stage.
template <typename Epilogue, typename Stage>
struct BlockResult {
  const Epilogue &epilogue;
  const Stage &stage;
  Place first; ///< of the block's rows and columns
  int rowCount;
  int64 codeGroup; ///< that the block's columns are, of those of a row

  /// What the epilogue gives, if it does not store it.
  template <int parts>
  __device__ auto value(int row, int64 column, const float (&sums)[parts]) const {
    return epilogue(Place{first.row + row, first.head, first.group, column}, sums);
  }
  template <int parts>
  __device__ void put(float *staged, int row, int64 column, const float (&sums)[parts]) const {
    if constexpr (isStage<Stage>) {
      staged[row * stagedStride(Stage::group) + (column - first.column)] =
          toFloat(value(row, column, sums));
    } else {
      value(row, column, sums);
    }
  }
  /// A warp's sums as tensor cores keep them, of 16 rows from `row` on and 32 columns from `column`
  /// on; those from `columns` on are nobody's. `shared` is for the stage's values, or for turning
  /// sums of the warps, of which this is number `warp`.
  template <int parts>
  __device__ void putFragments(float *shared, int warp, int row, int64 column, int64 columns,
                               const float (&sums)[parts][4][4]) const {
    float ofRow[parts];
    if constexpr (isStage<Stage>) {
#pragma unroll
      for (int i = 0; i < 16; ++i) {
        int atRow = row + laneIndex() / 4 + i / 2 % 2 * 8;
        int64 at = column + i / 4 * 8 + laneIndex() % 4 * 2 + i % 2;
        for (int p = 0; p < parts; ++p) {
          ofRow[p] = sums[p][i / 4][i % 4];
        }
        if (atRow < rowCount && at < columns) {
          put(shared, atRow, at, ofRow);
        }
      }
    } else {
      TurnedSums<parts> turned(shared, warp);
      turned.put(sums);
      int64 at = column + laneIndex();
#pragma unroll 1 // more at once would take more registers than there are
      for (int i = 0; i < turned.rows && row + i < rowCount; ++i) {
        turned.get(i, ofRow);
        if (at < columns) {
          put(nullptr, row + i, at, ofRow);
        }
      }
    }
  }
  /// The stage for the rows of one of `warps` warps that the block has, `several` at once.
  template <int warps, int several, typename Has>
  __device__ void storeStaged(const float *staged, int warp, const Has &has) const {
    for (int from = warp; from < rowCount; from += several * warps) {
      stage.template rows<several>(
          codeGroup,
          [&](int r) {
            int row = from + r * warps;
            return row < rowCount && has(row) ? first.row + row : -1;
          },
          [&](int r, int column) {
            return staged[(from + r * warps) * stagedStride(Stage::group) + column];
          });
    }
  }
  /// All threads of the block come here.
  template <int threads>
  __device__ void finish(const float *staged) const {
    if constexpr (isStage<Stage>) {
      syncBlock();
      storeStaged<threads / warpLanes, 1>(staged, warpIndex(), [](int) { return true; });
    }
  }
};

/// Codes of all heads lie side by side in a row.
template <int64 columns, typename Epilogue, typename Stage>
__device__ BlockResult<Epilogue, Stage> blockResult(const Epilogue &epilogue, const Stage &stage,
                                                    Place first, int rowCount) {
  int64 codeGroup = isStage<Stage> ? (first.head * columns + first.column) / Stage::group : 0;
  return {epilogue, stage, first, rowCount, codeGroup};
}

/// The columns of the block, one after the other by each of its warps, and up to `most` rows.
template <int parts, int64 columns, int most, int threads, int64 xBegins, typename RowAt,
          typename W, typename Epilogue, typename Stage>
__device__ inline void dotColumns(const W &weight, const RowAt &rowAt,
                                  const BlockResult<Epilogue, Stage> &result) {
  constexpr int warps = threads / warpLanes, width = blockColumns<Stage, warps>;
  constexpr int bytes = stagedBytes(most, Stage::group);
  SharedArrays shared;
  float *staged = bytes > 0 ? shared.take<float>(bytes / 4) : nullptr;
#pragma unroll 1
  for (int i = 0; i < width; i += warps) {
    int64 column = result.first.column + i + warpIndex();
    // All warps stay together; those without a column multiply the first, for nobody.
    bool hasColumn = column < columns && (width % warps == 0 || i + warpIndex() < width);
    int64 rows[parts];
    for (int p = 0; p < parts; ++p) {
      rows[p] = p * columns + (hasColumn ? column : 0);
    }
    float sums[parts][most];
    warpDots<parts, most, xBegins>(weight, result.first.group, rows, result.rowCount, rowAt, sums);
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
    if (hasColumn && row < result.rowCount) {
      result.put(staged, row, column, ofRow);
    }
  }
  result.template finish<threads>(staged);
}

/// FmaTile's rows and the columns of the block.
template <int parts, int64 columns, int64 xBegins, typename RowAt, typename W, typename Epilogue,
          typename Stage>
__device__ inline void tileColumns(const W &weight, const RowAt &rowAt,
                                   const BlockResult<Epilogue, Stage> &result) {
  constexpr int bytes = stagedBytes(FmaTile::rows, Stage::group);
  SharedArrays shared;
  auto *pieces = shared.take<float>(FmaTile::sharedBytes(parts) / 4);
  float *staged = bytes > 0 ? shared.take<float>(bytes / 4) : nullptr;
  int64 end = result.first.column + blockColumns<Stage, FmaTile::columns>;
  end = end < columns ? end : columns;
  for (int64 column = result.first.column; column < end; column += FmaTile::columns) {
    float sums[parts][4][4];
    tileProduct<parts, columns, xBegins>(weight, result.first.group, column, result.rowCount, rowAt,
                                         pieces, sums);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        int row = FmaTile::firstRow() + i;
        int64 at = column + FmaTile::firstColumn() + j;
        if (row < result.rowCount && at < end) {
          float ofRow[parts];
          for (int p = 0; p < parts; ++p) {
            ofRow[p] = sums[p][i][j];
          }
          result.put(staged, row, at, ofRow);
        }
      }
    }
  }
  result.template finish<FmaTile::threads>(staged);
}

/// The rows and columns of a MmaTile.
template <int parts, int64 columns, typename Tile, typename RowAt, typename W, typename Epilogue,
          typename Stage>
__device__ inline void mmaColumns(const W &weight, const RowAt &rowAt,
                                  const BlockResult<Epilogue, Stage> &result) {
  static_assert(blockColumns<Stage, Tile::columns> == Tile::columns, "a block has one tile");
  static_assert(stagedBytes(Tile::rows, Stage::group) <= Tile::sharedBytes(parts) &&
                    TurnedSums<parts>::bytes(Tile::threads / warpLanes) <= Tile::sharedBytes(parts),
                "values for the stage, and sums that are turned, lie where pieces were");
  using Sums = MmaSums<parts>;
  MmaProduct<parts, columns, Tile, W, RowAt> product{
      weight, rowAt, result.first.group, result.first.column, result.rowCount, sharedMemory()};
  Sums sums = product.run();
  auto *staged = reinterpret_cast<float *>(sharedMemory());
  syncBlock(); // the last piece has been read
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    float fragments[parts][4][4];
    for (int p = 0; p < parts; ++p) {
      for (int j = 0; j < 16; ++j) {
        fragments[p][j / 4][j % 4] = sums.of[p][i][j / 4][j % 4];
      }
    }
    result.putFragments(staged, warpIndex(), Tile::warpFirstRow() + i * 16,
                        result.first.column + Tile::warpFirstColumn(), columns, fragments);
  }
  result.template finish<Tile::threads>(staged);
}

/// The block's place in a grid of [row tiles][heads][column tiles].
struct GemmBlock {
  int64 columnTile, head, firstRow;
  int rowCount;

  __device__ GemmBlock(int64 columnTiles, int64 heads, int64 tileRows, int64 allRows) {
    columnTile = blockIndex() % columnTiles;
    head = blockIndex() / columnTiles % heads;
    firstRow = blockIndex() / (columnTiles * heads) * tileRows;
    rowCount = int(allRows - firstRow < tileRows ? allRows - firstRow : tileRows);
  }
};

/// The place of the block's first row and column, for blocks of `width` columns.
__device__ inline Place placeOf(const GemmBlock &block, int width) {
  return {block.firstRow, block.head, block.head, block.columnTile * width};
}

/// epilogue(place, sums) stores what becomes of the parts' sums; stage: what makes codes of what
/// the epilogue gives, if anything.
template <int parts, int64 columns, int64 heads, int most, int threads, typename A, typename W,
          typename Epilogue, typename Stage = NoStage>
__device__ inline void gemmRows(Launch launch, A a, const W &weight, int64 allRows,
                                const Epilogue &epilogue, const Stage &stage = {}) {
  if (launch.stopped()) {
    return;
  }
  constexpr int width = blockColumns<Stage, threads / warpLanes>;
  GemmBlock block(ceilDiv(columns, width), heads, most, allRows);
  RowsFrom<A> rowAt{a, block.firstRow, block.head};
  dotColumns<parts, columns, most, threads, A::begins>(
      weight, rowAt, blockResult<columns>(epilogue, stage, placeOf(block, width), block.rowCount));
}

template <int parts, int64 columns, int64 heads, typename A, typename W, typename Epilogue,
          typename Stage = NoStage>
__device__ inline void gemmTiles(Launch launch, A a, const W &weight, int64 allRows,
                                 const Epilogue &epilogue, const Stage &stage = {}) {
  if (launch.stopped()) {
    return;
  }
  constexpr int width = blockColumns<Stage, FmaTile::columns>;
  GemmBlock block(ceilDiv(columns, width), heads, FmaTile::rows, allRows);
  RowsFrom<A> rowAt{a, block.firstRow, block.head};
  tileColumns<parts, columns, A::begins>(
      weight, rowAt, blockResult<columns>(epilogue, stage, placeOf(block, width), block.rowCount));
}

template <int parts, int64 columns, int64 heads, typename Tile, typename A, typename W,
          typename Epilogue, typename Stage = NoStage>
__device__ inline void gemmMma(Launch launch, A a, const W &weight, int64 allRows,
                               const Epilogue &epilogue, const Stage &stage = {}) {
  if (launch.stopped()) {
    return;
  }
  GemmBlock block(ceilDiv(columns, Tile::columns), heads, Tile::rows, allRows);
  RowsFrom<A> rowAt{a, block.firstRow, block.head};
  mmaColumns<parts, columns, Tile>(
      weight, rowAt,
      blockResult<columns>(epilogue, stage, placeOf(block, Tile::columns), block.rowCount));
}

} // namespace dsv3::gpu
