//===- wgmma.cuh - a tile of a product by warp groups of sm_90a -*- C++ -*-===//
//
// 128 rows times 128 rows of a weight, those of all parts together, bf16 with f32 sums. One
// warp group brings pieces of 64 columns to shared memory, rows by cp.async, since they may
// be anywhere, and the weight by TMA; two others multiply 64 rows each. A stage of shared
// memory is full when both sides of a piece have come, empty when both groups have read it, in
// all blocks that share the weight.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/block.cuh"
#include "runtime/kernels/cuda/ptx/tensor_copy.cuh"
#include "runtime/kernels/cuda/ptx/wgmma.cuh"
#include "runtime/kernels/cuda/tile/mma.cuh"
#include "runtime/kernels/cuda/tile/sharing.cuh"

/// Of a kernel whose last parameter is a TensorMap: the matrix of ROWS x COLUMNS that its ARGUMENT
/// points to, in boxes of BOX_ROWS. The driver reads it in the text (dsv3/Plan/GpuKernel.h).
#define DSV3_WEIGHT_MAP(ARGUMENT, ROWS, COLUMNS, BOX_ROWS)                                         \
  static_assert((COLUMNS) % 8 == 0 && (BOX_ROWS) <= 256, "what a tensor map takes");

namespace dsv3::gpu {

/// A product of a warp group. Sum i of a thread is in row 16 warp + lane / 4, eight rows below if
/// i / 2 is odd, and in column i / 4 * 8 + lane % 4 * 2 + i % 2 (PTX ISA, "Register Fragments for
/// wgmma.mma_async.m64nNk16").
inline constexpr int productRows = 64, productColumns = 128, productDepth = 16;
static_assert(productRows * productColumns == productSums * 128, "a warp group has all sums");

/// A matrix in shared memory whose rows of 128 bytes are swizzled as copyTensor does, eight of them
/// behind the other eight; `from` is the first byte of row 0 that is multiplied (PTX ISA, "Matrix
/// Descriptor Format").
__device__ inline uint64 matrixDescriptor(const void *from) {
  constexpr uint64 eightRows = 1024 >> 4, ignored = 1, swizzle128 = 1;
  return uint64(sharedAddress(from) >> 4 & 0x3fffu) | ignored << 16 | eightRows << 32 |
         swizzle128 << 62;
}

struct WgmmaTile {
  static constexpr int rows = 128, depth = 64, stages = 4, groupThreads = 128;
  static constexpr int threads = 3 * groupThreads, groupWarps = groupThreads / warpLanes;
  /// Registers of a thread that brings, and of one that multiplies.
  static constexpr int fewRegisters = 56, manyRegisters = 224;
  /// Pieces whose rows may be on their way when one more is waited for.
  static constexpr int ahead = 2;
  static constexpr int sideElements = rows * depth;
  static constexpr int fullArrivals = groupWarps + 1, emptyArrivals = 2 * groupWarps;

  /// Of a part.
  static __device__ constexpr int columns(int parts) { return productColumns / parts; }
  static __device__ constexpr int sharedBytes() {
    return stages * (2 * sideElements * int(sizeof(bf16)) + 2 * int(sizeof(Barrier)));
  }

  static_assert(rows == 2 * productRows && productColumns == rows, "both sides are as large");
  /// Elements of a chunk, at whose borders rows begin.
  static constexpr int chunk = TilePiece::chunkBytes / int(sizeof(bf16));
  static_assert(depth == boxColumns && depth * sizeof(bf16) == TilePiece::rowBytes,
                "a row of a piece is one of a box");
  static_assert(ahead + 1 < stages,
                "a stage is empty once the next one, which is full, is multiplied");
  static_assert((fewRegisters + 2 * manyRegisters) * groupThreads <= 65536, "registers there are");
};

/// `blocks` of a cluster have the same columns, and share the weight.
template <int parts, int64 partRows, int blocks, typename W, typename RowAt>
class WgmmaProduct {
public:
  using Shared = Sharing<blocks>;
  static_assert(productColumns % (8 * parts) == 0, "swizzles of all parts begin alike");
  static_assert(W::depth % WgmmaTile::chunk == 0, "rows begin on borders of 16 bytes");
  static_assert(!W::prologued && !W::scaled, "elements go to the tensor cores as they are stored");

  /// Column `column` of each part of the weight's group, and `rowCount` rows. All threads of the
  /// block come here.
  __device__ WgmmaProduct(const W &weight, const TensorMap *map, const RowAt &rowAt, int64 group,
                          int64 column, int rowCount)
      : weight(weight), map(map), rowAt(rowAt), weightRow(int(group * (parts * partRows) + column)),
        rowCount(rowCount) {
    SharedArrays shared;
    x = shared.take<bf16>(WgmmaTile::stages * WgmmaTile::sideElements);
    w = shared.take<bf16>(WgmmaTile::stages * WgmmaTile::sideElements);
    full = shared.take<Barrier>(WgmmaTile::stages);
    empty = shared.take<Barrier>(WgmmaTile::stages);
    if (threadIndex() == 0) {
      for (int i = 0; i < WgmmaTile::stages; ++i) {
        initBarrier(full + i, WgmmaTile::fullArrivals);
        initBarrier(empty + i, blocks * WgmmaTile::emptyArrivals);
      }
      fenceBarrierInit();
    }
    Shared::meet();
  }

