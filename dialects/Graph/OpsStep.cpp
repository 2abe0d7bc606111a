//===- OpsStep.cpp - parameters, layer calls, sampling --------------------===//
//
// Result types and verifiers of the ops of OpsStep.td.
//
//===----------------------------------------------------------------------===//
#include "Graph/ShapeCheck.h"
#include "dsv3/Support/KeyMarks.h"
#include "dsv3/Support/Sampling.h"
#include "dsv3/Support/WeightEncoding.h"

#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dsv3::graph;

std::array<int64_t, 3> ParameterOp::getExtents() {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(getType()).getShape();
  return {shape.size() > 2 ? shape[0] : 1, shape.size() > 1 ? shape[shape.size() - 2] : 1,
          shape.back()};
}

RankedTensorType ParameterOp::getScalesType() {
  std::optional<ArrayRef<int64_t>> block = getBlock();
  if (!block) {
    return {};
  }
  auto type = cast<RankedTensorType>(getType());
  SmallVector<int64_t> shape(type.getShape());
  size_t rank = shape.size();
  shape[rank - 2] = llvm::divideCeilSigned(shape[rank - 2], (*block)[0]);
  shape[rank - 1] = llvm::divideCeilSigned(shape[rank - 1], (*block)[1]);
  return scalesTypeOf(type.getElementType(), std::move(shape));
}

Type ParameterOp::getStoredType() {
  return getStored().value_or(cast<RankedTensorType>(getType()).getElementType());
}

/// Whether the segment holds the rows and columns that the parameter takes from it, and
/// scales if and only if its tensors are FP8 (`coded`).
static LogicalResult verifySegment(ShapeCheck &check, SegmentAttr segment, int64_t groups,
                                   int64_t columns, bool coded) {
  ArrayRef<int64_t> shape = segment.getShape();
  int64_t stride = segment.getGroupStride(), first = segment.getFirstRow();
  int64_t storedColumns = segment.getTransposed() ? segment.getRows() : shape.back();
  int64_t storedRows = shape.size() > 1 ? shape[0] : 1;
  int64_t lastRow = first + (segment.getTransposed() ? columns : segment.getRows());
  auto name = ("segment '" + segment.getKey().getValue() + "'").str();
  if (!segment.getTransposed() && storedColumns != columns) {
    return check.fail(name + " to have the parameter's " + Twine(columns) + " columns",
                      Twine(storedColumns));
  }
  if (lastRow > storedRows ||
      (storedRows - lastRow) / std::max<int64_t>(stride, 1) < (stride > 0 ? groups - 1 : 0)) {
    return check.fail("the rows of " + Twine(groups) + " groups in the " + Twine(storedRows) +
                          " stored rows of " + name,
                      "first_row = " + Twine(first) + ", group_stride = " + Twine(stride) +
                          " and " + Twine(lastRow - first) + " rows");
  }
  if (groups > 1 && stride == 0 && !segment.getKey().getValue().contains(dsv3::expertMark)) {
    return check.fail("a group_stride, or " + StringRef(dsv3::expertMark) + " in the key, of " +
                          name,
                      "neither", "the groups would all be the same rows");
  }
  if (coded != bool(segment.getScaleKey())) {
    return check.fail(coded ? "the key of the scales of " + name + ", which is stored as FP8"
                            : "no scales of " + name + ", which is not stored as FP8",
                      coded ? "none" : spell(segment.getScaleKey()),
                      coded ? "write `scales = \"….weight_scale_inv\"`" : "");
  }
  return success();
}

