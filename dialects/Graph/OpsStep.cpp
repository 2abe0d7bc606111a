//===- OpsStep.cpp - parameters, layer calls, sampling --------------------===//
//
// Result types and verifiers of the ops of OpsStep.td.
//
//===----------------------------------------------------------------------===//
#include "Graph/Extent.h"
#include "Graph/Graph.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dsv3::graph;

std::array<int64_t, 3> ParameterOp::getExtents() {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(getType()).getShape();
  return {shape.size() > 2 ? shape[0] : 1, shape.size() > 1 ? shape[shape.size() - 2] : 1, shape.back()};
}

RankedTensorType ParameterOp::getScalesType() {
  std::optional<ArrayRef<int64_t>> block = getBlock();
  if (!block) {
    return {};
  }
  auto type = cast<RankedTensorType>(getType());
  SmallVector<int64_t> shape(type.getShape());
  size_t rank = shape.size();
  shape[rank - 2] = llvm::divideCeil(shape[rank - 2], (*block)[0]);
  shape[rank - 1] = llvm::divideCeil(shape[rank - 1], (*block)[1]);
  return RankedTensorType::get(shape, Float32Type::get(getContext()));
}

LogicalResult ParameterOp::verify() { return success(); }
LogicalResult WeightOp::verifySymbolUses(SymbolTableCollection &) { return success(); }
LogicalResult CallLayerOp::verifySymbolUses(SymbolTableCollection &) { return success(); }
LogicalResult ObserveOp::verify() { return success(); }

LogicalResult SampleOp::inferReturnTypes(MLIRContext *context, std::optional<Location>,
                                         Adaptor adaptor, SmallVectorImpl<Type> &types) {
  auto logits = cast<RankedTensorType>(adaptor.getLogits().getType());
  if (logits.getRank() != 2) {
    return failure();
  }
  types.push_back(tensorOf(extentOf(logits, 0), IntegerType::get(context, 32)));
  return success();
}
LogicalResult SampleOp::verify() { return success(); }
