//===- KernelToPlan.h - a module of kernels as a plan -----------*- C++ -*-===//
//
// Turns entry functions and layer functions (launches on tensors) into straight
// programs over an arena, and declarations into the plan's tables. Objects of the
// variants get their names; checksums are left empty, since there are no files yet.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/Plan.h"

#include "mlir/IR/BuiltinOps.h"

namespace dsv3 {

/// Precondition: phase configured. Module attributes: `dsv3.policy`, and, where known,
/// `dsv3.identity` and `dsv3.scale_block`. Fails with a diagnostic.
mlir::FailureOr<plan::Plan> planModule(mlir::ModuleOp module);

} // namespace dsv3
