//===- Kernel.h - the kern dialect ------------------------------*- C++ -*-===//
//
// The C++ of the dialect that TableGen makes from Kernel.td. All are handles to
// data owned by an MLIRContext.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "Graph/Graph.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include "Kernel/KernelDialect.h.inc"
#include "Kernel/KernelEnums.h.inc"

#define GET_OP_CLASSES
#include "Kernel/KernelOps.h.inc"

namespace dsv3::kern {

/// Whether `op` is a core op: one that a kernel family computes.
bool isCore(mlir::Operation *op);

/// Keys that kern.expand_latents makes together, and the rows of a request of so much context.
inline constexpr int64_t expandedPiece = 128;
inline int64_t expandedRows(int64_t context) {
  return (context + expandedPiece - 1) / expandedPiece * expandedPiece;
}

} // namespace dsv3::kern
