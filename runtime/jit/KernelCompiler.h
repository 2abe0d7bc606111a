//===- KernelCompiler.h - the code of a bundle's GPU kernels ----*- C++ -*-===//
//
// From texts to cubins: what was compiled before is taken from the bundle or from the
// user's cache, the rest is compiled by NVRTC, several kernels at a time, and kept. Of
// several processes that lack the same kernel one compiles it; the others wait for it.
// NVRTC is looked for only where something is left to compile. The simulated GPU has its
// kernels compiled the same way, by another maker of code.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/GpuKernel.h"
#include "dsv3/Support/Status.h"
#include "runtime/jit/CubinCache.h"

#include <atomic>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace dsv3::runtime {

struct KernelCompilerOptions {
  std::string architecture; ///< by NVRTC's name: "sm_90a"
  /// Compiled kernels of any version of NVRTC, only read. May be empty or not there.
  std::filesystem::path bundled;
  /// The user's cache. Empty: nothing is kept. One that cannot be written is told, no failure.
  std::filesystem::path cache;
  /// Once true, no further kernel is compiled or waited for, and all fails with "interrupted". May
  /// be null.
  const std::atomic<bool> *cancel = nullptr;
  /// Threads that compile; 0: as many as are useful here.
  int threads = 0;
  /// Told what takes time and what is odd, a sentence at a time, by the calling thread. May be
  /// null.
  std::function<void(const std::string &)> say;
};

/// How the cubins were come by.
struct CompiledKernels {
  std::vector<KernelCode> cubins; ///< in the order of the texts
  /// What each took that was compiled here, by the clock, while other threads compiled others; 0
  /// for all that were not.
  std::vector<double> seconds;
  size_t bundled = 0, cached = 0, compiled = 0;
};
/// Who makes code of a text.
class KernelMaker {
public:
  virtual ~KernelMaker() = default;
  /// Finds the compiler. Fails with a sentence that says what was looked for and where.
  virtual Status open() = 0;
  /// The key of a text; before open() it lacks the compiler's version.
  virtual CubinKey key(std::string_view text) const = 0;
  /// "for sm_90a with NVRTC 13.0".
  virtual std::string description() const = 0;
  /// After open(). Several threads may compile at a time.
  virtual Expected<KernelCode> compile(const plan::KernelText &kernel) const = 0;
};

/// Fails with the first kernel, in their order, that cannot be compiled.
Expected<CompiledKernels> compileKernels(std::span<const plan::KernelText> kernels,
                                         const KernelCompilerOptions &options);
/// By another maker than NVRTC; no architecture is asked for.
Expected<CompiledKernels> compileKernels(std::span<const plan::KernelText> kernels,
                                         KernelMaker &maker, const KernelCompilerOptions &options);

} // namespace dsv3::runtime
