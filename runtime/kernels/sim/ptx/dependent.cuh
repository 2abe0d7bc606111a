//===- dependent.cuh - launches that overlap, simulated ---------*- C++ -*-===//
//
// Stands for runtime/kernels/cuda/ptx/dependent.cuh where kernels are compiled for the host.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/types.cuh"
#include "runtime/kernels/sim/machine.h"

namespace dsv3::gpu {

/// Launches run one after the other here.
inline void letNextLaunchBegin() {}
inline void waitForEarlierLaunches() {
  sim::Thread &thread = sim::thisThread();
  thread.machine->waitForEarlierLaunches(thread);
}

} // namespace dsv3::gpu
