//===- rows.cuh - tensors and their views in memory -------------*- C++ -*-===//
//
// A tensor [T, n] or [T, h, n], or a kern.view of one, whose offset and strides are
// constants.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/vector.cuh"

namespace dsv3::gpu {

/// The most elements, a power of two, that every multiple of which begins at a border of
/// their size, where places are multiples of `places` (its lowest bit counts) elements.
template <typename T>
__device__ constexpr int vectorWidth(int64 places) {
  int width = int(16 / sizeof(T));
  while (width > 1 && places % width != 0) {
    width /= 2;
  }
  return width;
}

/// Strides in elements.
template <typename T, int64 offset, int64 rowStride, int64 headStride>
struct Rows {
  using Element = T;
  /// Every row and head begins at a multiple of this many elements.
  static constexpr int64 begins = offset | rowStride | headStride;

  T *base;

  /// Where a head begins in its row.
  static __device__ int64 firstOf(int64 head) { return offset + head * headStride; }
  __device__ T *at(int64 row, int64 head = 0) const {
    return base + (row * rowStride + firstOf(head));
  }
  /// What the elements of a block of columns are to be multiplied with.
  __device__ float scale(int64, int64) const { return 1.0f; }
};

/// Rows of codes, with a scale for each of `blocks` blocks of a row's columns.
template <typename R, int64 blocks>
struct ScaledRows {
  using Element = typename R::Element;
  static constexpr int64 begins = R::begins;

  R codes;
  const float *ofBlocks;

  static __device__ int64 firstOf(int64 head) { return R::firstOf(head); }
  __device__ Element *at(int64 row, int64 head = 0) const { return codes.at(row, head); }
  __device__ float scale(int64 row, int64 block) const { return ofBlocks[row * blocks + block]; }
  /// That of a row's first block, behind which those of the others lie.
  __device__ const float *scales(int64 row) const { return ofBlocks + row * blocks; }
};
template <int64 blocks, typename R>
__device__ ScaledRows<R, blocks> scaledRows(R codes, const float *scales) {
  return {codes, scales};
}

__device__ constexpr int64 ceilDiv(int64 a, int64 b) { return (a + b - 1) / b; }

/// Where a scalar region is applied. `group` is the head, or the expert.
struct Place {
  int64 row;
  int64 head;
  int64 group;
  int64 column;
};

} // namespace dsv3::gpu
