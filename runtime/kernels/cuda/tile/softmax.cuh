//===- softmax.cuh - the softmax of scores that come page by page -*- C++ -*-===//
//
// A row is a query of a head: its largest score so far and the sum of exponentials, in
// f32. What was summed before a page with a larger score is scaled down by `before`.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/tile/reduce.cuh"

namespace dsv3::gpu {

/// Of `rows` rows, in shared memory: [rows][keys] scores, then three numbers a row.
template <int rows, int keys>
struct Softmax {
  static constexpr int floats = rows * keys + 3 * rows;

  float *scores, *largestScore, *sum, *before;

  __device__ explicit Softmax(SharedArrays &shared)
      : scores(shared.take<float>(rows * keys)), largestScore(shared.take<float>(rows)),
        sum(shared.take<float>(rows)), before(shared.take<float>(rows)) {}

  __device__ float *scoresOf(int row) const { return scores + row * keys; }
  __device__ void begin(int row) const {
    largestScore[row] = -infinity();
    sum[row] = 0.0f;
  }
  /// Makes weights of the first `visible` scores of a row, by a warp. With none of them nothing
  /// changes.
  __device__ void update(int row, int visible) const {
    float *mine = scoresOf(row), most = -infinity();
    for (int j = laneIndex(); j < visible; j += warpLanes) {
      most = largest(most, mine[j]);
    }
    float old = largestScore[row], now = largest(old, warpLargest(most));
    float added = 0.0f;
    for (int j = laneIndex(); j < visible; j += warpLanes) {
      float weight = exponential(mine[j] - now);
      mine[j] = weight;
      added += weight;
    }
    added = warpSum(added);
    syncWarp();
    if (laneIndex() == 0) {
      float scale = visible > 0 ? exponential(old - now) : 1.0f;
      before[row] = scale;
      largestScore[row] = now;
      sum[row] = sum[row] * scale + added;
    }
  }
};

} // namespace dsv3::gpu
