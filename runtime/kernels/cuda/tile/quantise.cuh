//===- quantise.cuh - numbers as codes with a scale -------------*- C++ -*-===//
//
// The stage `quantise` of rowwise, gemm and grouped_gemm: a group of a row's columns becomes
// codes of e4m3 and one scale, by a warp (dsv3.quantise says how they are rounded).
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/tile/reduce.cuh"
#include "runtime/kernels/cuda/tile/rows.cuh"

namespace dsv3::gpu {

/// No stage: what is computed is stored as it is.
struct NoStage {
  static constexpr int group = 0;
};
template <typename Stage>
inline constexpr bool isStage = Stage::group > 0;

/// Several numbers divided by one, without a division each: correctly rounded where divisor and
/// quotient are normal numbers (Markstein, "Computation of elementary functions on the IBM RISC
/// System/6000 processor", 1990, theorem 8.2); what is smaller is off by its last bit at the most.
class Divisor {
public:
  __device__ explicit Divisor(float by) : by(by), reciprocal(quotient(1.0f, by)) {}
  __device__ float operator()(float a) const {
    float near = product(a, reciprocal);
    return multiplyAdd(multiplyAdd(-near, by, a), reciprocal, near);
  }

private:
  float by, reciprocal;
};

/// The least power of two that is not below `value`, which is a normal number above 0.
__device__ inline float powerOfTwoFrom(float value) {
  return fromBits((toBits(value) + 0x7fffffu) & 0x7f800000u);
}

template <int64 columnCount, int groupColumns, bool powersOfTwo>
struct Quantise {
  static constexpr int64 columns = columnCount, groups = ceilDiv(columnCount, groupColumns);
  static constexpr int group = groupColumns;

  e4m3 *codes;   ///< [rows, columns]
  float *scales; ///< [rows, groups]

  /// Group number `index` of a row; valueAt(i) is the value in column i of the group. All lanes of
  /// a warp come here.
  template <typename ValueAt>
  __device__ void operator()(int64 row, int64 index, const ValueAt &valueAt) const {
    rows<1>(index, [&](int) { return row; }, [&](int, int column) { return valueAt(column); });
  }
  /// The same of `several` rows, which do not wait for each other: rowAt(r) is the row, below 0 for
  /// none, valueAt(r, i) its value in column i.
  template <int several, typename RowAt, typename ValueAt>
  __device__ void rows(int64 index, const RowAt &rowAt, const ValueAt &valueAt) const {
    constexpr int perLane = int(ceilDiv(group, warpLanes));
    int64 left = columns - index * group;
    int count = left < group ? int(left) : group;
    float values[several][perLane], most[several];
#pragma unroll
    for (int r = 0; r < several; ++r) {
      most[r] = 1e-4f;
#pragma unroll
      for (int i = 0; i < perLane; ++i) {
        int column = laneIndex() + i * warpLanes;
        values[r][i] = rowAt(r) >= 0 && column < count ? valueAt(r, column) : 0.0f;
        most[r] = largest(most[r], absolute(values[r][i]));
      }
    }
    warpLargest(most);
#pragma unroll
    for (int r = 0; r < several; ++r) {
      int64 row = rowAt(r);
      if (row >= 0) {
        store<perLane>(row, index, count, most[r], values[r]);
      }
    }
  }

private:
  template <int perLane>
  __device__ void store(int64 row, int64 index, int count, float most,
                        const float (&values)[perLane]) const {
    float scale = quotient(most, 448.0f);
    scale = powersOfTwo ? powerOfTwoFrom(scale) : scale;
    if (laneIndex() == 0) {
      scales[row * groups + index] = scale;
    }
    e4m3 *to = codes + row * columns + index * group;
    bool usual = scale < infinity();
    Divisor divided(usual ? scale : 1.0f);
#pragma unroll
    for (int i = 0; i < perLane; ++i) {
      int column = laneIndex() + i * warpLanes;
      if (column < count) {
        to[column] = toNarrow<e4m3>(usual ? divided(values[i]) : quotient(values[i], scale));
      }
    }
  }
};

/// Floats from one row to the next where a block leaves values for a stage in shared memory, and
/// bytes of all: rows that threads of a warp write at once begin in different banks.
__device__ constexpr int stagedStride(int group) { return group + 8; }
__device__ constexpr int stagedBytes(int rows, int group) {
  return group > 0 ? rows * stagedStride(group) * 4 : 0;
}

} // namespace dsv3::gpu
