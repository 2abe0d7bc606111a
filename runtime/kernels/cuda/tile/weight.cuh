//===- weight.cuh - weights as the GPU holds them ---------------*- C++ -*-===//
//
// Row-major in the type that they are stored in or in codes, codes with a scale for each
// block of rows and columns (plan::PackedShape, LayoutKind::RowMajor). The scale is
// multiplied after the sum over the columns of its block, or, where elements pass through
// a region first (the prologue of a product) or an offset is added, with each of them.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/math.cuh"
#include "runtime/kernels/cuda/tile/codes.cuh"
#include "runtime/kernels/cuda/tile/rows.cuh"

namespace dsv3::gpu {

/// No prologue: elements are multiplied as they are.
struct NoPrologue {};
template <typename T>
inline constexpr bool isPrologue = true;
template <>
inline constexpr bool isPrologue<NoPrologue> = false;

/// What becomes of a code on its way.
struct ElementScale {
  float scale = 1.0f, offset = 0.0f;
};

/// W[group, row, column] of `rows` rows a group. Without scales both sizes of a block are 0.
/// Prologue: what becomes of an element as f32.
template <typename T, int64 rows, int64 columns, int64 blockRows = 0, int64 blockColumns = 0,
          typename Prologue = NoPrologue>
struct Weight {
  static_assert((blockRows > 0) == (blockColumns > 0), "a block of scales has rows and columns");
  using Element = T;
  using Form = CodeForm<T>;
  static constexpr bool scaled = blockColumns > 0;
  static constexpr bool prologued = isPrologue<Prologue>;
  static constexpr bool hasOffsets = Form::numbers > 1;
  static constexpr int64 depth = columns;
  /// Rows that have a scale together.
  static constexpr int64 blockOfRows = scaled ? blockRows : rows;
  /// Columns whose sum is multiplied by one scale.
  static constexpr int64 block = scaled ? blockColumns : columns;
  static constexpr int64 blocks = ceilDiv(columns, block);
  /// Rows and blocks begin at multiples of this many columns.
  static constexpr int64 begins = columns | (scaled ? blockColumns : 0);

  /// Columns that a thread reads at once where places are multiples of `places` columns. Of two in
  /// a byte no more than of one: each becomes a float.
  static __device__ constexpr int widthOf(int64 places) {
    if (Form::columns == 1) {
      return vectorWidth<T>(places);
    }
    return places % 2 != 0 ? 1 : 2 * vectorWidth<T>((places | 16) / 2);
  }

  const T *data;
  const typename Form::Scale *scales;

  __device__ const T *row(int64 group, int64 row) const {
    return data + (group * rows + row) * ceilDiv(columns, Form::columns);
  }
  /// What elements are scaled by on their way, and what the sum over a block is: one of both does
  /// nothing.
  __device__ ElementScale scaleBefore(int64 group, int64 row, int64 block) const {
    if constexpr (hasOffsets) {
      return {number(group, row, block, 0), number(group, row, block, 1)};
    } else {
      return {prologued ? number(group, row, block, 0) : 1.0f};
    }
  }
  __device__ float scaleAfter(int64 group, int64 row, int64 block) const {
    return prologued || hasOffsets ? 1.0f : number(group, row, block, 0);
  }
  /// That of the row's first block, behind which lie those of the others, where each has one.
  __device__ const typename Form::Scale *scalesAfter(int64 group, int64 row) const {
    static_assert(scaled && !prologued && Form::numbers == 1, "a scale for each block");
    return scales + placeOfNumbers(group, row);
  }
  /// Elements from a column on as they are multiplied.
  template <int width>
  __device__ void read(int64 group, int64 row, int64 column, ElementScale before, float *to) const {
    convert<width>(this->row(group, row) + column / Form::columns, column, before, to);
  }
  /// The same of what `from` holds, in whatever memory: the element of the column and those behind
  /// it.
  template <int width>
  static __device__ void convert(const T *from, int64 column, ElementScale before, float *to) {
    if constexpr (Form::columns == 1) {
      toFloats(loadVector<width>(from), to);
    } else if constexpr (width == 1) {
      to[0] = toFloat(loadVector<1>(from).values[0], column % 2);
    } else {
      auto pairs = loadVector<width / 2>(from);
      for (int i = 0; i < width; ++i) {
        to[i] = toFloat(pairs.values[i / 2], i % 2);
      }
    }
    for (int i = 0; i < width; ++i) {
      if constexpr (hasOffsets) {
        to[i] = multiplyAdd(to[i], before.scale, before.offset);
      } else if constexpr (prologued) {
        to[i] *= before.scale;
      }
      if constexpr (prologued) {
        to[i] = toFloat(Prologue{}(to[i]));
      }
    }
  }

private:
  __device__ float number(int64 group, int64 row, int64 block, int index) const {
    if constexpr (scaled) {
      return toFloat(scales[(placeOfNumbers(group, row) + block) * Form::numbers + index]);
    } else {
      return 1.0f;
    }
  }
  /// Blocks before the row's.
  static __device__ int64 placeOfNumbers(int64 group, int64 row) {
    return (group * ceilDiv(rows, blockRows) + row / blockRows) * blocks;
  }
};

} // namespace dsv3::gpu
