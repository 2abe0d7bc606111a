//===- barrier.cuh - barriers in shared memory, and fences ------*- C++ -*-===//
//
// mbarrier, PTX ISA "Parallel Synchronization and Communication Instructions: mbarrier". A
// barrier counts arrivals and bytes of tensor copies; when as many have come as are expected
// its phase ends, and the next one begins. Of sm_90.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/mma.cuh"

namespace dsv3::gpu {

/// A barrier in shared memory, at a multiple of its size.
using Barrier = uint64;

/// Its phases end with `arrivals` arrivals, and the bytes that these expect. Phase 0 begins.
__device__ inline void initBarrier(Barrier *barrier, int arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(sharedAddress(barrier)),
               "r"(arrivals)
               : "memory");
}
/// What the thread has initialised is there for tensor copies. A barrier of the block must follow,
/// before other threads use it.
__device__ inline void fenceBarrierInit() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}
/// What the thread has written to shared memory by plain stores and by cp.async that it waited for
/// is there for tensor cores and tensor copies.
__device__ inline void fenceProxy() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

__device__ inline void arrive(Barrier *barrier) {
  asm volatile("{\n.reg .b64 state;\nmbarrier.arrive.shared::cta.b64 state, [%0];\n}" ::"r"(
                   sharedAddress(barrier))
               : "memory");
}
/// Arrives, and has the phase wait for `bytes` bytes of tensor copies too.
__device__ inline void arriveExpecting(Barrier *barrier, int bytes) {
  asm volatile(
      "{\n.reg .b64 state;\nmbarrier.arrive.expect_tx.shared::cta.b64 state, [%0], %1;\n}" ::"r"(
          sharedAddress(barrier)),
      "r"(bytes)
      : "memory");
}
/// Whether the phase of that parity, the present one or the one before, has ended. Waits for a
/// while first, but may fail all the same.
__device__ inline bool tryWait(Barrier *barrier, int parity) {
  int ended;
  asm volatile("{\n.reg .pred p;\nmbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n"
               "selp.s32 %0, 1, 0, p;\n}"
               : "=r"(ended)
               : "r"(sharedAddress(barrier)), "r"(parity)
               : "memory");
  return ended != 0;
}

} // namespace dsv3::gpu
