//===- wgmma.cuh - products of a warp group, simulated ----------*- C++ -*-===//
//
// Stands for runtime/kernels/cuda/ptx/wgmma.cuh where kernels are compiled for the host.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/mma.cuh"

namespace dsv3::gpu {

using sim::productSums;

inline void fenceProducts(float (&)[productSums]) {
  sim::Thread &thread = sim::thisThread();
  thread.machine->fence(thread, sim::Fence::Products);
}
inline void multiplyGroup(float (&sums)[productSums], uint64 a, uint64 b, bool adds = true) {
  sim::Thread &thread = sim::thisThread();
  thread.machine->multiplyGroup(thread, sums, a, b, adds);
}
inline void multiplyFragment(float (&sums)[productSums], const uint32 (&a)[4], uint64 b) {
  sim::Thread &thread = sim::thisThread();
  thread.machine->multiplyFragment(thread, sums, a, b);
}
inline void releaseFragment(uint32 (&)[4]) {}
inline void multiplyGroupOfCodes(float (&sums)[productSums], uint64 a, uint64 b, bool adds) {
  sim::Thread &thread = sim::thisThread();
  thread.machine->multiplyGroupOfCodes(thread, sums, a, b, adds);
}
inline void commitProducts() {
  sim::Thread &thread = sim::thisThread();
  thread.machine->commitProducts(thread);
}
template <int pending>
inline void waitForProducts(float (&)[productSums]) {
  sim::Thread &thread = sim::thisThread();
  thread.machine->waitForProducts(thread, pending);
}

template <int count>
inline void giveRegisters() {
  static_assert(count >= 24 && count <= 256 && count % 8 == 0, "what setmaxnreg takes");
  sim::Thread &thread = sim::thisThread();
  thread.machine->setRegisters(thread, count);
}
template <int count>
inline void takeRegisters() {
  giveRegisters<count>();
}

} // namespace dsv3::gpu