/// Whether codes of `type` can be made of what the checkpoint stores.
static LogicalResult verifyEncoding(ShapeCheck &check, ParameterOp op, Type type) {
  std::optional<Type> stored = op.getStored();
  std::optional<dsv3::DType> codes = codesOf(type);
  bool alongRows = codes && dsv3::isScaledAlongRows(*codes);
  if (alongRows && !stored) {
    return check.fail("the type of the stored tensors, which " + spell(type) + " encodes", "none",
                      "write `stored bf16`");
  }
  if (stored && (!isa<Float32Type, BFloat16Type, Float16Type, Float8E4M3FNType>(*stored) ||
                 *stored == type || isa<Float32Type, Float16Type>(type))) {
    return check.fail("tensors of f32, bf16, f16 or f8E4M3FN that are encoded as another of bf16, "
                      "f8E4M3FN, i8 or i4",
                      spell(*stored) + " as " + spell(type), "leave `stored` out for what is not");
  }
  if (alongRows && llvm::any_of(op.getSegments().getAsRange<SegmentAttr>(),
                                [](SegmentAttr segment) { return segment.getTransposed(); })) {
    return check.fail("segments that are not transposed, since " + spell(type) +
                          " scales a few values of a stored row",
                      "a transposed one");
  }
  return success();
}

LogicalResult ParameterOp::verify() {
  ShapeCheck check(*this);
  auto type = cast<RankedTensorType>(getType());
  if (type.getRank() < 1 || type.getRank() > 3 || !type.hasStaticShape() ||
      llvm::any_of(type.getShape(), [](int64_t size) { return size <= 0; })) {
    return check.fail("one to three positive sizes", spell(extentsOf(type)),
                      "[n], [rows, columns] or [groups, rows, columns]");
  }
  auto [groups, rows, columns] = getExtents();
  std::optional<dsv3::DType> codes = codesOf(type.getElementType());
  if (codes.has_value() != getBlock().has_value()) {
    return getBlock() ? check.fail("no block, the parameter being no weight of codes", "a block")
                      : check.fail("a block of scales with a weight of codes", "none",
                                   "published checkpoints have [128, 128]");
  }
  if (failed(verifyEncoding(check, *this, type.getElementType()))) {
    return failure();
  }
  if (getBlock() && (type.getRank() < 2 || getBlock()->size() != 2 || (*getBlock())[0] <= 0 ||
                     (*getBlock())[1] <= 0)) {
    return check.fail("a matrix with a block of rows and columns",
                      spell(type) + " with " + spell(SmallVector<Extent>(*getBlock())));
  }
  if (getBlock() && !isBlockOf(*codes, *getBlock())) {
    return check.fail("block [1, 32] of " + spell(type.getElementType()),
                      spell(SmallVector<Extent>(*getBlock())));
  }
  if (int64_t(getParts()) <= 0 || rows % int64_t(getParts()) != 0) {
    return check.fail("'parts' to divide the " + Twine(rows) + " rows", Twine(getParts()));
  }
  if (getLayers() && !areLayers(*getLayers())) {
    return check.fail("layers, ascending, each once",
                      spell(SmallVector<Extent>(getLayers()->begin(), getLayers()->end())),
                      "write layers [3, 4]");
  }
  int64_t sum = 0;
  for (auto segment : getSegments().getAsRange<SegmentAttr>()) {
    // Where the next segment begins a new block must begin too.
    if (getBlock() && sum % (*getBlock())[0] != 0) {
      return check.fail("segments to begin with a block of " + Twine((*getBlock())[0]) + " rows",
                        "row " + Twine(sum), "let the block's rows divide those of each segment");
    }
    if (failed(verifySegment(check, segment, groups, columns,
                             isa<Float8E4M3FNType>(getStoredType())))) {
      return failure();
    }
    sum += segment.getRows();
  }
  if (sum != rows) {
    return check.fail("segments of " + Twine(rows) + " rows together", Twine(sum));
  }
  return check.result();
}

/// The layers of the function that `op` is in; empty outside of layer functions.
static ArrayRef<int64_t> layersOf(Operation *op) {
  auto function = op->getParentOfType<FunctionOpInterface>();
  auto layers =
      function ? function->getAttrOfType<DenseI64ArrayAttr>(layersAttrName) : DenseI64ArrayAttr();
  return layers ? layers.asArrayRef() : ArrayRef<int64_t>();
}

