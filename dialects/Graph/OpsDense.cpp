//===- OpsDense.cpp - embedding, norms, linear layers ---------------------===//
//
// Result types, verifiers and folds of the ops of OpsDense.td.
//
//===----------------------------------------------------------------------===//
#include "Graph/ShapeCheck.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dsv3::graph;

static RankedTensorType tensor(Value value) { return cast<RankedTensorType>(value.getType()); }

//===----------------------------------------------------------------------===//
// Result types. Only what has no result type fails here: the rest is the
// verifiers', which know where in the model the op is.
//===----------------------------------------------------------------------===//

/// Half the columns.
LogicalResult SiluMulOp::inferReturnTypes(MLIRContext *, std::optional<Location> location,
                                          Adaptor adaptor, SmallVectorImpl<Type> &types) {
  auto type = tensor(adaptor.getGateUp());
  SmallVector<Extent> extents = extentsOf(type);
  if (extents.empty() || !extents.back().isStatic() || extents.back().value % 2 != 0) {
    return inferenceError(location, getOperationName(), "'gate_up' to be [T, 2n]", spell(extents),
                          "gate and up have n columns each");
  }
  extents.back() = extents.back().value / 2;
  types.push_back(tensorOf(extents, type.getElementType()));
  return success();
}

LogicalResult SliceOp::inferReturnTypes(MLIRContext *, std::optional<Location> location,
                                        Adaptor adaptor, SmallVectorImpl<Type> &types) {
  auto type = tensor(adaptor.getX());
  SmallVector<Extent> extents = extentsOf(type);
  auto size = int64_t(adaptor.getSize());
  if (extents.empty() || size <= 0) {
    return inferenceError(location, getOperationName(), "at least one dimension and one column",
                          spell(extents) + " and " + Twine(size));
  }
  extents.back() = size;
  types.push_back(tensorOf(extents, type.getElementType()));
  return success();
}

LogicalResult ConcatOp::inferReturnTypes(MLIRContext *, std::optional<Location> location,
                                         Adaptor adaptor, SmallVectorImpl<Type> &types) {
  SmallVector<Extent> lhs = extentsOf(tensor(adaptor.getLhs()));
  SmallVector<Extent> rhs = extentsOf(tensor(adaptor.getRhs()));
  if (lhs.size() != 2 || rhs.size() != 2 || !lhs[1].isStatic() || !rhs[1].isStatic()) {
    return inferenceError(location, getOperationName(), "'lhs' to be [T, m] and 'rhs' [T, n]",
                          spell(lhs) + " and " + spell(rhs));
  }
  types.push_back(
      tensorOf({lhs[0], lhs[1].value + rhs[1].value}, tensor(adaptor.getLhs()).getElementType()));
  return success();
}

LogicalResult SplitHeadsOp::inferReturnTypes(MLIRContext *, std::optional<Location> location,
                                             Adaptor adaptor, SmallVectorImpl<Type> &types) {
  auto type = tensor(adaptor.getX());
  SmallVector<Extent> extents = extentsOf(type);
  auto heads = int64_t(adaptor.getHeads());
  if (extents.size() != 2 || !extents[1].isStatic() || heads <= 0 ||
      extents[1].value % heads != 0) {
    return inferenceError(location, getOperationName(),
                          "'x' to be [T, heads * d] with heads = " + Twine(heads), spell(extents));
  }
  types.push_back(tensorOf({extents[0], heads, extents[1].value / heads}, type.getElementType()));
  return success();
}

LogicalResult MergeHeadsOp::inferReturnTypes(MLIRContext *, std::optional<Location> location,
                                             Adaptor adaptor, SmallVectorImpl<Type> &types) {
  auto type = tensor(adaptor.getX());
  SmallVector<Extent> extents = extentsOf(type);
  if (extents.size() != 3 || !extents[1].isStatic() || !extents[2].isStatic()) {
    return inferenceError(location, getOperationName(), "'x' to be [T, heads, d]", spell(extents));
  }
  types.push_back(
      tensorOf({extents[0], extents[1].value * extents[2].value}, type.getElementType()));
  return success();
}

LogicalResult GatherRowsOp::inferReturnTypes(MLIRContext *, std::optional<Location> location,
                                             Adaptor adaptor, SmallVectorImpl<Type> &types) {
  auto x = tensor(adaptor.getX()), rows = tensor(adaptor.getRows());
  if (x.getRank() != 2 || rows.getRank() != 1) {
    return inferenceError(location, getOperationName(), "'x' to be [T, H] and 'rows' [O]",
                          spell(extentsOf(x)) + " and " + spell(extentsOf(rows)));
  }
  types.push_back(tensorOf({extentOf(rows, 0), extentOf(x, 1)}, x.getElementType()));
  return success();
}

//===----------------------------------------------------------------------===//
// Verifiers
//===----------------------------------------------------------------------===//

LogicalResult EmbeddingOp::verify() {
  ShapeCheck check(*this);
  check.shape("ids", getIds(), {"T"});
  check.weight("table", getTable(), {"V", "H"}, Value(), std::nullopt);
  check.shape("result", getResult(), {"T", "H"});
  return check.result();
}

