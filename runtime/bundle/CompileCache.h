//===- CompileCache.h - bundles that dsv3-run has compiled ------*- C++ -*-===//
//
// For a model directory, dsv3-run starts dsv3-compile and keeps the bundle under
// $XDG_CACHE_HOME (or ~/.cache)/dsv3, named by what it was made from. A bundle is
// compiled aside and published in one step, so others see it whole or not at all; there
// is no lock: whoever comes second uses or replaces what is there.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/bundle/Bundle.h"

#include <atomic>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace dsv3::runtime {

struct CompileRequest {
  /// --model, or --config with a file for weights that are made up.
  std::string inputFlag = "--model";
  std::filesystem::path input;
  /// Names the input's contents: the checkpoint's identity.
  std::string identity;
  /// Compile even if there is a bundle.
  bool rebuild = false;
  /// Once true, compiling stops and fails with "interrupted". May be null.
  const std::atomic<bool> *cancel = nullptr;
  /// Told what is being done, a sentence at a time.
  std::function<void(const std::string &)> say;
};

/// $XDG_CACHE_HOME/dsv3 or ~/.cache/dsv3; nothing if neither variable is an absolute path.
std::optional<std::filesystem::path> compileCacheDirectory();

/// The bundle for a request, from `directory` or compiled into it by `compiler`, whose
/// size and date count as its version.
Expected<Bundle> compiledBundle(const CompileRequest &request,
                                const std::filesystem::path &directory,
                                const std::filesystem::path &compiler);
/// The same with the cache of this user and the dsv3-compile beside the running program
/// or on PATH.
Expected<Bundle> compiledBundle(const CompileRequest &request);

} // namespace dsv3::runtime
