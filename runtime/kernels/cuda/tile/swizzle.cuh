//===- swizzle.cuh - rows in shared memory for ldmatrix ---------*- C++ -*-===//
#pragma once

#include "runtime/kernels/cuda/tile/rows.cuh"

namespace dsv3::gpu {

/// Rows of bf16. The eight rows of a matrix of ldmatrix lie in different banks, wherever its
/// columns begin; so do eight rows of one column.
template <int columns>
struct SwizzledRows {
  /// What ldmatrix reads of a row: 16 bytes.
  static constexpr int chunk = 8;
  static constexpr int stride = int(ceilDiv(columns, 8 * chunk)) * 8 * chunk;

  static __device__ int place(int row, int column) {
    return row * stride + (column / chunk ^ row % 8) * chunk + column % chunk;
  }
  /// Where the element lies that is `count` columns further on in its row, a multiple of 16: from
  /// one of the first 16, at `place`.
  static __device__ int further(int place, int count) {
    constexpr int swizzled = 8 * chunk;
    return (place ^ count % swizzled) + count / swizzled * swizzled;
  }
};

} // namespace dsv3::gpu