LogicalResult RmsNormOp::verify() {
  ShapeCheck check(*this);
  check.shape("x", getX(), {"T", "H"});
  check.weight("weight", getWeight(), {"H"}, Value(), std::nullopt);
  if (!(getEps() > APFloat(0.0)) || !getEps().isFinite()) {
    return check.fail("'eps' above 0", spell(getEps()));
  }
  return check.result();
}

LogicalResult LinearOp::verify() {
  ShapeCheck check(*this);
  check.activations("x", getX(), getXScales(), getWeight(), getBlock(), "T", "K");
  check.weight("weight", getWeight(), {"N", "K"}, getScales(), getBlock());
  check.shape("result", getResult(), {"T", "N"});
  return check.result();
}

LogicalResult LmHeadOp::verify() {
  ShapeCheck check(*this);
  check.shape("x", getX(), {"O", "H"});
  check.weight("weight", getWeight(), {"V", "H"}, getScales(), getBlock());
  check.shape("result", getResult(), {"O", "V"});
  check.element("result", getResult(), Float32Type::get(getContext()));
  return check.result();
}

LogicalResult QuantiseOp::verify() {
  ShapeCheck check(*this);
  check.shape("x", getX(), {"T", "K"});
  check.quantised(getCodes(), getScales(), int64_t(getGroup()), "T", "K");
  return check.result();
}

LogicalResult DequantiseOp::verify() {
  ShapeCheck check(*this);
  if (tensor(getWeight()).getRank() == 3) {
    check.weight("weight", getWeight(), {"groups", "N", "K"}, getScales(), getBlock());
    check.shape("result", getResult(), {"groups", "N", "K"});
  } else {
    check.weight("weight", getWeight(), {"N", "K"}, getScales(), getBlock());
    check.shape("result", getResult(), {"N", "K"});
  }
  return check.result();
}

LogicalResult SiluMulOp::verify() {
  ShapeCheck check(*this);
  check.shape("gate_up", getGateUp(), {"T", "2n"});
  return check.result();
}

LogicalResult CastOp::verify() {
  ShapeCheck check(*this);
  SmallVector<Extent> from = extentsOf(tensor(getX())), to = extentsOf(tensor(getResult()));
  if (from != to) {
    return check.fail("the sizes of 'x', " + spell(from) + ", in 'result'", spell(to));
  }
  return check.result();
}

LogicalResult SliceOp::verify() {
  ShapeCheck check(*this);
  auto offset = int64_t(getOffset()), size = int64_t(getSize());
  Extent columns = extentsOf(tensor(getX())).back();
  if (!columns.isStatic() || offset < 0 || offset > columns.value - size) {
    return check.fail("a range of the " + spell(columns) + " columns of 'x'",
                      "[" + Twine(offset) + ", " + Twine(size) + "]", "write [offset, size]");
  }
  return check.result();
}

LogicalResult ConcatOp::verify() {
  ShapeCheck check(*this);
  check.shape("lhs", getLhs(), {"T", "m"});
  check.shape("rhs", getRhs(), {"T", "n"});
  check.element("rhs", getRhs(), tensor(getLhs()).getElementType());
  return check.result();
}

LogicalResult SplitHeadsOp::verify() {
  ShapeCheck check(*this);
  check.shape("x", getX(), {"T", "heads * d"});
  return check.result();
}

LogicalResult MergeHeadsOp::verify() {
  ShapeCheck check(*this);
  check.shape("x", getX(), {"T", "heads", "d"});
  return check.result();
}

LogicalResult GatherRowsOp::verify() {
  ShapeCheck check(*this);
  check.shape("x", getX(), {"T", "H"});
  check.shape("rows", getRows(), {"O"});
  return check.result();
}

//===----------------------------------------------------------------------===//
// Folds
//===----------------------------------------------------------------------===//

/// Whether every value of `narrow` is a value of `wide`.
static bool isExact(Type narrow, Type wide) {
  return APFloat::isRepresentableBy(cast<FloatType>(narrow).getFloatSemantics(),
                                    cast<FloatType>(wide).getFloatSemantics());
}

/// No change; or there and back through a type that loses nothing.
OpFoldResult CastOp::fold(FoldAdaptor) {
  if (getX().getType() == getType()) {
    return getX();
  }
  auto inner = getX().getDefiningOp<CastOp>();
  bool back = inner && inner.getX().getType() == getType() &&
              isExact(tensor(inner.getX()).getElementType(), tensor(getX()).getElementType());
  return back ? inner.getX() : Value();
}

/// All columns; a range of a range is one range.
OpFoldResult SliceOp::fold(FoldAdaptor) {
  if (getX().getType() == getType()) {
    return getX();
  }
  if (auto inner = getX().getDefiningOp<SliceOp>()) {
    setOffset(getOffset() + inner.getOffset());
    getXMutable().assign(inner.getX());
    return getResult();
  }
  return {};
}

OpFoldResult SplitHeadsOp::fold(FoldAdaptor) {
  auto merge = getX().getDefiningOp<MergeHeadsOp>();
  return merge && merge.getX().getType() == getType() ? merge.getX() : Value();
}

OpFoldResult MergeHeadsOp::fold(FoldAdaptor) {
  auto split = getX().getDefiningOp<SplitHeadsOp>();
  return split ? split.getX() : Value();
}
