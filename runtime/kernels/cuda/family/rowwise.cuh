//===- rowwise.cuh - kern.rowwise: a row a block ----------------*- C++ -*-===//
//
// For each row: a sum of what `contribution` makes of each column, if there is one, then
// `apply` for each column, which stores its results; with a stage a warp has a group of
// columns at a time, and the last result becomes codes.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/tile/failure.cuh"
#include "runtime/kernels/cuda/tile/quantise.cuh"
#include "runtime/kernels/cuda/tile/reduce.cuh"
#include "runtime/kernels/cuda/tile/rows.cuh"

namespace dsv3::gpu {

/// What `apply` gives in the columns of a group, for a stage.
template <typename Apply>
struct GroupValues {
  const Apply &apply;
  int64 row, column; ///< the first
  __device__ float operator()(int i) const { return toFloat(apply(Place{row, 0, 0, column + i})); }
};

/// apply(place) for each column of the block's row; of what it gives a stage makes codes.
template <int64 columns, int threads, typename Apply, typename Stage>
__device__ inline void applyToRow(const Apply &apply, const Stage &stage) {
  if constexpr (isStage<Stage>) {
    for (int64 i = warpIndex(); i < Stage::groups; i += threads / warpLanes) {
      stage(blockIndex(), i, GroupValues<Apply>{apply, blockIndex(), i * Stage::group});
    }
  } else {
    Place place{blockIndex(), 0, 0, threadIndex()};
    for (; place.column < columns; place.column += threads) {
      apply(place);
    }
  }
}

template <int64 columns, int threads, typename Apply, typename Stage = NoStage>
__device__ inline void rowwise(Launch launch, const Apply &apply, const Stage &stage = {}) {
  if (!launch.stopped()) {
    applyToRow<columns, threads>(apply, stage);
  }
}

inline constexpr int rowwiseSharedBytes = blockSumBytes;

/// apply(place, finished), `finished` being known.
template <typename Apply>
struct Finished {
  const Apply &apply;
  float finished;
  __device__ auto operator()(Place place) const { return apply(place, finished); }
};

/// Contribution: contribution(place) is what a column adds; finish(sum); apply(place, finished).
template <int64 columns, int threads, typename Contribution, typename Finish, typename Apply,
          typename Stage = NoStage>
__device__ inline void rowwiseSum(Launch launch, const Contribution &contribution,
                                  const Finish &finish, const Apply &apply,
                                  const Stage &stage = {}) {
  if (launch.stopped()) {
    return;
  }
  Place place{blockIndex(), 0, 0, threadIndex()};
  float own = 0.0f;
  for (; place.column < columns; place.column += threads) {
    own += contribution(place);
  }
  float sum = blockSum<threads>(own, reinterpret_cast<float *>(sharedMemory()));
  applyToRow<columns, threads>(Finished<Apply>{apply, finish(sum)}, stage);
}

} // namespace dsv3::gpu
