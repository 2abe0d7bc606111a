//===- Explain.h - one kernel: what it does and why so ----------*- C++ -*-===//
//
// What the flag --explain prints: what of the model was fused into a kernel, the
// configuration of each variant with those that were not chosen, and who launches it.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Pipelines/Pipelines.h"
#include "dsv3/Support/Status.h"

#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace dsv3::compile {

/// Gathers what is known of one kernel while a module goes through the phases.
class Explanation {
public:
  /// The kernel's name, with or without @, and what it is compiled with.
  Explanation(llvm::StringRef kernel, const PipelineOptions &options)
      : kernel(kernel.ltrim('@')), options(options) {}

  /// To be shown the module after each phase.
  mlir::LogicalResult observe(Phase phase, mlir::ModuleOp module);
  /// The text, given the module of phase configured. A kernel that is not there is a failure
  /// that lists those that are.
  Expected<std::string> text(mlir::ModuleOp configured) const;

private:
  std::string kernel;
  PipelineOptions options;
  std::string ops, body;     ///< of phase fused
  std::string core, choices; ///< of phase kernels
};

} // namespace dsv3::compile
