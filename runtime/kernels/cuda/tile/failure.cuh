//===- failure.cuh - how a kernel says that its input is wrong --*- C++ -*-===//
//
// The step has one mark (dsv3/Plan/GpuKernel.h): launch << 32 | ~code, the least of
// all reports, so the first launch that failed and its largest code. Kernels of later
// launches see it and do nothing, since their input may be anything.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/block.cuh"
#include "runtime/kernels/cuda/ptx/dependent.cuh"

namespace dsv3::gpu {

/// KernelError::IndexOutOfRange of dsv3/Plan/Kernel.h.
inline constexpr int indexOutOfRange = 1;

struct Launch {
  uint64 *mark;
  uint32 number; ///< of the launch within its step

  /// Whether an earlier launch of the step failed. The same for all threads of a block.
  __device__ bool stopped() const { return uint32(loadVolatile(mark) >> 32) < number; }
  __device__ void fail(int code) const { atomicLeast(mark, uint64(number) << 32 | uint32(~code)); }
  /// Whether 0 <= index < limit; says so if not.
  __device__ bool checked(int64 index, int64 limit) const {
    bool fits = index >= 0 && index < limit;
    if (!fits) {
      fail(indexOutOfRange);
    }
    return fits;
  }
};

/// The first thing that a kernel does which may begin before earlier launches of its step have
/// ended (dsv3/Plan/GpuKernel.h). The next launch may begin at once: it waits here, too, for this
/// one.
__device__ inline Launch dependentLaunch(uint64 *mark, uint32 number) {
  letNextLaunchBegin();
  waitForEarlierLaunches();
  return {mark, number};
}

} // namespace dsv3::gpu
