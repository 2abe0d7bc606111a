//===- CompileCache.h - bundles that dsv3-run has compiled ------*- C++ -*-===//
//
// For a model directory, dsv3-run starts dsv3-compile and keeps the bundle under
// $XDG_CACHE_HOME (or ~/.cache)/dsv3, named by what it was made from and for which kind
// of CPU: it has code for that one alone. A bundle is compiled aside and published in one step, so
// others see it whole or not at all. Of processes that lack the same one, one compiles it, and the
// others wait for it.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/bundle/Bundle.h"
#include "runtime/bundle/CompileKey.h"

#include <filesystem>
#include <optional>

namespace dsv3::runtime {

/// $XDG_CACHE_HOME/dsv3 or ~/.cache/dsv3; nothing if neither variable is an absolute path.
std::optional<std::filesystem::path> compileCacheDirectory();

/// That the kernels are those that the plan was written for. A bundle that a person made is
/// refused where they are not; one in the cache is made again.
Status checkKernels(const Bundle &bundle);

/// The bundle for a request, from `directory` or compiled into it by `compiler`, whose
/// size and date count as its version. One that is there counts as used now.
Expected<Bundle> compiledBundle(const CompileRequest &request,
                                const std::filesystem::path &directory,
                                const std::filesystem::path &compiler);
/// The same with the cache of this user and the dsv3-compile beside the running program
/// or on PATH.
Expected<Bundle> compiledBundle(const CompileRequest &request);

} // namespace dsv3::runtime
