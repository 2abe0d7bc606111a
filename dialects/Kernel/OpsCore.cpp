//===- OpsCore.cpp - the core ops of kernels ------------------------------===//
//
// Verifiers of the ops of OpsCore.td.
//
//===----------------------------------------------------------------------===//
#include "RegionCheck.h"

using namespace mlir;
using namespace dsv3;
using namespace dsv3::kern;
using dsv3::graph::ShapeCheck;
using dsv3::graph::spell;

bool dsv3::kern::isCore(Operation *op) {
  return isa<RowwiseOp, GemmOp, GroupedGemmOp, GatherOp, RopeTableOp, RopeAppendOp,
             LatentAttentionOp, ExpandedAttentionOp, RouterOp, DispatchOp, CombineOp, ConcatOp>(op);
}

static Type elementOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getElementType();
}
static int64_t rankOf(Value value) { return cast<RankedTensorType>(value.getType()).getRank(); }
static Type f32Of(Operation *op) { return Float32Type::get(op->getContext()); }

/// A result takes the place of its destination.
static void checkDestination(ShapeCheck &check, Value destination, Value result) {
  if (check.ok() && destination.getType() != result.getType()) {
    (void)check.fail("a result of the destination's type, " + spell(destination.getType()),
                     spell(result.getType()));
  }
}

/// Shape and element type of an operand that a kernel reads or writes as f32.
static void checkF32(ShapeCheck &check, StringRef name, Value value, ArrayRef<StringRef> letters) {
  check.shape(name, value, letters);
  check.element(name, value, Float32Type::get(value.getContext()));
}

/// A weight of its own type that is a vector or a table without scales.
static void checkFloat(ShapeCheck &check, StringRef name, Value value,
                       ArrayRef<StringRef> letters) {
  check.shape(name, value, letters);
  if (check.ok() && !isa<Float32Type, BFloat16Type, Float16Type>(elementOf(value))) {
    (void)check.fail(("elements of '" + name + "' to be f32, bf16 or f16").str(),
                     spell(elementOf(value)));
  }
}

//===----------------------------------------------------------------------===//
// Rows, products
//===----------------------------------------------------------------------===//

LogicalResult RowwiseOp::verify() {
  ShapeCheck check(*this);
  if (getOutputs().empty() || getOutputs().size() != getDestinations().size()) {
    return check.fail("a result for each of " + Twine(getDestinations().size()) + " destinations",
                      Twine(getOutputs().size()), "a kernel writes at least one");
  }
  for (auto [destination, output] : llvm::zip_equal(getDestinations(), getOutputs())) {
    check.shape("outs", destination, {"T", "N"});
    checkDestination(check, destination, output);
  }
  checkAccess(check, getInputs(), getAccess(), {"T", "N"});
  if (check.ok() && !llvm::is_contained(getAccess(), static_cast<int32_t>(AccessKind::Element))) {
    return check.fail("an element operand", "none", "its rows are those of the results");
  }
  SmallVector<Type> arguments, results;
  llvm::append_range(arguments, llvm::map_range(getInputs(), elementOf));
  llvm::append_range(results, llvm::map_range(getOutputs(), elementOf));
  Type f32 = f32Of(*this);
  if (getReduction() == Reduction::None) {
    if (!getContribution().empty() || !getFinish().empty()) {
      return check.fail("empty regions 'contribution' and 'finish' without a reduction", "ops",
                        "write `reduce add`");
    }
  } else {
    checkRegion(check, "contribution", getContribution(), arguments, f32);
    checkRegion(check, "finish", getFinish(), f32, f32);
    arguments.push_back(f32);
  }
  checkRegion(check, "apply", getApply(), arguments, results);
  return check.result();
}

/// The weight's rows are `parts` times the letter N.
static void letRows(ShapeCheck &check, int64_t parts) {
  check.let("parts * N", graph::scaled(check["N"], parts), "from 'outs' and 'parts'");
}

