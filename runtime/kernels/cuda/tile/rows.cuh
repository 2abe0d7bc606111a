//===- rows.cuh - tensors and their views in memory -------------*- C++ -*-===//
//
// A tensor [T, n] or [T, h, n], or a kern.view of one, whose offset and strides are
// constants.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/vector.cuh"

namespace dsv3::gpu {

/// Strides in elements.
template <typename T, int64 offset, int64 rowStride, int64 headStride>
struct Rows {
  using Element = T;
  /// Every row and head begins at a multiple of this many elements.
  static constexpr int64 begins = offset | rowStride | headStride;

  T *base;

  __device__ T *at(int64 row, int64 head = 0) const {
    return base + (offset + row * rowStride + head * headStride);
  }
};

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

__device__ constexpr int64 ceilDiv(int64 a, int64 b) { return (a + b - 1) / b; }

/// Where a scalar region is applied. `group` is the head, or the expert.
struct Place {
  int64 row;
  int64 head;
  int64 group;
  int64 column;
};

} // namespace dsv3::gpu
