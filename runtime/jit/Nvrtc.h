//===- Nvrtc.h - the compiler for NVIDIA GPUs -------------------*- C++ -*-===//
//
// NVRTC, opened at run time where it is installed: from a CUDA toolkit, from PyPI's
// package nvidia-cuda-nvrtc, or where the system's loader looks. It needs no GPU.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"
#include "runtime/base/DynamicLibrary.h"
#include "runtime/jit/CubinCache.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace dsv3::runtime {

/// Immutable; several threads may compile at a time.
class Nvrtc {
public:
  /// Fails with a sentence that says what was looked for and where.
  static Expected<std::shared_ptr<const Nvrtc>> load();

  /// "13.0".
  const std::string &version() const { return versionText; }
  const std::string &path() const { return library.path(); }

  /// What compile passes to NVRTC besides the architecture.
  static std::string_view options();

  /// A cubin for `architecture` ("sm_90a") of `text`, which may include the device headers. `name`
  /// stands for it in messages. Fails with what NVRTC says, or if it knows no such architecture.
  /// ptxas warns in the log without being asked to.
  Expected<KernelCode> compile(const std::string &text, const std::string &name,
                               const std::string &architecture) const;

private:
  using Program = struct ProgramOfNvrtc *;
  template <typename... Arguments>
  using Function = int (*)(Arguments...);

  Nvrtc() = default;
  Status bind();
  void openBuiltins() const;
  Status checkArchitecture(const std::string &architecture) const;
  std::string logOf(Program program) const;

  DynamicLibrary library;
  std::string versionText;
  Function<int *, int *> getVersion = nullptr;
  Function<int *> countArchitectures = nullptr, getArchitectures = nullptr;
  Function<Program *, const char *, const char *, int, const char *const *, const char *const *>
      create = nullptr;
  Function<Program *> destroy = nullptr;
  Function<Program, int, const char *const *> compileProgram = nullptr;
  Function<Program, size_t *> logBytes = nullptr, cubinBytes = nullptr;
  Function<Program, char *> getLog = nullptr, getCubin = nullptr;
  const char *(*errorText)(int) = nullptr;
};

} // namespace dsv3::runtime
