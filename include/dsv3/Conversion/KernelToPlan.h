//===- KernelToPlan.h - a module of kernels as a plan -----------*- C++ -*-===//
//
// Turns entry functions and layer functions (launches on tensors) into straight
// programs over an arena, and declarations into the plan's tables. Objects and
// checksums of the variants are left empty: they do not exist yet.
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
