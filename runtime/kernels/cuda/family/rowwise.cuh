//===- rowwise.cuh - kern.rowwise: a row a block ----------------*- C++ -*-===//
//
// For each row: a sum of what `contribution` makes of each column, if there is one, then
// `apply` for each column, which stores its results.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/tile/failure.cuh"
#include "runtime/kernels/cuda/tile/reduce.cuh"
#include "runtime/kernels/cuda/tile/rows.cuh"

namespace dsv3::gpu {

/// Apply: apply(place).
template <int64 columns, int threads, typename Apply>
__device__ inline void rowwise(Launch launch, const Apply &apply) {
  if (launch.stopped()) {
    return;
  }
  Place place{blockIndex(), 0, 0, threadIndex()};
  for (; place.column < columns; place.column += threads) {
    apply(place);
  }
}

inline constexpr int rowwiseSharedBytes = blockSumBytes;

/// Contribution: contribution(place) is what a column adds; finish(sum); apply(place, finished).
template <int64 columns, int threads, typename Contribution, typename Finish, typename Apply>
__device__ inline void rowwiseSum(Launch launch, const Contribution &contribution,
                                  const Finish &finish, const Apply &apply) {
  if (launch.stopped()) {
    return;
  }
  Place place{blockIndex(), 0, 0, threadIndex()};
  float own = 0.0f;
  for (; place.column < columns; place.column += threads) {
    own += contribution(place);
  }
  float sum = blockSum<threads>(own, reinterpret_cast<float *>(sharedMemory()));
  float finished = finish(sum);
  for (place.column = threadIndex(); place.column < columns; place.column += threads) {
    apply(place, finished);
  }
}

} // namespace dsv3::gpu
