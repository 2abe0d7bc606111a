//===- reduce.cuh - sums and maxima of a warp or a block --------*- C++ -*-===//
//
// In an order that depends on the number of threads alone, and every thread gets the
// result.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/block.cuh"
#include "runtime/kernels/cuda/ptx/math.cuh"

namespace dsv3::gpu {

__device__ inline float warpSum(float value) {
  for (int mask = warpLanes / 2; mask > 0; mask /= 2) {
    value += shuffleXor(value, mask);
  }
  return value;
}

__device__ inline float warpLargest(float value) {
  for (int mask = warpLanes / 2; mask > 0; mask /= 2) {
    value = largest(value, shuffleXor(value, mask));
  }
  return value;
}

__device__ inline int warpLargest(int value) {
  for (int mask = warpLanes / 2; mask > 0; mask /= 2) {
    int other = shuffleXor(value, mask);
    value = other > value ? other : value;
  }
  return value;
}

/// Of several values, each by itself: all wait for a shuffle together.
template <int count>
__device__ inline void warpLargest(float (&values)[count]) {
#pragma unroll
  for (int mask = warpLanes / 2; mask > 0; mask /= 2) {
#pragma unroll
    for (int i = 0; i < count; ++i) {
      values[i] = largest(values[i], shuffleXor(values[i], mask));
    }
  }
}

/// Bytes of shared memory that blockSum needs.
inline constexpr int blockSumBytes = warpLanes * int(sizeof(float));

template <int threads>
__device__ inline float blockSum(float value, float *shared) {
  static_assert(threads % warpLanes == 0 && threads / warpLanes <= warpLanes, "whole warps");
  value = warpSum(value);
  if constexpr (threads > warpLanes) {
    if (laneIndex() == 0) {
      shared[warpIndex()] = value;
    }
    syncBlock();
    value = warpSum(laneIndex() < threads / warpLanes ? shared[laneIndex()] : 0.0f);
    syncBlock(); // before `shared` is written again
  }
  return value;
}

/// A number and where it was found.
struct Found {
  float value;
  int index;
};

/// What a lane brings to warpBest that has nothing.
inline constexpr int noIndex = 0x7fffffff;

/// The largest value of all lanes, of equal ones that with the lowest index, which every lane gets.
__device__ inline Found warpBest(Found found) {
  for (int mask = warpLanes / 2; mask > 0; mask /= 2) {
    Found other{shuffleXor(found.value, mask), shuffleXor(found.index, mask)};
    bool less = found.value > other.value;
    found = other.value > found.value || (!less && other.index < found.index) ? other : found;
  }
  return found;
}

/// Bytes of shared memory that blockBest needs.
inline constexpr int blockBestBytes = warpLanes * int(sizeof(Found));

/// The same of all threads.
template <int threads>
__device__ inline Found blockBest(Found found, Found *shared) {
  static_assert(threads % warpLanes == 0 && threads / warpLanes <= warpLanes, "whole warps");
  found = warpBest(found);
  if constexpr (threads > warpLanes) {
    if (laneIndex() == 0) {
      shared[warpIndex()] = found;
    }
    syncBlock();
    found = warpBest(laneIndex() < threads / warpLanes ? shared[laneIndex()]
                                                       : Found{-infinity(), noIndex});
    syncBlock(); // before `shared` is written again
  }
  return found;
}

} // namespace dsv3::gpu
