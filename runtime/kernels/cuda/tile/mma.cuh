//===- mma.cuh - a tile of a product on tensor cores, by a block -*- C++ -*-===//
//
// Some rows times some rows of a weight in each part, with f32 sums, by eight warps of 32 x
// 32: bf16, to which a weight of another type is rounded on its way, or codes of e4m3 whose sums
// are scaled after each block of 128 columns. Pieces of 128 bytes of a row pass through shared
// memory in stages: while one is multiplied the next are on their way.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/block.cuh"
#include "runtime/kernels/cuda/ptx/mma.cuh"
#include "runtime/kernels/cuda/tile/pieces.cuh"

namespace dsv3::gpu {

/// A weight that is rounded to bf16 on its way has `widenedBits` bits an element; of one that is
/// multiplied as it is stored these are 0.
template <int tileRows, int tileColumns, int tileStages, int widenedBits = 0>
struct MmaTile : TilePiece {
  static constexpr int rows = tileRows, columns = tileColumns, stages = tileStages;
  static constexpr int threads = 256;
  static constexpr int warpRows = 32, warpColumns = 32;
  /// Of a piece: of the rows, of a part of the weight, and of that before it is widened.
  static constexpr int rowsBytes = rows * rowBytes, partBytes = columns * rowBytes;
  static constexpr int storedBytes = partBytes * widenedBits / 16;
  static constexpr bool widens = widenedBits > 0;
  static constexpr int storedStages = stages - 1; ///< pieces that are not widened yet
  static __device__ constexpr int stageBytes(int parts) {
    return rowsBytes + (widens ? 0 : parts * partBytes);
  }
  static __device__ constexpr int sharedBytes(int parts) {
    return stages * stageBytes(parts) +
           (widens ? parts * (2 * partBytes + storedStages * storedBytes) : 0);
  }

  static_assert(rows / warpRows * (columns / warpColumns) * 32 == threads, "a warp has a share");

  static __device__ int warpFirstRow() {
    return threadIndex() / 32 / (columns / warpColumns) * warpRows;
  }
  static __device__ int warpFirstColumn() {
    return threadIndex() / 32 % (columns / warpColumns) * warpColumns;
  }
};

/// The sums of a thread: [part][16 rows][8 columns][4], the last as mma.sync keeps them.
template <int parts>
struct MmaSums {
  float of[parts][2][4][4];

  /// Sums 0 and 1 are neighbours in row lane / 4 of 16, 2 and 3 eight rows below.
  static __device__ int row(int i, int e) { return i * 16 + threadIndex() % 32 / 4 + e / 2 * 8; }
  static __device__ int column(int j, int e) { return j * 8 + threadIndex() % 4 * 2 + e % 2; }
};

template <int parts, int64 partRows, typename Tile, typename W, typename RowAt>
struct MmaProduct {
  using Element = typename RowAt::Element;
  using Pieces = typename PiecesOf<parts, partRows, Tile, W>::Type;
  static constexpr int depth = Tile::rowBytes / int(sizeof(Element)); ///< columns of a piece
  static constexpr int pieces = int(ceilDiv(W::depth, depth));
  using RowCopies = PieceCopies<Tile::rows, Tile::threads, W::depth, Element>;
  static constexpr bool codes = W::scaled && !Tile::widens;
  static_assert(RowAt::begins * sizeof(Element) % Tile::chunkBytes == 0,
                "rows begin on borders of 16 bytes");
  static_assert(!codes || (sizeof(Element) == 1 && W::block == depth), "a scale for each piece");

  const W &weight;
  const RowAt &rowAt;
  int64 group, column;
  int rowCount;
  unsigned char *shared;

  __device__ unsigned char *stage(int piece) const {
    return shared + piece % Tile::stages * Tile::stageBytes(parts);
  }

  __device__ void fetch(int piece, RowCopies &ofRows, Pieces &ofWeight) const {
    if (piece < pieces) {
      ofRows.fetch(stage(piece));
      ofWeight.fetch(piece);
    }
    commitCopies(); // an empty group keeps the count
  }

  static __device__ void multiplyAny(float (&sums)[4], const uint32 (&a)[4], uint32 b0, uint32 b1) {
    if constexpr (codes) {
      multiplyCodes(sums, a, b0, b1);
    } else {
      multiplyMatrices(sums, a, b0, b1);
    }
  }

