//===- Bundle.h - writes a bundle -------------------------------*- C++ -*-===//
//
// A bundle is a directory: plan.dsv3, a shared object or text of kernels per variant,
// config.json and, where it was compiled from a checkpoint, `checkpoint`, a file with the path of
// its directory; with --line-info configured.mlir, the module of that phase. It is written beside
// its place and published in one step: it is there whole or not at all, and a bundle that it
// replaces is there until then.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/Plan.h"
#include "dsv3/Support/Status.h"

#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace dsv3::compile {

/// What a bundle holds besides the code.
struct BundleParts {
  plan::Plan plan;
  std::string configText;
  std::string checkpoint;  ///< absolute path, or empty
  std::string dump;        ///< folder for the code of phase emitted as text, or empty
  bool precompile = false; ///< texts for GPUs are compiled, too
  bool lineInfo = false;   ///< texts for GPUs name lines of configured.mlir, which is there, too
};

/// That writeBundle can write there, as far as one can tell before anything is compiled: fails
/// where something else has the place, a link leads nowhere or a folder cannot be written.
Status checkBundlePlace(const std::string &path);

/// Compiles the kernels of `module` (phase configured) for each variant of the plan and
/// writes the bundle of a plan that is valid. Replaces a bundle that is there; refuses to replace
/// anything else. Leaves nothing behind on failure, nor where SIGINT, SIGTERM or SIGHUP ends the
/// process; what kill -9 left goes with the next bundle that is written to the same folder.
Status writeBundle(mlir::ModuleOp module, BundleParts parts, const std::string &path);

} // namespace dsv3::compile