LogicalResult GemmOp::verify() {
  ShapeCheck check(*this);
  auto parts = int64_t(getParts());
  if (parts < 1) {
    return check.fail("'parts' above 0", Twine(parts));
  }
  bool heads = rankOf(getA()) == 3;
  SmallVector<StringRef> out =
      heads ? SmallVector<StringRef>{"T", "h", "N"} : SmallVector<StringRef>{"T", "N"};
  if (heads) {
    checkF32(check, "a", getA(), {"T", "h", "K"});
  } else {
    checkF32(check, "a", getA(), {"T", "K"});
  }
  checkF32(check, "outs", getDestination(), out);
  letRows(check, parts);
  if (heads) {
    check.weight("weight", getWeight(), {"h", "parts * N", "K"}, getScales(), getBlock());
  } else {
    check.weight("weight", getWeight(), {"parts * N", "K"}, getScales(), getBlock());
  }
  checkDestination(check, getDestination(), getResult());
  checkAccess(check, getEpilogueInputs(), getAccess(), out, heads ? "h" : "");
  checkEpilogue(check, getEpilogue(), parts, getEpilogueInputs());
  return check.result();
}

LogicalResult GroupedGemmOp::verify() {
  ShapeCheck check(*this);
  auto parts = int64_t(getParts());
  if (parts < 1) {
    return check.fail("'parts' above 0", Twine(parts));
  }
  if (getRows()) {
    checkF32(check, "a", getA(), {"T", "K"});
    check.shape("rows", getRows(), {"T * k"});
  } else {
    checkF32(check, "a", getA(), {"T * k", "K"});
  }
  checkF32(check, "outs", getDestination(), {"T * k", "N"});
  letRows(check, parts);
  check.weight("weight", getWeight(), {"E", "parts * N", "K"}, getScales(), getBlock());
  check.let("E + 1", check.number("E") + 1, "one more than the experts of 'weight'");
  check.shape("offsets", getOffsets(), {"E + 1"});
  checkDestination(check, getDestination(), getResult());
  checkAccess(check, getEpilogueInputs(), getAccess(), {"T * k", "N"}, "E");
  checkEpilogue(check, getEpilogue(), parts, getEpilogueInputs());
  return check.result();
}

LogicalResult CombineOp::verify() {
  ShapeCheck check(*this);
  check.shape("slots", getSlots(), {"T", "k"});
  checkF32(check, "weights", getWeights(), {"T", "k"});
  check.let("T * k", graph::scaled(check["T"], check.number("k")), "the choices of a step");
  checkF32(check, "x", getX(), {"T * k", "H"});
  checkF32(check, "outs", getDestination(), {"T", "H"});
  checkDestination(check, getDestination(), getResult());
  checkAccess(check, getEpilogueInputs(), getAccess(), {"T", "H"});
  checkEpilogue(check, getEpilogue(), 1, getEpilogueInputs());
  return check.result();
}

//===----------------------------------------------------------------------===//
// What moves rows
//===----------------------------------------------------------------------===//

LogicalResult GatherOp::verify() {
  ShapeCheck check(*this);
  checkFloat(check, "table", getTable(), {"V", "H"});
  check.shape("ids", getIds(), {"O"});
  checkF32(check, "outs", getDestination(), {"O", "H"});
  checkDestination(check, getDestination(), getResult());
  return check.result();
}

LogicalResult ConcatOp::verify() {
  ShapeCheck check(*this);
  check.shape("lhs", getLhs(), {"T", "m"});
  check.shape("rhs", getRhs(), {"T", "n"});
  check.element("rhs", getRhs(), elementOf(getLhs()));
  check.let("m + n", check.number("m") + check.number("n"), "from 'lhs' and 'rhs'");
  check.shape("outs", getDestination(), {"T", "m + n"});
  check.element("outs", getDestination(), elementOf(getLhs()));
  checkDestination(check, getDestination(), getResult());
  return check.result();
}

