//===- weight.cuh - weights as the GPU holds them ---------------*- C++ -*-===//
//
// Row-major in the type that they are stored in, FP8 with a scale for each block of
// rows and columns (plan::PackedShape, LayoutKind::RowMajor). The scale is multiplied
// after the sum over the columns of its block, or, where elements pass through a region
// first (kern.gemm's prologue), with each of them.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/tile/rows.cuh"

namespace dsv3::gpu {

/// No prologue: elements are multiplied as they are.
struct NoPrologue {};
template <typename T>
inline constexpr bool isPrologue = true;
template <>
inline constexpr bool isPrologue<NoPrologue> = false;

/// W[group, row, column] of `rows` rows a group. Without scales both sizes of a block are 0.
/// Prologue: what becomes of an element as f32.
template <typename T, int64 rows, int64 columns, int64 blockRows = 0, int64 blockColumns = 0,
          typename Prologue = NoPrologue>
struct Weight {
  static_assert((blockRows > 0) == (blockColumns > 0), "a block of scales has rows and columns");
  using Element = T;
  static constexpr bool scaled = blockColumns > 0;
  static constexpr bool prologued = isPrologue<Prologue>;
  static constexpr int64 depth = columns;
  /// Rows that have a scale together.
  static constexpr int64 blockOfRows = scaled ? blockRows : rows;
  /// Columns whose sum is multiplied by one scale.
  static constexpr int64 block = scaled ? blockColumns : columns;
  static constexpr int64 blocks = ceilDiv(columns, block);
  /// Rows and blocks begin at multiples of this many elements.
  static constexpr int64 begins = columns | (scaled ? blockColumns : 0);

  const T *data;
  const float *scales;

  __device__ const T *row(int64 group, int64 row) const {
    return data + (group * rows + row) * columns;
  }
  /// What an element is multiplied with on its way, and what the sum over a block is: one of both
  /// is the scale.
  __device__ float scaleBefore(int64 group, int64 row, int64 block) const {
    return prologued ? scale(group, row, block) : 1.0f;
  }
  __device__ float scaleAfter(int64 group, int64 row, int64 block) const {
    return prologued ? 1.0f : scale(group, row, block);
  }
  /// Elements as they are multiplied.
  template <int width>
  __device__ void values(const Vector<T, width> &elements, float before, float *to) const {
    toFloats(elements, to);
    if constexpr (prologued) {
      for (int i = 0; i < width; ++i) {
        to[i] = toFloat(Prologue{}(to[i] * before));
      }
    }
  }

private:
  __device__ float scale(int64 group, int64 row, int64 block) const {
    if constexpr (scaled) {
      return scales[(group * ceilDiv(rows, blockRows) + row / blockRows) * blocks + block];
    } else {
      return 1.0f;
    }
  }
};

} // namespace dsv3::gpu
