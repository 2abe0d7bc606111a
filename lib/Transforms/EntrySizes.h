//===- EntrySizes.h - the sizes that an entry has maxima for ----*- C++ -*-===//
#pragma once

#include "Common.h"

namespace dsv3 {

/// The #dsv3.size attributes of the entry that `function` belongs to: it is the entry, or a
/// function that one calls for a layer. Empty before entries are made.
mlir::ArrayAttr entrySizes(mlir::func::FuncOp function);

/// Refuses the first named size in the types of `op`, or of its blocks' arguments, that is
/// none of `sizes`. Names are for sizes that the host knows before a step. What a kernel
/// counts (rows of an expert) is data, and no pass may make a dimension of it.
mlir::LogicalResult checkSizesKnown(mlir::Operation *op, mlir::ArrayAttr sizes);

} // namespace dsv3