  /// Adds the products of a piece with `count` parts from `firstPart` on.
  template <int count>
  __device__ void multiply(int piece, const Pieces &ofWeight, int firstPart,
                           MmaSums<count> &sums) const {
    int lane = threadIndex() % 32;
    int xPlace = Tile::place(Tile::warpFirstRow() + lane % 16, lane / 16);
    int wPlace = Tile::place(Tile::warpFirstColumn() + lane / 16 * 8 + lane % 8, lane / 8 % 2);
    const unsigned char *x = stage(piece);
#pragma unroll(codes ? 1 : Tile::chunks / 2)
    for (int k = 0; k < Tile::chunks / 2; ++k) {
      uint32 a[2][4];
      for (int i = 0; i < 2; ++i) {
        loadMatrices(x + Tile::further(xPlace, 2 * k) + i * 16 * Tile::rowBytes, a[i]);
      }
      for (int p = 0; p < count; ++p) {
        const unsigned char *w = ofWeight.at(piece, firstPart + p) + Tile::further(wPlace, 2 * k);
        for (int j = 0; j < 2; ++j) {
          uint32 b[4];
          loadMatrices(w + j * 16 * Tile::rowBytes, b);
          for (int i = 0; i < 2; ++i) {
            multiplyAny(sums.of[p][i][2 * j], a[i], b[0], b[1]);
            multiplyAny(sums.of[p][i][2 * j + 1], a[i], b[2], b[3]);
          }
        }
      }
    }
  }

  /// Adds the sums of a part of a piece of codes, which has one block of columns, times their
  /// scales.
  __device__ void promote(int piece, int p, const MmaSums<1> &ofPiece, MmaSums<parts> &sums) const {
    // Whether the eight columns of a fragment have one scale.
    constexpr bool alike = W::blockOfRows % 8 == 0 && partRows % 8 == 0;
    float ofRow[2][2];
    for (int i = 0; i < 2; ++i) {
      for (int lower = 0; lower < 2; ++lower) {
        int row = Tile::warpFirstRow() + MmaSums<parts>::row(i, 2 * lower);
        ofRow[i][lower] = row < rowCount ? rowAt.scale(row, piece) : 0.0f;
      }
    }
    for (int j = 0; j < 4; ++j) {
      float ofColumn[2];
      for (int e = 0; e < 2; ++e) {
        int64 at = column + Tile::warpFirstColumn() + MmaSums<parts>::column(j, e);
        ofColumn[e] = alike && e > 0  ? ofColumn[0]
                      : at < partRows ? weight.scaleAfter(group, p * partRows + at, piece)
                                      : 0.0f;
      }
      for (int i = 0; i < 2; ++i) {
        for (int e = 0; e < 4; ++e) {
          float &sum = sums.of[p][i][j][e];
          sum = multiplyAdd(ofPiece.of[0][i][j][e], ofRow[i][e / 2] * ofColumn[e % 2], sum);
        }
      }
    }
  }

  __device__ void addPiece(int piece, const Pieces &ofWeight, MmaSums<parts> &sums) const {
    if constexpr (codes) {
      // One part after the other: both at once would take more registers than there are.
#pragma unroll
      for (int p = 0; p < parts; ++p) {
        MmaSums<1> ofPiece = {};
        multiply(piece, ofWeight, p, ofPiece);
        promote(piece, p, ofPiece, sums);
      }
    } else {
      multiply(piece, ofWeight, 0, sums);
    }
  }

  /// All threads of the block come here.
  __device__ MmaSums<parts> run() const {
    MmaSums<parts> sums = {};
    Pieces ofWeight(weight, group, column, shared);
    RowCopies ofRows(threadIndex(), rowAt, rowCount);
    for (int i = 0; i < Tile::stages - 1; ++i) {
      fetch(i, ofRows, ofWeight);
    }
    for (int piece = 0; piece < pieces; ++piece) {
      waitForCopies<Tile::stages - 2>();
      ofWeight.prepare(piece);
      syncBlock(); // the piece is there for all, and the stage before it is free
      fetch(piece + Tile::stages - 1, ofRows, ofWeight);
      addPiece(piece, ofWeight, sums);
    }
    return sums;
  }
};

} // namespace dsv3::gpu
