//===- Plan.h - a plan as a module of the plan dialect ----------*- C++ -*-===//
//
// Both ways between the data model and its text. Exact: a valid plan made a module,
// printed, parsed and made a plan again is equal, and so are the bytes of its file.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/Plan.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace dsv3 {

/// A module with one plan.module. The plan dialect is loaded. Null, after a diagnostic,
/// if the plan is not valid or gives a name to a parameter and to a kernel or entry.
mlir::OwningOpRef<mlir::ModuleOp> toModule(mlir::MLIRContext &context, const plan::Plan &plan);

/// The plan of a module's plan.module. Fails with a diagnostic at the op concerned if
/// there is not exactly one, or if the plan is not valid.
mlir::FailureOr<plan::Plan> fromModule(mlir::ModuleOp module);

} // namespace dsv3
