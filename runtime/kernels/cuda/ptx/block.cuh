//===- block.cuh - the threads of a block and what they share ---*- C++ -*-===//
//
// Who a thread is, barriers, shuffles and votes within a warp, the block's shared memory and
// the atomics that kernels use. All lanes of a warp must come to a shuffle or a
// vote, all threads of a block to syncBlock.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/types.cuh"

namespace dsv3::gpu {

inline constexpr int warpLanes = 32;
inline constexpr uint32 allLanes = 0xffffffffu;

__device__ inline int threadIndex() { return int(threadIdx.x); }
__device__ inline int64 blockIndex() { return int64(blockIdx.x); }
/// Blocks of the launch.
__device__ inline int64 blockCount() { return int64(gridDim.x); }
__device__ inline int warpIndex() { return int(threadIdx.x) / warpLanes; }
__device__ inline int laneIndex() { return int(threadIdx.x) % warpLanes; }

__device__ inline void syncBlock() { __syncthreads(); }
/// `threads` threads, of whole warps, meet at barrier `number` of the block, 1 to 15: PTX ISA,
/// bar.sync.
__device__ inline void syncNamed(int number, int threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(number), "r"(threads) : "memory");
}
__device__ inline void syncWarp() { __syncwarp(allLanes); }

/// The value of the lane whose number differs by the bits of `mask`.
__device__ inline float shuffleXor(float value, int mask) {
  return __shfl_xor_sync(allLanes, value, mask);
}
__device__ inline int shuffleXor(int value, int mask) {
  return __shfl_xor_sync(allLanes, value, mask);
}
/// The value of the lane that is `delta` below; the lane's own where there is none.
__device__ inline int shuffleUp(int value, int delta) {
  return __shfl_up_sync(allLanes, value, uint32(delta));
}
/// The value of `lane`.
__device__ inline int shuffle(int value, int lane) { return __shfl_sync(allLanes, value, lane); }
/// A bit for each lane: what it votes.
__device__ inline uint32 ballot(bool vote) { return __ballot_sync(allLanes, vote); }
/// How many bits are set.
__device__ inline int countOf(uint32 bits) { return __popc(bits); }

/// The dynamic shared memory of the block, the only one there is.
__device__ inline unsigned char *sharedMemory() {
  extern __shared__ __align__(1024) unsigned char dynamicShared[];
  return dynamicShared;
}

/// Divides it by constants into arrays, one behind the other. All threads take the same ones, in
/// the same order.
class SharedArrays {
public:
  template <typename T>
  __device__ T *take(int count) {
    auto *array = reinterpret_cast<T *>(sharedMemory() + taken);
    taken += count * int(sizeof(T));
    return array;
  }

private:
  int taken = 0;
};

__device__ inline void atomicLeast(uint64 *place, uint64 value) { atomicMin(place, value); }
/// Adds to a number in shared memory, in halves: GPUs have no such instruction for 64 bits. The sum
/// of all is there after the next syncBlock.
__device__ inline void atomicSum(uint64 *place, uint64 value) {
  auto *halves = reinterpret_cast<uint32 *>(place);
  uint32 low = uint32(value), before = atomicAdd(halves, low);
  uint32 high = uint32(value >> 32) + (before + low < low ? 1 : 0);
  if (high != 0) {
    atomicAdd(halves + 1, high);
  }
}
/// A load that sees what earlier launches and other blocks wrote.
__device__ inline uint64 loadVolatile(const uint64 *place) {
  return *static_cast<const volatile uint64 *>(place);
}

} // namespace dsv3::gpu
