//===- Extent.h - sizes that are numbers or names ---------------*- C++ -*-===//
//
// A size of a tensor is a number or a name (#dsv3.dims). Verifiers and type
// inference of all dialects handle both through Extent, so that a wrong name is
// found and told like a wrong number.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Operation.h"

#include <string>

namespace dsv3::graph {

/// A static size, or the name of a dynamic one; a `?` without a name has neither.
struct Extent {
  int64_t value = mlir::ShapedType::kDynamic;
  mlir::StringAttr name = {};

  Extent() = default;
  Extent(int64_t size) : value(size) {}
  Extent(mlir::StringAttr sizeName) : name(sizeName) {}

  bool isStatic() const { return !mlir::ShapedType::isDynamic(value); }
  bool operator==(const Extent &) const = default;
};

/// The size of dimension `dim`.
Extent extentOf(mlir::RankedTensorType type, int64_t dim);
/// All sizes.
llvm::SmallVector<Extent> extentsOf(mlir::RankedTensorType type);
/// `factor` times `extent`: 4 × "T" is "T*4".
Extent scaled(Extent extent, int64_t factor);
/// The tensor type of these sizes.
mlir::RankedTensorType tensorOf(llvm::ArrayRef<Extent> extents, mlir::Type elementType);
/// The type with another element type.
mlir::RankedTensorType withElement(mlir::RankedTensorType type, mlir::Type elementType);

/// "320", "T*4", or "?".
std::string spell(Extent extent);
/// "[T, 320]".
std::string spell(llvm::ArrayRef<Extent> extents);

/// ", in @moe (layers 3-60)": where in the model an op is, for diagnostics. Empty
/// outside of a function.
std::string modelPath(mlir::Operation *op);

} // namespace dsv3::graph
