//===- boxes.cuh - results of warp groups by tensor stores ------*- C++ -*-===//
//
// What a warp has of a product, as rows of bf16: stmatrix brings it to boxes in shared memory, TMA
// from there to the matrix. Boxes that the rows or columns of the product do not fill are not for
// that: behind them others may have theirs.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/tensor_store.cuh"
#include "runtime/kernels/cuda/tile/mma.cuh"
#include "runtime/kernels/cuda/tile/promote.cuh"

namespace dsv3::gpu {

/// Rows of bf16, and a tensor map of them with the boxes of WarpBoxes.
template <typename R>
struct BoxedRows {
  static_assert(sizeof(typename R::Element) == 2 && R::begins % 8 == 0,
                "rows begin on borders of 16 bytes");
  static constexpr int group = 0; ///< no codes
  R rows;
  const TensorMap *map;
};
template <typename R>
__device__ BoxedRows<R> boxedRows(R rows, const TensorMap *map) {
  return {rows, map};
}

/// The boxes of a warp, which has 16 rows of a product and its columns of a part.
struct WarpBoxes : TilePiece {
  static constexpr int rows = 16, columns = rowBytes / 2, boxBytes = rows * rowBytes;
  static __device__ constexpr int count(int parts) { return productColumns / parts / columns; }

  unsigned char *shared; ///< at a multiple of 1024 bytes

  /// valueOf(i) is the bf16 that becomes of sum i.
  template <typename ValueOf>
  __device__ void put(int box, const ValueOf &valueOf) const {
#pragma unroll
    for (int k = 0; k < columns / 16; ++k) {
      uint32 fragment[4];
#pragma unroll
      for (int m = 0; m < 4; ++m) { // eight rows, those below, then both of the next columns
        int i = ((box * (columns / 8) + 2 * k + m / 2) * 2 + m % 2) * 2;
        fragment[m] = valueOf(i).bits | uint32(valueOf(i + 1).bits) << 16;
      }
      int row = laneIndex() % 16, chunkIndex = 2 * k + laneIndex() / 16;
      storeMatrices(shared + box * boxBytes + place(row, chunkIndex), fragment);
    }
  }
  /// Begins the store of a box that all lanes have put. For one thread.
  __device__ void store(int box, const TensorMap *map, int64 column, int64 row) const {
    storeTensor(shared + box * boxBytes, map, int(column * 2), int(row));
  }
};
} // namespace dsv3::gpu
