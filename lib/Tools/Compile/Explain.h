//===- Explain.h - one kernel: what it does and why so ----------*- C++ -*-===//
//
// What the flag --explain prints: what of the model was fused into a kernel, the
// configuration of each variant with those that were not chosen, who launches it, and what it takes
// and can reach on a GPU.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "ExplainGpu.h"
#include "dsv3/Pipelines/Pipelines.h"
#include "dsv3/Plan/Families.h"
#include "dsv3/Support/Status.h"

#include "mlir/IR/BuiltinOps.h"

#include <string>
#include <vector>

namespace dsv3::compile {

/// Gathers what is known of one kernel while a module goes through the phases.
class Explanation {
public:
  /// `flags` went through checkExplain.
  Explanation(const ExplainFlags &flags, const PipelineOptions &options)
      : kernel(llvm::StringRef(flags.kernel).ltrim('@')), flags(flags), options(options) {}

  /// To be shown the module after each phase.
  mlir::LogicalResult observe(Phase phase, mlir::ModuleOp module);
  /// The text, given the module of phase configured. A kernel that is not there is a failure
  /// that lists those that are. Where there is code for GPUs NVRTC may be called.
  Expected<std::string> text(mlir::ModuleOp configured) const;

private:
  /// Of a variant: its table, and what the kernel has of it.
  struct Choice {
    std::string variant;
    std::vector<plan::Configuration> configs; ///< all, the chosen one first of those that are legal
  };
  Expected<std::string> choiceText(const Choice &choice, mlir::ModuleOp configured,
                                   kern::DefOp definition) const;

  std::string kernel;
  ExplainFlags flags;
  PipelineOptions options;
  std::string ops, body; ///< of phase fused
  // Of phase kernels.
  std::string core;
  plan::KernelFacts facts;
  std::vector<Choice> choices;
};

} // namespace dsv3::compile
