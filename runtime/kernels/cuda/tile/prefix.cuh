//===- prefix.cuh - whole numbers of a block, added up in order -*- C++ -*-===//
//
// Sums of unsigned numbers of 64 bits, which are the same in any order.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/block.cuh"

namespace dsv3::gpu {

/// The value of `lane`.
__device__ inline uint64 shuffleWide(uint64 value, int lane) {
  uint64 high = uint32(shuffle(int(value >> 32), lane));
  return high << 32 | uint32(shuffle(int(value), lane));
}

/// What the lanes up to this one, itself included, have together.
__device__ inline uint64 warpPrefix(uint64 value) {
  for (int delta = 1; delta < warpLanes; delta *= 2) {
    uint64 high = uint32(shuffleUp(int(value >> 32), delta));
    uint64 lower = high << 32 | uint32(shuffleUp(int(value), delta));
    value += laneIndex() >= delta ? lower : 0;
  }
  return value;
}

/// What earlier threads have together, and all.
struct Prefix {
  uint64 before;
  uint64 total;
};

/// Numbers in shared memory that blockPrefix needs.
inline constexpr int blockPrefixNumbers = warpLanes;

template <int threads>
__device__ inline Prefix blockPrefix(uint64 own, uint64 *shared) {
  static_assert(threads % warpLanes == 0 && threads / warpLanes <= warpLanes, "whole warps");
  uint64 until = warpPrefix(own);
  if (laneIndex() == warpLanes - 1) {
    shared[warpIndex()] = until;
  }
  syncBlock();
  uint64 ofWarps = warpPrefix(laneIndex() < threads / warpLanes ? shared[laneIndex()] : 0);
  syncBlock(); // before `shared` is written again
  int last = warpIndex() > 0 ? warpIndex() - 1 : 0;
  uint64 earlier = shuffleWide(ofWarps, last);
  return {(warpIndex() > 0 ? earlier : 0) + until - own, shuffleWide(ofWarps, warpLanes - 1)};
}

} // namespace dsv3::gpu
