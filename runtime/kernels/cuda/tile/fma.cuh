//===- fma.cuh - a tile of a product in f32, by a block ---------*- C++ -*-===//
//
// 64 rows times 64 rows of a weight, in each part, by 256 threads of 4 × 4 sums. Exact
// products of f32 rows: no tensor core rounds its operands so little. Pieces of 16
// columns pass through shared memory as f32.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/block.cuh"
#include "runtime/kernels/cuda/ptx/math.cuh"
#include "runtime/kernels/cuda/tile/weight.cuh"

namespace dsv3::gpu {

struct FmaTile {
  static constexpr int rows = 64, columns = 64, depth = 16, threads = 256;
  /// Rows and columns of a thread.
  static constexpr int side = 4;
  /// Rows of a side of a piece, which is [depth][stride] in shared memory.
  static constexpr int stride = 64;
  static __device__ constexpr int sharedBytes(int parts) {
    return (1 + parts) * depth * stride * 4;
  }
  /// Where element k of a row lies in a piece. Lanes of a warp store four columns of eight rows,
  /// each in a bank of its own; four rows from a multiple of four on stay side by side.
  static __device__ int place(int k, int row) { return k * stride + (row ^ k / side * 8); }

  static_assert(rows == stride && columns == stride, "both pieces have the stride");
  static_assert(depth / side * 8 <= stride, "rows stay within a piece");
  static_assert(rows / side * (columns / side) == threads, "a thread has 4 x 4 sums");
  static_assert(rows * depth == threads * side, "a thread loads 4 elements of a piece");

  static __device__ int firstRow() { return threadIndex() / 16 * side; }
  static __device__ int firstColumn() { return threadIndex() % 16 * side; }
};

/// Elements of a row, which begin at multiples of `begins`.
template <typename T, int64 begins>
struct RowElements {
  static constexpr int width = vectorWidth<T>(begins | 4);
  const T *from;
  template <int count>
  __device__ void read(int at, float *to) const {
    toFloats(loadVector<count>(from + at), to);
  }
};
/// Those of a weight from a column on.
template <typename W>
struct WeightElements {
  static constexpr int width = W::widthOf(W::begins | 4);
  const W &weight;
  int64 group, row, column;
  ElementScale before;
  template <int count>
  __device__ void read(int at, float *to) const {
    weight.template read<count>(group, row, column + at, before, to);
  }
};

/// The first four elements, of those from `count` on 0.
template <typename Elements>
__device__ inline void loadFour(const Elements &elements, int64 count, float (&to)[4]) {
  constexpr int width = Elements::width;
  if (count >= 4) {
    for (int i = 0; i < 4; i += width) {
      elements.template read<width>(i, to + i);
    }
    return;
  }
  for (int i = 0; i < 4; ++i) {
    to[i] = 0.0f;
    if (i < count) {
      elements.template read<1>(i, to + i);
    }
  }
}

/// Adds a piece in shared memory to the sums of the thread.
template <int parts>
__device__ inline void addPiece(const float *x, const float *w, float (&sums)[parts][4][4]) {
  constexpr int pieceFloats = FmaTile::depth * FmaTile::stride;
#pragma unroll
  for (int k = 0; k < FmaTile::depth; ++k) {
    auto a = loadVector<4>(x + FmaTile::place(k, FmaTile::firstRow()));
    for (int p = 0; p < parts; ++p) {
      auto b = loadVector<4>(w + p * pieceFloats + FmaTile::place(k, FmaTile::firstColumn()));
      for (int i = 0; i < 4; ++i) {
        for (int j = 0; j < 4; ++j) {
          sums[p][i][j] = multiplyAdd(a.values[i], b.values[j], sums[p][i][j]);
        }
      }
    }
  }
}

/// sums[p][i][j] = row firstRow() + i of the tile times row `p * partRows + column +
/// firstColumn() + j` of the weight's group, 0 for rows from `rowCount` on and columns beyond
/// those of the part. rowAt(i) is row i of x; `shared` has FmaTile::sharedBytes(parts). All
/// threads of the block come here; when they leave, `shared` may be written at once.
template <int parts, int64 partRows, int64 xBegins, typename W, typename RowAt>
__device__ inline void tileProduct(const W &weight, int64 group, int64 column, int rowCount,
                                   const RowAt &rowAt, float *shared, float (&sums)[parts][4][4]) {
  constexpr int pieceFloats = FmaTile::depth * FmaTile::stride;
  float *xPiece = shared, *wPiece = shared + pieceFloats;
  // The elements that this thread loads: four columns of a row of each piece.
  int row = threadIndex() / 4, k0 = threadIndex() % 4 * 4;
  bool hasRow = row < rowCount, hasColumn = column + row < partRows;
  using X = RowElements<typename RowAt::Element, xBegins | W::block>;
  const auto *x = rowAt(hasRow ? row : 0);
  float ofBlock[parts][4][4];
  for (int p = 0; p < parts; ++p) {
    for (int i = 0; i < 4; ++i) {
      for (int j = 0; j < 4; ++j) {
        sums[p][i][j] = 0.0f;
      }
    }
  }
  for (int64 block = 0; block < W::blocks; ++block) {
    int64 end = (block + 1) * W::block < W::depth ? (block + 1) * W::block : W::depth;
    for (int p = 0; p < parts; ++p) {
      for (int i = 0; i < 4; ++i) {
        for (int j = 0; j < 4; ++j) {
          ofBlock[p][i][j] = 0.0f;
        }
      }
    }
    ElementScale before[parts]; // of the row that this thread loads
    for (int p = 0; p < parts; ++p) {
      if (hasColumn) {
        before[p] = weight.scaleBefore(group, p * partRows + column + row, block);
      }
    }
    for (int64 begin = block * W::block; begin < end; begin += FmaTile::depth) {
      int64 k = begin + k0;
      float four[4];
      loadFour(X{x + k}, hasRow ? end - k : 0, four);
      for (int i = 0; i < 4; ++i) {
        xPiece[FmaTile::place(k0 + i, row)] = four[i];
      }
      for (int p = 0; p < parts; ++p) {
        WeightElements<W> w{weight, group, p * partRows + column + row, k, before[p]};
        loadFour(w, hasColumn ? end - k : 0, four);
        for (int i = 0; i < 4; ++i) {
          wPiece[p * pieceFloats + FmaTile::place(k0 + i, row)] = four[i];
        }
      }
      syncBlock();
      addPiece<parts>(xPiece, wPiece, ofBlock);
      syncBlock();
    }
    for (int p = 0; p < parts; ++p) {
      for (int j = 0; j < 4; ++j) {
        int64 inPart = column + FmaTile::firstColumn() + j;
        float scale =
            inPart < partRows ? weight.scaleAfter(group, p * partRows + inPart, block) : 0.0f;
        for (int i = 0; i < 4; ++i) {
          int inTile = FmaTile::firstRow() + i;
          float ofRow = inTile < rowCount ? rowAt.scale(inTile, block) : 1.0f;
          sums[p][i][j] = multiplyAdd(ofBlock[p][i][j], ofRow * scale, sums[p][i][j]);
        }
      }
    }
  }
}

} // namespace dsv3::gpu
