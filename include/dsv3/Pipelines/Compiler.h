//===- Compiler.h - a model taken through the phases ------------*- C++ -*-===//
//
// Runs the phases one after the other on a model and shows the module after each.
// What tools that compile have in common; they differ in where a model comes from
// and in what they do with the result.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Import/Import.h"
#include "dsv3/Pipelines/Pipelines.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <functional>

namespace dsv3 {

/// What a model is compiled from.
struct ModelSource {
  checkpoint::ModelConfig config;
  import::StoredType storedType;
  import::ImportOptions options;
  /// Identity of the checkpoint, or empty.
  std::string identity;
};

/// Called with the module after each phase.
using PhaseObserver = std::function<mlir::LogicalResult(Phase, mlir::ModuleOp)>;

/// The module of `last` (at most Configured). Null, after a diagnostic, on failure.
mlir::OwningOpRef<mlir::ModuleOp> compileTo(Phase last, mlir::MLIRContext &context,
                                            const ModelSource &source,
                                            const PipelineOptions &options,
                                            const PhaseObserver &observer = {});

} // namespace dsv3
