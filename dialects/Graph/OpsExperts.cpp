//===- OpsExperts.cpp - routed experts ------------------------------------===//
//
// Result types and verifiers of the ops of OpsExperts.td.
//
//===----------------------------------------------------------------------===//
#include "Graph/Extent.h"
#include "Graph/Graph.h"

using namespace mlir;
using namespace dsv3::graph;

static RankedTensorType tensor(Value value) { return cast<RankedTensorType>(value.getType()); }

LogicalResult RouterOp::inferReturnTypes(MLIRContext *context, std::optional<Location>,
                                         Adaptor adaptor, SmallVectorImpl<Type> &types) {
  auto logits = tensor(adaptor.getLogits());
  if (logits.getRank() != 2) {
    return failure();
  }
  Extent rows = extentOf(logits, 0), chosen = int64_t(adaptor.getTopK());
  types.push_back(tensorOf({rows, chosen}, IntegerType::get(context, 32)));
  types.push_back(tensorOf({rows, chosen}, Float32Type::get(context)));
  return success();
}

LogicalResult DispatchOp::inferReturnTypes(MLIRContext *context, std::optional<Location>,
                                           Adaptor adaptor, SmallVectorImpl<Type> &types) {
  auto experts = tensor(adaptor.getExperts());
  if (experts.getRank() != 2 || experts.isDynamicDim(1)) {
    return failure();
  }
  Type i32 = IntegerType::get(context, 32);
  types.push_back(tensorOf(Extent(int64_t(adaptor.getNumExperts()) + 1), i32));
  types.push_back(tensorOf(scaled(extentOf(experts, 0), experts.getDimSize(1)), i32));
  types.push_back(experts);
  return success();
}

LogicalResult CombineOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  auto x = tensor(adaptor.getX()), slots = tensor(adaptor.getSlots());
  if (x.getRank() != 2 || slots.getRank() != 2) {
    return failure();
  }
  types.push_back(tensorOf({extentOf(slots, 0), extentOf(x, 1)}, x.getElementType()));
  return success();
}

LogicalResult RouterOp::verify() { return success(); }
LogicalResult ExpertsOp::verify() { return success(); }
LogicalResult DispatchOp::verify() { return success(); }
LogicalResult GroupedLinearOp::verify() { return success(); }
LogicalResult CombineOp::verify() { return success(); }
