//===- Common.h - what the files of lib/Transforms share --------*- C++ -*-===//
#pragma once

#include "Graph/Extent.h"
#include "Graph/Graph.h"
#include "Kernel/Kernel.h"
#include "dsv3/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Remarks.h"

namespace dsv3 {

/// Category of all remarks of passes on the model.
inline constexpr llvm::StringLiteral remarkCategory = "dsv3";

inline mlir::remark::RemarkOpts remarkOptions(llvm::StringRef name, mlir::Operation *op) {
  auto function = op->getParentOfType<mlir::func::FuncOp>();
  return mlir::remark::RemarkOpts::name(name)
      .category(remarkCategory)
      .function(function ? function.getSymName() : llvm::StringRef());
}

} // namespace dsv3
