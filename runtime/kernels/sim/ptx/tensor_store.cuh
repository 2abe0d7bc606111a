//===- tensor_store.cuh - tiles to global memory, simulated -----*- C++ -*-===//
//
// Stands for runtime/kernels/cuda/ptx/tensor_store.cuh where kernels are compiled for the host.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/tensor_copy.cuh"

namespace dsv3::gpu {

inline void storeMatrices(void *row, const uint32 (&fragment)[4]) {
  sim::Thread &thread = sim::thisThread();
  thread.machine->storeMatrices(thread, row, fragment);
}

inline void storeTensor(const void *from, const TensorMap *map, int column, int row) {
  sim::Thread &thread = sim::thisThread();
  thread.machine->storeTensor(thread, from, map, column, row);
}
inline void commitStores() {
  sim::Thread &thread = sim::thisThread();
  thread.machine->commitStores(thread);
}
template <int pending>
inline void waitForStores() {
  sim::Thread &thread = sim::thisThread();
  thread.machine->waitForStores(thread, pending);
}

} // namespace dsv3::gpu
