//===- copy.cuh - gather, concat, rope_table: a row a block -----*- C++ -*-===//
//
// Families that move rows or make them of a number each.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/math.cuh"
#include "runtime/kernels/cuda/tile/failure.cuh"
#include "runtime/kernels/cuda/tile/rows.cuh"

namespace dsv3::gpu {

template <int64 columns, int threads, typename From, typename To>
__device__ inline void copyRow(const From *from, To *to) {
  for (int64 i = threadIndex(); i < columns; i += threads) {
    to[i] = toNarrow<To>(toFloat(from[i]));
  }
}

/// kern.gather: row o of `out` is row ids[o] of a table of `tableRows`.
template <int64 columns, int threads, typename Table, typename Out>
__device__ inline void gather(Launch launch, Table table, const int32 *ids, Out out,
                              int64 tableRows) {
  if (launch.stopped()) {
    return;
  }
  int64 row = blockIndex(), id = ids[row];
  if (launch.checked(id, tableRows)) {
    copyRow<columns, threads>(table.at(id), out.at(row));
  }
}

/// kern.concat
template <int64 lhsColumns, int64 rhsColumns, int threads, typename Lhs, typename Rhs, typename Out>
__device__ inline void concat(Launch launch, Lhs lhs, Rhs rhs, Out out) {
  if (launch.stopped()) {
    return;
  }
  int64 row = blockIndex();
  copyRow<lhsColumns, threads>(lhs.at(row), out.at(row));
  copyRow<rhsColumns, threads>(rhs.at(row), out.at(row) + lhsColumns);
}

/// kern.rope_table: cosines and sines of a position's angles, each an f32 as in the published
/// code, times `multiplier`.
template <int pairs, int threads>
__device__ inline void ropeTable(Launch launch, const int32 *positions, float *cosines,
                                 float *sines, const float (&inverseFrequencies)[pairs],
                                 float multiplier) {
  if (launch.stopped()) {
    return;
  }
  int64 row = blockIndex();
  for (int i = threadIndex(); i < pairs; i += threads) {
    double angle = float(positions[row]) * inverseFrequencies[i];
    cosines[row * pairs + i] = float(cosine(angle) * double(multiplier));
    sines[row * pairs + i] = float(sine(angle) * double(multiplier));
  }
}

} // namespace dsv3::gpu
