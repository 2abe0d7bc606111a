//===- barrier.cuh - barriers in shared memory, simulated -------*- C++ -*-===//
//
// Stands for runtime/kernels/cuda/ptx/barrier.cuh where kernels are compiled for the host.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/mma.cuh"

namespace dsv3::gpu {

using Barrier = uint64;

inline void initBarrier(Barrier *barrier, int arrivals) {
  sim::Thread &thread = sim::thisThread();
  thread.machine->initBarrier(thread, barrier, arrivals);
}
inline void fenceBarrierInit() {
  sim::Thread &thread = sim::thisThread();
  thread.machine->fence(thread, sim::Fence::BarrierInit);
}
inline void fenceProxy() {
  sim::Thread &thread = sim::thisThread();
  thread.machine->fence(thread, sim::Fence::Proxy);
}

inline void arrive(Barrier *barrier) {
  sim::Thread &thread = sim::thisThread();
  thread.machine->arrive(thread, barrier, 0);
}
inline void arriveExpecting(Barrier *barrier, int bytes) {
  sim::Thread &thread = sim::thisThread();
  thread.machine->arrive(thread, barrier, bytes);
}
inline bool tryWait(Barrier *barrier, int parity) {
  sim::Thread &thread = sim::thisThread();
  return thread.machine->tryWait(thread, barrier, parity);
}

} // namespace dsv3::gpu
