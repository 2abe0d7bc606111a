//===- tensor_copy.cuh - copies of tensors by TMA, simulated ----*- C++ -*-===//
//
// Stands for runtime/kernels/cuda/ptx/tensor_copy.cuh where kernels are compiled for the host.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/barrier.cuh"

namespace dsv3::gpu {

using sim::TensorMap;
inline constexpr int boxRowBytes = 128;
static_assert(sizeof(TensorMap) <= 128, "as much as is passed to a GPU");

inline void copyTensor(void *to, const TensorMap *map, int column, int row, Barrier *barrier) {
  sim::Thread &thread = sim::thisThread();
  thread.machine->copyTensor(thread, to, map, column, row, barrier);
}

} // namespace dsv3::gpu
