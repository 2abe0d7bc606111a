//===- mma.cuh - a tile of a product on tensor cores, by a block -*- C++ -*-===//
//
// Some rows times some rows of a weight in each part, with f32 sums, by eight warps of 32 x
// 32: bf16, or codes of e4m3 whose sums are scaled after each block of 128 columns. Pieces of
// 128 bytes of a row pass through shared memory in stages: while one is multiplied the next
// are on their way.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/block.cuh"
#include "runtime/kernels/cuda/ptx/mma.cuh"
#include "runtime/kernels/cuda/tile/weight.cuh"

namespace dsv3::gpu {

/// Of rows of which a piece is in shared memory.
struct TilePiece {
  /// Bytes of a row of a piece, bytes that a copy moves, and copies of a row.
  static constexpr int rowBytes = 128, chunkBytes = 16, chunks = rowBytes / chunkBytes;

  /// Where a chunk of a row lies in a piece, in bytes: the eight rows that ldmatrix reads at once
  /// are in different banks, and tensor copies swizzle by 128 bytes alike.
  static __device__ int place(int row, int chunkIndex) {
    return row * rowBytes + ((chunkIndex ^ (row % chunks)) * chunkBytes);
  }
};

template <int tileRows, int tileColumns, int tileStages>
struct MmaTile : TilePiece {
  static constexpr int rows = tileRows, columns = tileColumns, stages = tileStages;
  static constexpr int threads = 256;
  static constexpr int warpRows = 32, warpColumns = 32;
  static __device__ constexpr int stageBytes(int parts) {
    return (rows + parts * columns) * rowBytes;
  }
  static __device__ constexpr int sharedBytes(int parts) { return stages * stageBytes(parts); }

  static_assert(rows / warpRows * (columns / warpColumns) * 32 == threads, "a warp has a share");
  static_assert(rows * chunks % threads == 0 && columns * chunks % threads == 0, "whole copies");

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
  using Element = typename W::Element;
  static constexpr int depth = Tile::rowBytes / int(sizeof(Element)); ///< columns of a piece
  static constexpr int chunk = Tile::chunkBytes / int(sizeof(Element));
  static constexpr int64 pieces = ceilDiv(W::depth, depth);
  static constexpr bool codes = W::scaled;
  static_assert(W::depth % chunk == 0 && RowAt::begins % chunk == 0,
                "rows begin on borders of 16 bytes");
  static_assert(!W::prologued, "elements go to the tensor cores as they are stored");
  static_assert(!codes || (sizeof(Element) == 1 && W::block == depth), "a scale for each piece");

  const W &weight;
  const RowAt &rowAt;
  int64 group, column;
  int rowCount;
  unsigned char *shared;

  __device__ unsigned char *stage(int64 piece) const {
    return shared + piece % Tile::stages * Tile::stageBytes(parts);
  }

  /// Copies 16 bytes of a row from column `k` on, or zeros.
  __device__ void copyChunk(unsigned char *piece, int row, int chunkIndex, const Element *from,
                            int64 k, bool there) const {
    bool inside = there && k < W::depth;
    copyAsync(piece + Tile::place(row, chunkIndex), inside ? from + k : weight.data,
              inside ? Tile::chunkBytes : 0);
  }

  __device__ void fetch(int64 piece) const {
    if (piece < pieces) {
      unsigned char *to = stage(piece);
      for (int i = threadIndex(); i < Tile::rows * Tile::chunks; i += Tile::threads) {
        int row = i / Tile::chunks, chunkIndex = i % Tile::chunks;
        bool there = row < rowCount;
        copyChunk(to, row, chunkIndex, rowAt(there ? row : 0), piece * depth + chunkIndex * chunk,
                  there);
      }
      for (int p = 0; p < parts; ++p) {
        unsigned char *ofPart = to + (Tile::rows + p * Tile::columns) * Tile::rowBytes;
        for (int i = threadIndex(); i < Tile::columns * Tile::chunks; i += Tile::threads) {
          int row = i / Tile::chunks, chunkIndex = i % Tile::chunks;
          bool there = column + row < partRows;
          copyChunk(ofPart, row, chunkIndex,
                    weight.row(group, there ? p * partRows + column + row : 0),
                    piece * depth + chunkIndex * chunk, there);
        }
      }
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

  __device__ void multiply(int64 piece, MmaSums<parts> &sums) const {
    const unsigned char *x = stage(piece);
    int lane = threadIndex() % 32;
#pragma unroll(codes ? 1 : Tile::chunks / 2)
    for (int k = 0; k < Tile::chunks / 2; ++k) {
      uint32 a[2][4];
      for (int i = 0; i < 2; ++i) {
        int row = Tile::warpFirstRow() + i * 16 + lane % 16;
        loadMatrices(x + Tile::place(row, 2 * k + lane / 16), a[i]);
      }
      for (int p = 0; p < parts; ++p) {
        const unsigned char *w = x + (Tile::rows + p * Tile::columns) * Tile::rowBytes;
        for (int j = 0; j < 2; ++j) {
          int row = Tile::warpFirstColumn() + j * 16 + lane / 16 * 8 + lane % 8;
          uint32 b[4];
          loadMatrices(w + Tile::place(row, 2 * k + lane / 8 % 2), b);
          for (int i = 0; i < 2; ++i) {
            multiplyAny(sums.of[p][i][2 * j], a[i], b[0], b[1]);
            multiplyAny(sums.of[p][i][2 * j + 1], a[i], b[2], b[3]);
          }
        }
      }
    }
  }

  /// Adds the sums of a piece of codes, which has one block of columns, times their scales.
  __device__ void promote(int64 piece, const MmaSums<parts> &ofPiece, MmaSums<parts> &sums) const {
    // Whether the eight columns of a fragment have one scale.
    constexpr bool alike = W::blockOfRows % 8 == 0 && partRows % 8 == 0;
    float ofRow[2][2];
    for (int i = 0; i < 2; ++i) {
      for (int lower = 0; lower < 2; ++lower) {
        int row = Tile::warpFirstRow() + MmaSums<parts>::row(i, 2 * lower);
        ofRow[i][lower] = row < rowCount ? rowAt.scale(row, piece) : 0.0f;
      }
    }
    for (int p = 0; p < parts; ++p) {
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
            sum = multiplyAdd(ofPiece.of[p][i][j][e], ofRow[i][e / 2] * ofColumn[e % 2], sum);
          }
        }
      }
    }
  }

  __device__ void addPiece(int64 piece, MmaSums<parts> &sums) const {
    if constexpr (codes) {
      MmaSums<parts> ofPiece = {};
      multiply(piece, ofPiece);
      promote(piece, ofPiece, sums);
    } else {
      multiply(piece, sums);
    }
  }

  /// All threads of the block come here.
  __device__ MmaSums<parts> run() const {
    MmaSums<parts> sums = {};
    for (int i = 0; i < Tile::stages - 1; ++i) {
      fetch(i);
    }
    for (int64 piece = 0; piece < pieces; ++piece) {
      waitForCopies<Tile::stages - 2>();
      syncBlock(); // the piece is there for all, and the stage before it is free
      fetch(piece + Tile::stages - 1);
      addPiece(piece, sums);
    }
    return sums;
  }
};

} // namespace dsv3::gpu
