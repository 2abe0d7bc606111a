//===- OpsDense.cpp - embedding, norms, linear layers ---------------------===//
//
// Result types, verifiers and folds of the ops of OpsDense.td.
//
//===----------------------------------------------------------------------===//
#include "Graph/Extent.h"
#include "Graph/Graph.h"

using namespace mlir;
using namespace dsv3::graph;

static RankedTensorType tensor(Value value) { return cast<RankedTensorType>(value.getType()); }

/// Half the columns.
LogicalResult SiluMulOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  auto type = tensor(adaptor.getGateUp());
  SmallVector<Extent> extents = extentsOf(type);
  if (extents.empty() || !extents.back().isStatic()) {
    return failure();
  }
  extents.back() = extents.back().value / 2;
  types.push_back(tensorOf(extents, type.getElementType()));
  return success();
}

LogicalResult SliceOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                        SmallVectorImpl<Type> &types) {
  auto type = tensor(adaptor.getX());
  SmallVector<Extent> extents = extentsOf(type);
  if (extents.empty()) {
    return failure();
  }
  extents.back() = int64_t(adaptor.getSize());
  types.push_back(tensorOf(extents, type.getElementType()));
  return success();
}

LogicalResult ConcatOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  auto lhs = tensor(adaptor.getLhs()), rhs = tensor(adaptor.getRhs());
  SmallVector<Extent> extents = extentsOf(lhs);
  if (extents.empty() || rhs.getRank() != lhs.getRank()) {
    return failure();
  }
  extents.back() = extents.back().value + rhs.getShape().back();
  types.push_back(tensorOf(extents, lhs.getElementType()));
  return success();
}

LogicalResult SplitHeadsOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  auto type = tensor(adaptor.getX());
  int64_t heads = adaptor.getHeads();
  if (type.getRank() != 2 || heads <= 0) {
    return failure();
  }
  types.push_back(
      tensorOf({extentOf(type, 0), heads, type.getDimSize(1) / heads}, type.getElementType()));
  return success();
}

LogicalResult MergeHeadsOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  auto type = tensor(adaptor.getX());
  if (type.getRank() != 3) {
    return failure();
  }
  types.push_back(
      tensorOf({extentOf(type, 0), type.getDimSize(1) * type.getDimSize(2)}, type.getElementType()));
  return success();
}

LogicalResult GatherRowsOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  auto x = tensor(adaptor.getX()), rows = tensor(adaptor.getRows());
  if (x.getRank() != 2 || rows.getRank() != 1) {
    return failure();
  }
  types.push_back(tensorOf({extentOf(rows, 0), extentOf(x, 1)}, x.getElementType()));
  return success();
}

LogicalResult EmbeddingOp::verify() { return success(); }
LogicalResult RmsNormOp::verify() { return success(); }
LogicalResult LinearOp::verify() { return success(); }
LogicalResult LmHeadOp::verify() { return success(); }
LogicalResult QuantiseOp::verify() { return success(); }
LogicalResult SiluMulOp::verify() { return success(); }
LogicalResult CastOp::verify() { return success(); }
LogicalResult SliceOp::verify() { return success(); }
LogicalResult ConcatOp::verify() { return success(); }
LogicalResult SplitHeadsOp::verify() { return success(); }
LogicalResult MergeHeadsOp::verify() { return success(); }
LogicalResult GatherRowsOp::verify() { return success(); }

OpFoldResult CastOp::fold(FoldAdaptor) { return getX().getType() == getType() ? getX() : Value(); }
OpFoldResult SliceOp::fold(FoldAdaptor) { return getX().getType() == getType() ? getX() : Value(); }
OpFoldResult MergeHeadsOp::fold(FoldAdaptor) {
  auto split = getX().getDefiningOp<SplitHeadsOp>();
  return split ? split.getX() : Value();
}
