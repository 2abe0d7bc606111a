//===- HostCompiler.h - kernels compiled for the host -----------*- C++ -*-===//
//
// The C++ compiler of the machine as a maker of code (runtime/jit/KernelCompiler.h): from
// the text of a kernel, with the simulator's headers in the place of those of one
// instruction, to a shared object.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/jit/KernelCompiler.h"

#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace dsv3::checkpoint {
class AsideFolder;
} // namespace dsv3::checkpoint

namespace dsv3::runtime::sim {

/// The environment variable that names the compiler.
inline constexpr const char *compilerVariable = "DSV3_SIM_CXX";

class HostCompiler final : public KernelMaker {
public:
  /// Files that are needed for a while lie in a folder below `scratch`, which is made. Once
  /// `cancel`, which may be null, is true, compiling stops. Code that is `checked` tells of its
  /// loads and stores; clang alone makes it.
  HostCompiler(std::filesystem::path scratch, bool checked, const std::atomic<bool> *cancel);
  ~HostCompiler() override;

  Status open() override;
  CubinKey key(std::string_view text) const override;
  std::string description() const override;
  Expected<KernelCode> compile(const plan::KernelText &kernel) const override;

private:
  Status findVersion();
  /// Makes the folder, with the headers in it.
  Status makeFolder() const;

  std::filesystem::path scratch;
  bool checked;
  const std::atomic<bool> *cancel;
  std::filesystem::path compiler;
  std::string version, versionHash;
  std::vector<std::string> options;
  // Made when the first kernel is compiled; where all were before, nothing is written.
  mutable std::once_flag folderMade;
  mutable Status folderStatus;
  mutable std::unique_ptr<checkpoint::AsideFolder> folder;
};

} // namespace dsv3::runtime::sim
