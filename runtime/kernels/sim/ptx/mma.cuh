//===- mma.cuh - tensor cores of sm_80, simulated ---------------*- C++ -*-===//
//
// Stands for runtime/kernels/cuda/ptx/mma.cuh where kernels are compiled for the host.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/types.cuh"
#include "runtime/kernels/sim/machine.h"

namespace dsv3::gpu {

inline uint32 sharedAddress(const void *place) {
  sim::Thread &thread = sim::thisThread();
  return thread.machine->sharedAddress(thread, place);
}

inline void copyAsync(void *to, const void *from, int bytes) {
  sim::Thread &thread = sim::thisThread();
  thread.machine->copyAsync(thread, to, from, bytes);
}
inline void commitCopies() {
  sim::Thread &thread = sim::thisThread();
  thread.machine->commitCopies(thread);
}
template <int pending>
inline void waitForCopies() {
  sim::Thread &thread = sim::thisThread();
  thread.machine->waitForCopies(thread, pending);
}

inline void loadMatrices(const void *row, uint32 (&fragment)[4]) {
  sim::Thread &thread = sim::thisThread();
  thread.machine->loadMatrices(thread, row, fragment);
}
inline void loadTransposed(const void *row, uint32 (&fragment)[4]) {
  sim::Thread &thread = sim::thisThread();
  thread.machine->loadTransposed(thread, row, fragment);
}

inline void multiplyMatrices(float (&sums)[4], const uint32 (&a)[4], uint32 b0, uint32 b1) {
  sim::Thread &thread = sim::thisThread();
  thread.machine->multiplyMatrices(thread, sums, a, b0, b1);
}
inline void multiplyCodes(float (&sums)[4], const uint32 (&a)[4], uint32 b0, uint32 b1) {
  sim::Thread &thread = sim::thisThread();
  thread.machine->multiplyCodes(thread, sums, a, b0, b1);
}

} // namespace dsv3::gpu
