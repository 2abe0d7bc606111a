//===- SimDevice.h - a GPU that is simulated --------------------*- C++ -*-===//
//
// Runs the texts of GPU kernels (dsv3/Plan/GpuKernel.h) on the CPU: a C++ compiler makes
// functions of them, each thread of a block is a fiber, and the instructions that are not
// those of one thread alone are modelled. For checking kernels where there is no GPU; not
// a fast way to run a model. docs/simulator.md says what is modelled.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/hal/Device.h"
#include "runtime/jit/KernelCompiler.h"

#include <atomic>
#include <cstdint>
#include <memory>

namespace dsv3::runtime {

struct SimOptions {
  int threads = 0; ///< of the host; 0: as many as are useful here
  /// Chooses who runs when, and which copies are late; 0: all in order.
  uint64_t seed = 0;
  KernelCompilerOptions compiling; ///< an architecture is not asked for
  /// Stops the compiler once it is true. May be null.
  const std::atomic<bool> *cancel = nullptr;
};

/// Fails if the system gives no threads or no memory for stacks.
Expected<std::unique_ptr<Device>> createSimDevice(const SimOptions &options);

} // namespace dsv3::runtime
