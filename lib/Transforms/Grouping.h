//===- Grouping.h - putting ops into fusion groups --------------*- C++ -*-===//
#pragma once

#include "Common.h"

namespace dsv3 {

/// Whether `op` is in no group yet: its parent is a function.
inline bool isFree(mlir::Operation *op) {
  return mlir::isa_and_present<mlir::func::FuncOp>(op->getParentOp());
}

/// The only op that uses the only result of `op`, or null.
mlir::Operation *onlyUser(mlir::Operation *op);

inline bool makesFp8(graph::QuantiseOp op) {
  return mlir::isa<mlir::Float8E4M3FNType>(
      mlir::cast<mlir::RankedTensorType>(op.getCodes().getType()).getElementType());
}

/// The dsv3.quantise that reads `value` and is in no group yet, or null if there is none or
/// more than one.
graph::QuantiseOp freeQuantise(mlir::Value value);

/// The dsv3.quantise in no group that alone reads the only result of `op`, which `product` ends in,
/// or null. Null too, with a remark of `pass`, where it makes FP8 codes in a step of a few tokens
/// and blocks with the columns of a whole group would be too few for a GPU.
graph::QuantiseOp onlyQuantise(mlir::Operation *op, mlir::Operation *product, llvm::StringRef pass);

/// Moves `ops`, of one block, into a kern.group at the place of the last of them, whose
/// results are the values used outside. Null, with nothing changed, if something
/// outside and before that place reads a result of theirs.
kern::GroupOp makeGroup(llvm::StringRef kind, llvm::ArrayRef<mlir::Operation *> ops);

} // namespace dsv3
