//===- SimDevice.h - a GPU that is simulated --------------------*- C++ -*-===//
//
// Runs the texts of GPU kernels (dsv3/Plan/GpuKernel.h) on the CPU: a C++ compiler makes
// functions of them, each thread of a block is a fiber, and the instructions that are not
// those of one thread alone are modelled. For checking kernels where there is no GPU; not
// a fast way to run a model. docs/simulator.md says what is modelled.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/Chip.h"
#include "runtime/hal/Device.h"
#include "runtime/jit/KernelCompiler.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace dsv3::runtime {

struct SimOptions {
  int threads = 0; ///< of the host; 0: as many as are useful here
  /// Chooses who runs when, which copies are late, and how many multiprocessors there are; 0: all
  /// in order.
  uint64_t seed = 0;
  /// Checks every access of memory, on one thread; needs clang. What kernels cost is told when
  /// their object goes.
  bool check = false;
  /// The chip for which profile predicts times; needs clang. Null: profile gives the times of the
  /// simulation itself. Not with `check`.
  const plan::Chip *chip = nullptr;
  /// With a chip: asks NVRTC, where there is one, for the registers of each kernel on it, which
  /// decide how many blocks a multiprocessor holds. Elsewhere they do not count, which is told.
  bool registers = false;
  KernelCompilerOptions compiling; ///< an architecture is not asked for
  /// Stops the compiler once it is true. May be null.
  const std::atomic<bool> *cancel = nullptr;
};

/// What the kernels of an object did so far on a device that checks, a line each; empty on others.
/// `object` is of that device.
struct SimLine {
  std::string where; ///< of the text, or of a device header
  bool store = false, shared = false;
  int64_t actual = 0, least = 0; ///< sectors of global memory, wavefronts of shared memory
};
struct SimCounts {
  std::string kernel;
  int64_t launches = 0, blocks = 0;
  int64_t products = 0; ///< mma.sync of warps
  int64_t sectors = 0, leastSectors = 0, wavefronts = 0, leastWavefronts = 0;
  int64_t busSectors = 0;        ///< of the sectors those that lie on the host
  std::vector<SimLine> wasteful; ///< that cost more than the least, the worst first
};
std::vector<SimCounts> countsOf(const Object &object);

/// Fails if the system gives no threads or no memory for stacks.
Expected<std::unique_ptr<Device>> createSimDevice(const SimOptions &options);

} // namespace dsv3::runtime
