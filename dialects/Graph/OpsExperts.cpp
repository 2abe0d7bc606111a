//===- OpsExperts.cpp - routed experts ------------------------------------===//
//
// Result types and verifiers of the ops of OpsExperts.td.
//
//===----------------------------------------------------------------------===//
#include "Graph/ShapeCheck.h"

using namespace mlir;
using namespace dsv3::graph;

static RankedTensorType tensor(Value value) { return cast<RankedTensorType>(value.getType()); }

//===----------------------------------------------------------------------===//
// Result types
//===----------------------------------------------------------------------===//

LogicalResult RouterOp::inferReturnTypes(MLIRContext *context, std::optional<Location> location,
                                         Adaptor adaptor, SmallVectorImpl<Type> &types) {
  auto logits = tensor(adaptor.getLogits());
  auto chosen = int64_t(adaptor.getTopK());
  if (logits.getRank() != 2 || chosen <= 0) {
    return inferenceError(location, getOperationName(), "'logits' to be [T, E] and 'top_k' above 0",
                          spell(extentsOf(logits)) + " and " + Twine(chosen));
  }
  Extent rows = extentOf(logits, 0);
  types.push_back(tensorOf({rows, chosen}, IntegerType::get(context, 32)));
  types.push_back(tensorOf({rows, chosen}, Float32Type::get(context)));
  return success();
}

LogicalResult DispatchOp::inferReturnTypes(MLIRContext *context, std::optional<Location> location,
                                           Adaptor adaptor, SmallVectorImpl<Type> &types) {
  auto experts = tensor(adaptor.getExperts());
  auto count = int64_t(adaptor.getNumExperts());
  if (experts.getRank() != 2 || experts.isDynamicDim(1) || count <= 0 || count >= INT32_MAX) {
    return inferenceError(location, getOperationName(),
                          "'experts' to be [T, k] and a number of experts that i32 counts",
                          spell(extentsOf(experts)) + " and " + Twine(count));
  }
  Type i32 = IntegerType::get(context, 32);
  types.push_back(tensorOf(Extent(count + 1), i32));
  types.push_back(tensorOf(scaled(extentOf(experts, 0), experts.getDimSize(1)), i32));
  types.push_back(experts);
  return success();
}

LogicalResult CombineOp::inferReturnTypes(MLIRContext *, std::optional<Location> location,
                                          Adaptor adaptor, SmallVectorImpl<Type> &types) {
  auto x = tensor(adaptor.getX()), slots = tensor(adaptor.getSlots());
  if (x.getRank() != 2 || slots.getRank() != 2) {
    return inferenceError(location, getOperationName(), "'x' to be [T * k, H] and 'slots' [T, k]",
                          spell(extentsOf(x)) + " and " + spell(extentsOf(slots)));
  }
  types.push_back(tensorOf({extentOf(slots, 0), extentOf(x, 1)}, x.getElementType()));
  return success();
}

//===----------------------------------------------------------------------===//
// Verifiers
//===----------------------------------------------------------------------===//

void dsv3::graph::checkRouting(ShapeCheck &check, int64_t groups, int64_t kept, int64_t chosen) {
  Extent experts = check["E"];
  if (!experts.isStatic() || groups <= 0 || experts.value % groups != 0) {
    (void)check.fail("'groups' to divide the " + spell(experts) + " experts", Twine(groups));
    return;
  }
  int64_t members = experts.value / groups;
  if (groups > 1 && members < 2) {
    (void)check.fail("at least two experts in a group", Twine(members),
                     "a group's score is the sum of its two largest; one group has no limit");
  }
  if (kept < 1 || kept > groups) {
    (void)check.fail("a number of the " + Twine(groups) + " groups to keep", Twine(kept));
  }
  if (chosen < 1 || chosen > kept * members) {
    (void)check.fail("'top_k' to fit into " + Twine(kept) + " groups of " + Twine(members) +
                         " experts",
                     Twine(chosen));
  }
}

LogicalResult RouterOp::verify() {
  ShapeCheck check(*this);
  check.shape("logits", getLogits(), {"T", "E"});
  check.shape("bias", getBias(), {"E"});
  if (check.ok()) {
    checkRouting(check, int64_t(getGroups()), int64_t(getTopGroups()), int64_t(getTopK()));
  }
  return check.result();
}

LogicalResult ExpertsOp::verify() {
  ShapeCheck check(*this);
  check.shape("x", getX(), {"T", "H"});
  check.shape("experts", getExperts(), {"T", "k"});
  check.shape("weights", getWeights(), {"T", "k"});
  check.weight("down", getDown(), {"E", "H", "I"}, getDownScales(), getDownBlock(), "down_scales");
  check.let("2I", 2 * check.number("I"), "twice the columns of 'down'");
  check.weight("gate_up", getGateUp(), {"E", "2I", "H"}, getGateUpScales(), getGateUpBlock(),
               "gate_up_scales");
  return check.result();
}

LogicalResult DispatchOp::verify() {
  ShapeCheck check(*this);
  check.shape("experts", getExperts(), {"T", "k"});
  return check.result();
}

LogicalResult GroupedLinearOp::verify() {
  ShapeCheck check(*this);
  check.activations("x", getX(), getXScales(), getWeight(), getBlock(), getRows() ? "T" : "T * k",
                    "K");
  if (getRows()) {
    check.shape("rows", getRows(), {"T * k"});
  }
  check.weight("weight", getWeight(), {"E", "N", "K"}, getScales(), getBlock());
  check.let("E + 1", check.number("E") + 1, "one more than the experts of 'weight'");
  check.shape("offsets", getOffsets(), {"E + 1"});
  check.shape("result", getResult(), {"T * k", "N"});
  return check.result();
}

LogicalResult CombineOp::verify() {
  ShapeCheck check(*this);
  check.shape("slots", getSlots(), {"T", "k"});
  check.shape("weights", getWeights(), {"T", "k"});
  check.let("T * k", scaled(check["T"], check.number("k")), "the choices of a step");
  check.shape("x", getX(), {"T * k", "H"});
  return check.result();
}