  static __device__ bool brings() { return threadIndex() < WgmmaTile::groupThreads; }

  /// What the threads that bring do.
  __device__ void bring() const {
    giveRegisters<WgmmaTile::fewRegisters>();
    for (int piece = 0; piece < pieces; ++piece) {
      int stage = piece % WgmmaTile::stages;
      if (piece >= WgmmaTile::stages) {
        waitFor(empty + stage, piece / WgmmaTile::stages - 1);
      }
      if (threadIndex() == 0) {
        bringWeight(piece, stage);
      }
      bringRows(piece, stage);
      commitCopies();
      if (piece >= WgmmaTile::ahead) {
        waitForCopies<WgmmaTile::ahead>();
        hasBrought(piece - WgmmaTile::ahead);
      }
    }
    waitForCopies<0>();
    for (int piece = pieces > WgmmaTile::ahead ? pieces - WgmmaTile::ahead : 0; piece < pieces;
         ++piece) {
      hasBrought(piece);
    }
  }

  /// What the others do: the sums of their 64 rows.
  __device__ void multiply(float (&sums)[productSums]) const {
    takeRegisters<WgmmaTile::manyRegisters>();
    for (int i = 0; i < productSums; ++i) {
      sums[i] = 0.0f;
    }
    for (int piece = 0; piece < pieces; ++piece) {
      int stage = piece % WgmmaTile::stages;
      waitFor(full + stage, piece / WgmmaTile::stages);
      uint64 a =
          matrixDescriptor(x + stage * WgmmaTile::sideElements + firstRow() * WgmmaTile::depth);
      uint64 b = matrixDescriptor(w + stage * WgmmaTile::sideElements);
      fenceProducts(sums);
#pragma unroll
      for (int k = 0; k < WgmmaTile::depth / productDepth; ++k) {
        constexpr uint64 step = productDepth * sizeof(bf16) >> 4;
        multiplyGroup(sums, a + k * step, b + k * step);
      }
      commitProducts();
      waitForProducts<1>(sums);
      if (piece > 0) {
        hasRead(piece - 1);
      }
    }
    waitForProducts<0>(sums);
  }

  /// Row of the tile at which those of the thread's warp group begin.
  static __device__ int firstRow() {
    return (threadIndex() / WgmmaTile::groupThreads - 1) * productRows;
  }

private:
  static constexpr int pieces = int(ceilDiv(W::depth, WgmmaTile::depth));

  static __device__ void waitFor(Barrier *barrier, int phase) {
    while (!tryWait(barrier, phase % 2)) {
    }
  }

  __device__ void bringWeight(int piece, int stage) const {
    constexpr int columns = WgmmaTile::columns(parts);
    bf16 *to = w + stage * WgmmaTile::sideElements;
    arriveExpecting(full + stage, WgmmaTile::sideElements * int(sizeof(bf16)));
    for (int p = 0; p < parts; ++p) {
      Shared::template bring<columns>(to + p * columns * WgmmaTile::depth, map,
                                      piece * WgmmaTile::depth, weightRow + int(p * partRows),
                                      full + stage);
    }
  }

  __device__ void bringRows(int piece, int stage) const {
    auto *to = reinterpret_cast<char *>(x + stage * WgmmaTile::sideElements);
    int chunk = threadIndex() % TilePiece::chunks;
    int64 k = int64(piece) * WgmmaTile::depth + chunk * WgmmaTile::chunk;
    for (int row = threadIndex() / TilePiece::chunks; row < WgmmaTile::rows;
         row += WgmmaTile::groupThreads / TilePiece::chunks) {
      bool inside = row < rowCount && k < W::depth;
      copyAsync(to + TilePiece::place(row, chunk), inside ? rowAt(row) + k : weight.data,
                inside ? 16 : 0);
    }
  }

  /// The thread's rows of a piece, which it has waited for, are there for tensor cores.
  __device__ void hasBrought(int piece) const {
    fenceProxy();
    syncWarp();
    if (laneIndex() == 0) {
      arrive(full + piece % WgmmaTile::stages);
    }
  }
  __device__ void hasRead(int piece) const { Shared::release(empty + piece % WgmmaTile::stages); }

  const W &weight;
  const TensorMap *map;
  const RowAt &rowAt;
  int weightRow, rowCount;
  bf16 *x, *w;
  Barrier *full, *empty;
};

} // namespace dsv3::gpu