LogicalResult DispatchOp::verify() {
  ShapeCheck check(*this);
  check.shape("experts", getExperts(), {"T", "k"});
  check.let("T * k", graph::scaled(check["T"], check.number("k")), "from 'experts'");
  check.shape("offsets", getOffsetsDestination(), {"E + 1"});
  check.shape("rows", getRowsDestination(), {"T * k"});
  check.shape("slots", getSlotsDestination(), {"T", "k"});
  checkDestination(check, getOffsetsDestination(), getOffsets());
  checkDestination(check, getRowsDestination(), getRows());
  checkDestination(check, getSlotsDestination(), getSlots());
  if (check.ok() && check.number("E + 1") < 2) {
    return check.fail("offsets of at least one expert", spell(check["E + 1"]));
  }
  return check.result();
}

LogicalResult RouterOp::verify() {
  ShapeCheck check(*this);
  checkF32(check, "logits", getLogits(), {"T", "E"});
  checkFloat(check, "bias", getBias(), {"E"});
  check.shape("experts", getExpertsDestination(), {"T", "k"});
  checkF32(check, "weights", getWeightsDestination(), {"T", "k"});
  checkDestination(check, getExpertsDestination(), getExperts());
  checkDestination(check, getWeightsDestination(), getWeights());
  if (check.ok()) {
    graph::checkRouting(check, int64_t(getGroups()), int64_t(getTopGroups()), check.number("k"));
  }
  return check.result();
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

LogicalResult RopeTableOp::verify() {
  ShapeCheck check(*this);
  check.shape("positions", getPositions(), {"T"});
  check.let("r/2", int64_t(getInverseFrequencies().size()), "as in 'inverse_frequencies'");
  checkF32(check, "cos", getCosDestination(), {"T", "r/2"});
  checkF32(check, "sin", getSinDestination(), {"T", "r/2"});
  checkDestination(check, getCosDestination(), getCos());
  checkDestination(check, getSinDestination(), getSin());
  return check.result();
}

LogicalResult RopeAppendOp::verify() {
  ShapeCheck check(*this);
  graph::CacheType cache = getCache().getType();
  check.cache(cache);
  checkF32(check, "query", getQuery(), {"T", "h", "r"});
  check.let("c + r", cache.getLatent() + cache.getRope(), "as in the cache");
  checkF32(check, "kv", getKv(), {"T", "c + r"});
  checkFloat(check, "weight", getWeight(), {"c"});
  check.let("r/2", cache.getRope() / 2, "as in the cache");
  checkF32(check, "cos", getCos(), {"T", "r/2"});
  checkF32(check, "sin", getSin(), {"T", "r/2"});
  check.shape("positions", getPositions(), {"T"});
  check.shape("requests", getRequests(), {"T"});
  checkF32(check, "outs", getDestination(), {"T", "h", "r"});
  checkDestination(check, getDestination(), getResult());
  if (!(getEps() > APFloat(0.0)) || !getEps().isFinite()) {
    return check.fail("'eps' above 0", spell(getEps()));
  }
  return check.result();
}

LogicalResult LatentAttentionOp::verify() {
  ShapeCheck check(*this);
  check.cache(getCache().getType());
  checkF32(check, "query", getQuery(), {"T", "h", "c"});
  checkF32(check, "rope_query", getRopeQuery(), {"T", "h", "r"});
  check.shape("positions", getPositions(), {"T"});
  check.shape("requests", getRequests(), {"T"});
  checkF32(check, "outs", getDestination(), {"T", "h", "c"});
  checkDestination(check, getDestination(), getResult());
  return check.result();
}

LogicalResult ExpandedAttentionOp::verify() {
  ShapeCheck check(*this);
  check.cache(getCache().getType());
  checkF32(check, "query", getQuery(), {"T", "h", "n"});
  checkF32(check, "rope_query", getRopeQuery(), {"T", "h", "r"});
  checkF32(check, "outs", getDestination(), {"T", "h", "v"});
  check.let("n + v", check.number("n") + check.number("v"), "from 'query' and 'outs'");
  check.weight("weight", getWeight(), {"h", "n + v", "c"}, getScales(), getBlock());
  check.shape("positions", getPositions(), {"T"});
  check.shape("requests", getRequests(), {"T"});
  checkDestination(check, getDestination(), getResult());
  return check.result();
}
