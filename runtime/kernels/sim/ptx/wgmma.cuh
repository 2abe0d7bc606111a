//===- wgmma.cuh - products of a warp group, simulated ----------*- C++ -*-===//
//
// Stands for runtime/kernels/cuda/ptx/wgmma.cuh where kernels are compiled for the host.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/mma.cuh"

namespace dsv3::gpu {

using sim::halfProductSums;
using sim::productSums;

template <int count>
inline void fenceProducts(float (&)[count]) {
  sim::Thread &thread = sim::thisThread();
  thread.machine->fence(thread, sim::Fence::Products);
}
template <int count>
inline void multiplyGroup(float (&sums)[count], uint64 a, uint64 b, bool adds = true) {
  static_assert(count == productSums || count == halfProductSums, "a product that there is");
  sim::Thread &thread = sim::thisThread();
  thread.machine->multiplyGroup(thread, sums, count, a, b, adds);
}
inline void multiplyFragment(float (&sums)[productSums], const uint32 (&a)[4], uint64 b) {
  sim::Thread &thread = sim::thisThread();
  thread.machine->multiplyFragment(thread, sums, a, b, false);
}
inline void multiplyTransposed(float (&sums)[productSums], const uint32 (&a)[4], uint64 b) {
  sim::Thread &thread = sim::thisThread();
  thread.machine->multiplyFragment(thread, sums, a, b, true);
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
template <int pending, int count>
inline void waitForProducts(float (&)[count]) {
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
