//===- mma.cuh - a tile of a product on tensor cores, by a block -*- C++ -*-===//
//
// 128 rows times 64 rows of a weight in each part, bf16 with f32 sums, by eight warps of
// 32 x 32. Pieces of 64 columns pass through shared memory in three stages: while one is
// multiplied the next two are on their way.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/block.cuh"
#include "runtime/kernels/cuda/ptx/mma.cuh"
#include "runtime/kernels/cuda/tile/weight.cuh"

namespace dsv3::gpu {

struct MmaTile {
  static constexpr int rows = 128, columns = 64, depth = 64, threads = 256, stages = 3;
  static constexpr int warpRows = 32, warpColumns = 32;
  /// Elements that a copy moves, and copies of a row of a piece.
  static constexpr int chunk = 8, chunks = depth / chunk;
  static __device__ constexpr int stageElements(int parts) {
    return (rows + parts * columns) * depth;
  }
  static __device__ constexpr int sharedBytes(int parts) {
    return stages * stageElements(parts) * 2;
  }

  static_assert(rows / warpRows * (columns / warpColumns) * 32 == threads, "a warp has a share");
  static_assert(rows * chunks % threads == 0 && columns * chunks % threads == 0, "whole copies");

  /// Where a chunk of a row lies in a piece: the eight rows that ldmatrix reads at once are in
  /// different banks.
  static __device__ int place(int row, int chunkIndex) {
    return row * depth + ((chunkIndex ^ (row % chunks)) * chunk);
  }
  static __device__ int warpFirstRow() { return threadIndex() / 64 * warpRows; }
  static __device__ int warpFirstColumn() { return threadIndex() / 32 % 2 * warpColumns; }
};

/// The sums of a thread: [part][16 rows][8 columns][4], the last as mma.sync keeps them.
template <int parts>
struct MmaSums {
  float of[parts][2][4][4];
};

template <int parts, int64 partRows, typename W, typename RowAt>
struct MmaProduct {
  static constexpr int64 pieces = ceilDiv(W::depth, MmaTile::depth);
  static_assert(W::depth % MmaTile::chunk == 0, "rows begin on borders of 16 bytes");
  static_assert(!W::prologued, "elements go to the tensor cores as they are stored");

  const W &weight;
  const RowAt &rowAt;
  int64 group, column;
  int rowCount;
  bf16 *shared;

  __device__ bf16 *stage(int64 piece) const {
    return shared + piece % MmaTile::stages * MmaTile::stageElements(parts);
  }

  /// Copies 16 bytes of a row from column `k` on, or zeros.
  __device__ void copyChunk(bf16 *piece, int row, int chunk, const bf16 *from, int64 k,
                            bool there) const {
    bool inside = there && k < W::depth;
    copyAsync(piece + MmaTile::place(row, chunk), inside ? from + k : weight.data, inside ? 16 : 0);
  }

  __device__ void fetch(int64 piece) const {
    if (piece < pieces) {
      bf16 *to = stage(piece);
      for (int i = threadIndex(); i < MmaTile::rows * MmaTile::chunks; i += MmaTile::threads) {
        int row = i / MmaTile::chunks, chunk = i % MmaTile::chunks;
        bool there = row < rowCount;
        copyChunk(to, row, chunk, rowAt(there ? row : 0),
                  piece * MmaTile::depth + chunk * MmaTile::chunk, there);
      }
      for (int p = 0; p < parts; ++p) {
        bf16 *ofPart = to + (MmaTile::rows + p * MmaTile::columns) * MmaTile::depth;
        for (int i = threadIndex(); i < MmaTile::columns * MmaTile::chunks; i += MmaTile::threads) {
          int row = i / MmaTile::chunks, chunk = i % MmaTile::chunks;
          bool there = column + row < partRows;
          copyChunk(ofPart, row, chunk, weight.row(group, there ? p * partRows + column + row : 0),
                    piece * MmaTile::depth + chunk * MmaTile::chunk, there);
        }
      }
    }
    commitCopies(); // an empty group keeps the count
  }

  __device__ void multiply(int64 piece, MmaSums<parts> &sums) const {
    const bf16 *x = stage(piece);
    int lane = threadIndex() % 32;
#pragma unroll
    for (int k = 0; k < MmaTile::depth / 16; ++k) {
      uint32 a[2][4];
      for (int i = 0; i < 2; ++i) {
        int row = MmaTile::warpFirstRow() + i * 16 + lane % 16;
        loadMatrices(x + MmaTile::place(row, 2 * k + lane / 16), a[i]);
      }
      for (int p = 0; p < parts; ++p) {
        const bf16 *w = x + (MmaTile::rows + p * MmaTile::columns) * MmaTile::depth;
        for (int j = 0; j < 2; ++j) {
          int row = MmaTile::warpFirstColumn() + j * 16 + lane / 16 * 8 + lane % 8;
          uint32 b[4];
          loadMatrices(w + MmaTile::place(row, 2 * k + lane / 8 % 2), b);
          for (int i = 0; i < 2; ++i) {
            multiplyMatrices(sums.of[p][i][2 * j], a[i], b[0], b[1]);
            multiplyMatrices(sums.of[p][i][2 * j + 1], a[i], b[2], b[3]);
          }
        }
      }
    }
  }

  /// All threads of the block come here.
  __device__ MmaSums<parts> run() const {
    MmaSums<parts> sums = {};
    for (int i = 0; i < MmaTile::stages - 1; ++i) {
      fetch(i);
    }
    for (int64 piece = 0; piece < pieces; ++piece) {
      waitForCopies<MmaTile::stages - 2>();
      syncBlock(); // the piece is there for all, and the stage before it is free
      fetch(piece + MmaTile::stages - 1);
      multiply(piece, sums);
    }
    return sums;
  }
};

} // namespace dsv3::gpu
