//===- Plan.h - the plan dialect --------------------------------*- C++ -*-===//
//
// The C++ of the dialect that TableGen makes from Plan.td: attributes and ops of the
// text of a plan. All are handles to data owned by an MLIRContext. The namespace is
// not that of the data model (dsv3/Plan/Plan.h), which has the same nouns.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/DType.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/RegionKindInterface.h"
#include "mlir/IR/SymbolTable.h"

#include "Plan/PlanDialect.h.inc"
#include "Plan/PlanEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "Plan/PlanAttrs.h.inc"

#define GET_OP_CLASSES
#include "Plan/PlanOps.h.inc"

namespace dsv3::planir {

/// The type that IR writes for an element type of a plan.
mlir::Type typeOf(DType type, mlir::MLIRContext *context);
/// The element type of a plan that `type` writes, or nullopt if plans have no such.
std::optional<DType> dtypeOf(mlir::Type type);

} // namespace dsv3::planir
