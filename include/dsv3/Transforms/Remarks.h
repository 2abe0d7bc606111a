//===- Remarks.h - how passes say what they decide --------------*- C++ -*-===//
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/FormatVariadic.h"

namespace dsv3 {

/// Category of all remarks of passes on the model.
inline constexpr llvm::StringLiteral remarkCategory = "dsv3";

inline mlir::remark::RemarkOpts remarkOptions(llvm::StringRef name, mlir::Operation *op) {
  auto function = op->getParentOfType<mlir::func::FuncOp>();
  return mlir::remark::RemarkOpts::name(name)
      .category(remarkCategory)
      .function(function ? function.getSymName() : llvm::StringRef());
}

/// A remark's text with numbers and names in it, as one piece: pieces that are streamed
/// into a remark are fields of their own, and nobody reads the sentence again.
template <typename... Values>
std::string sentence(const char *format, Values &&...values) {
  return llvm::formatv(format, std::forward<Values>(values)...).str();
}

} // namespace dsv3