LogicalResult WeightOp::verifySymbolUses(SymbolTableCollection &symbols) {
  ShapeCheck check(*this);
  auto parameter = symbols.lookupNearestSymbolFrom<ParameterOp>(*this, getParameterAttr());
  if (!parameter) {
    return check.fail("a dsv3.parameter", "none of the name @" + getParameter());
  }
  if (getData().getType() != parameter.getType()) {
    return check.fail("the type of @" + getParameter() + ", " + spell(parameter.getType()),
                      spell(getData().getType()));
  }
  Type scales = parameter.getScalesType(), found = getScales() ? getScales().getType() : Type();
  if (scales != found) {
    return check.fail("scales of @" + getParameter() + " to be " +
                          (scales ? spell(scales) : "none"),
                      found ? spell(found) : "none");
  }
  if (!parameter.getLayers()) {
    return success();
  }
  ArrayRef<int64_t> layers = layersOf(*this);
  if (layers.empty()) {
    return check.fail("@" + getParameter() +
                          ", which layers have, to be read in a function of "
                          "layers",
                      "none", "give the function the attribute dsv3.layers");
  }
  for (int64_t layer : layers) {
    if (!llvm::is_contained(*parameter.getLayers(), layer)) {
      return check.fail("@" + getParameter() + " to exist in the function's layers",
                        "none for layer " + Twine(layer));
    }
  }
  return success();
}

LogicalResult CallLayerOp::verifySymbolUses(SymbolTableCollection &symbols) {
  ShapeCheck check(*this);
  if (!layersOf(*this).empty()) {
    return check.fail("calls of layers in entries alone", "one in a layer function");
  }
  auto callee = symbols.lookupNearestSymbolFrom<FunctionOpInterface>(*this, getCalleeAttr());
  if (!callee) {
    return check.fail("a function", "none of the name @" + getCallee());
  }
  auto layers = callee->getAttrOfType<DenseI64ArrayAttr>(layersAttrName);
  if (!layers || !llvm::is_contained(layers.asArrayRef(), int64_t(getLayer()))) {
    return check.fail("@" + getCallee() + " to list layer " + Twine(getLayer()),
                      layers ? spell(SmallVector<Extent>(layers.asArrayRef())) : "no dsv3.layers");
  }
  auto type = FunctionType::get(getContext(), getOperandTypes(), getResultTypes());
  if (callee.getFunctionType() != type) {
    return check.fail("the type of @" + getCallee() + ", " + spell(callee.getFunctionType()),
                      spell(type));
  }
  return success();
}

LogicalResult ObserveOp::verify() {
  ShapeCheck check(*this);
  bool heads = cast<RankedTensorType>(getValue().getType()).getRank() == 3;
  check.shape("value", getValue(),
              heads ? ArrayRef<StringRef>{"T", "h", "n"} : ArrayRef<StringRef>{"T", "n"});
  bool inLayer = !layersOf(*this).empty();
  if (inLayer == getLayer().has_value() && check.ok()) {
    return inLayer ? check.fail("no layer in a layer function", Twine(*getLayer()),
                                "the layer is that of the call")
                   : check.fail("a layer outside of layer functions", "none");
  }
  if (getLayer() && int64_t(*getLayer()) < 0) {
    return check.fail("a layer of 0 or more", Twine(int64_t(*getLayer())));
  }
  return check.result();
}

LogicalResult SampleOp::verify() {
  ShapeCheck check(*this);
  check.shape("x", getX(), {"O", "V"});
  check.element("x", getX(), Float32Type::get(getContext()));
  check.let("W", samplingWords, "as in SamplingRow");
  check.shape("rows", getRows(), {"O", "W"});
  check.shape("result", getResult(), {"O"});
  return check.result();
}
