//===- OpsCore.cpp - the core ops of kernels ------------------------------===//
//
// Verifiers of the ops of OpsCore.td.
//
//===----------------------------------------------------------------------===//
#include "CoreCheck.h"
#include "RegionCheck.h"
#include "dsv3/Support/Sampling.h"

using namespace mlir;
using namespace dsv3;
using namespace dsv3::kern;
using dsv3::graph::ShapeCheck;
using dsv3::graph::spell;

bool dsv3::kern::isCore(Operation *op) {
  return isa<RowwiseOp, GemmOp, GroupedGemmOp, GatherOp, RopeTableOp, RopeAppendOp,
             LatentAttentionOp, AttentionCombineOp, ExpandedAttentionOp, ExpandLatentsOp,
             PrefillAttentionOp, RouterOp, DispatchOp, CombineOp, ConcatOp, SampleOp>(op);
}

static Type elementOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getElementType();
}
static int64_t rankOf(Value value) { return cast<RankedTensorType>(value.getType()).getRank(); }
static Type f32Of(Operation *op) { return Float32Type::get(op->getContext()); }

void dsv3::kern::checkDestination(ShapeCheck &check, Value destination, Value result) {
  if (check.ok() && destination.getType() != result.getType()) {
    (void)check.fail("a result of the destination's type, " + spell(destination.getType()),
                     spell(result.getType()));
  }
}

void dsv3::kern::checkF32(ShapeCheck &check, StringRef name, Value value,
                          ArrayRef<StringRef> letters) {
  check.shape(name, value, letters);
  check.element(name, value, Float32Type::get(value.getContext()));
}

void dsv3::kern::checkActivations(ShapeCheck &check, StringRef name, Value value,
                                  ArrayRef<StringRef> letters) {
  check.shape(name, value, letters);
  if (check.ok() && !isa<Float32Type, BFloat16Type>(elementOf(value))) {
    (void)check.fail("elements of '" + name + "' to be f32 or bf16", spell(elementOf(value)));
  }
}

/// What a product multiplies with its weight: activations, or their codes with scales.
static void checkRows(ShapeCheck &check, Value a, Value scales, Value weight,
                      std::optional<ArrayRef<int64_t>> block, StringRef rows) {
  if (scales || graph::areRowCodes(elementOf(a))) {
    check.activations("a", a, scales, weight, block, rows, "K");
  } else {
    checkActivations(check, "a", a, {rows, "K"});
  }
}

/// The type of what a quantise stage reads: that of the last value that `region` yields, if
/// it is one of activations.
static Type stagedType(Region &region) {
  auto yield = region.hasOneBlock() && !region.front().empty()
                   ? dyn_cast<YieldOp>(region.front().back())
                   : YieldOp();
  Type type = yield && !yield.getValues().empty() ? yield.getValues().back().getType() : Type();
  return isa_and_present<BFloat16Type>(type) ? type : Float32Type::get(region.getContext());
}

/// Destinations of a product, and the type that its epilogue yields: an element of `out`, whose
/// sizes are `letters`, or what a stage makes codes and scales of, rows of `codes` columns.
template <typename OpT>
static Type checkProductOuts(ShapeCheck &check, OpT op, ArrayRef<StringRef> letters,
                             StringRef codes = "N") {
  bool staged = op.getQuantiseGroup().has_value();
  if (staged != bool(op.getScalesDestination()) || staged != bool(op.getResultScales())) {
    (void)check.fail(staged ? "a destination and a result for the scales of 'quantise'"
                            : "no destination or result for scales without 'quantise'",
                     op.getScalesDestination() || op.getResultScales() ? "one of them" : "none");
    return Type();
  }
  checkDestination(check, op.getDestination(), op.getResult());
  if (!staged) {
    checkActivations(check, "outs", op.getDestination(), letters);
    return elementOf(op.getDestination());
  }
  check.quantised(op.getDestination(), op.getScalesDestination(), int64_t(*op.getQuantiseGroup()),
                  letters[0], codes);
  checkDestination(check, op.getScalesDestination(), op.getResultScales());
  return stagedType(op.getEpilogue());
}

void dsv3::kern::checkPrologue(ShapeCheck &check, Region &region, Value aScales) {
  if (region.empty() || !check.ok()) {
    return;
  }
  if (aScales) {
    (void)check.fail("no region 'prologue' with quantised activations, whose products are of codes",
                     "a prologue");
    return;
  }
  checkRegion(check, "prologue", region, Float32Type::get(region.getContext()), stagedType(region));
}

void dsv3::kern::checkFloat(ShapeCheck &check, StringRef name, Value value,
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
  bool staged = getQuantiseGroup().has_value();
  size_t least = staged ? 2 : 1;
  if (getOutputs().size() < least || getOutputs().size() != getDestinations().size()) {
    return check.fail("a result for each of " + Twine(getDestinations().size()) + " destinations",
                      Twine(getOutputs().size()),
                      staged ? "'quantise' writes codes and scales"
                             : "a kernel writes at least one");
  }
  SmallVector<Type> arguments, results;
  for (Value destination : getDestinations().drop_back(staged ? 2 : 0)) {
    check.shape("outs", destination, {"T", "N"});
    results.push_back(elementOf(destination));
  }
  checkAccess(check, getInputs(), getAccess(), {"T", "N"});
  if (staged) {
    check.quantised(getDestinations().drop_back().back(), getDestinations().back(),
                    int64_t(*getQuantiseGroup()), "T", "N");
    results.push_back(stagedType(getApply()));
  }
  for (auto [destination, output] : llvm::zip_equal(getDestinations(), getOutputs())) {
    checkDestination(check, destination, output);
  }
  if (check.ok() && !llvm::is_contained(getAccess(), static_cast<int32_t>(AccessKind::Element))) {
    return check.fail("an element operand", "none", "its rows are those of the results");
  }
  llvm::append_range(arguments, llvm::map_range(getInputs(), elementOf));
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

/// A product with heads: no codes go in. Those that come out are of all heads side by side.
static LogicalResult verifyHeads(GemmOp op) {
  ShapeCheck check(op);
  auto parts = int64_t(op.getParts());
  if (op.getAScales()) {
    return check.fail("no quantised activations in a product with heads", "scales",
                      "widen 'a' first");
  }
  checkActivations(check, "a", op.getA(), {"T", "h", "K"});
  auto weight = cast<RankedTensorType>(op.getWeight().getType());
  if (auto group = op.getQuantiseGroup();
      group && weight.getRank() == 3 && weight.hasStaticShape()) {
    int64_t columns = weight.getDimSize(1) / parts;
    check.let("N", columns, "from 'weight' and 'parts'");
    check.let("h * N", columns * check.number("h"));
    if (check.ok() && int64_t(*group) > 0 && columns % int64_t(*group) != 0) {
      return check.fail("whole groups of " + Twine(*group) + " columns in each head",
                        Twine(columns) + " columns", "quantise the heads in a kernel of its own");
    }
  }
  Type result = checkProductOuts(check, op, {"T", "h", "N"}, "h * N");
  letRows(check, parts);
  check.weight("weight", op.getWeight(), {"h", "parts * N", "K"}, op.getScales(), op.getBlock());
  checkPrologue(check, op.getPrologue(), Value());
  checkAccess(check, op.getEpilogueInputs(), op.getAccess(), {"T", "h", "N"}, "h");
  checkEpilogue(check, op.getEpilogue(), parts, op.getEpilogueInputs(), result);
  return check.result();
}

/// What CPUs can read where the checkpoint has it.
template <typename OpT>
static void checkInPlace(ShapeCheck &check, OpT op) {
  Type rows = elementOf(op.getA()), weight = elementOf(op.getWeight());
  if (op.getInPlace() && (!rows.isF32() || !weight.isBF16())) {
    (void)check.fail("rows of f32 and a weight of bf16 in place",
                     Twine(graph::spell(rows)) + " and " + graph::spell(weight));
  }
}

LogicalResult GemmOp::verify() {
  ShapeCheck check(*this);
  auto parts = int64_t(getParts());
  if (parts < 1) {
    return check.fail("'parts' above 0", Twine(parts));
  }
  checkInPlace(check, *this);
  if (rankOf(getA()) == 3) {
    return verifyHeads(*this);
  }
  checkRows(check, getA(), getAScales(), getWeight(), getBlock(), "T");
  Type result = checkProductOuts(check, *this, {"T", "N"});
  letRows(check, parts);
  check.weight("weight", getWeight(), {"parts * N", "K"}, getScales(), getBlock());
  checkPrologue(check, getPrologue(), getAScales());
  checkAccess(check, getEpilogueInputs(), getAccess(), {"T", "N"});
  checkEpilogue(check, getEpilogue(), parts, getEpilogueInputs(), result);
  return check.result();
}

LogicalResult GroupedGemmOp::verify() {
  ShapeCheck check(*this);
  auto parts = int64_t(getParts());
  if (parts < 1) {
    return check.fail("'parts' above 0", Twine(parts));
  }
  checkInPlace(check, *this);
  if (std::optional<uint64_t> capacity = getCapacity()) {
    if (getRows()) {
      return check.fail("no 'rows' beside 'capacity'", "'rows'");
    }
    auto weight = cast<RankedTensorType>(getWeight().getType());
    int64_t experts = weight.getRank() == 3 && !weight.isDynamicDim(0) ? weight.getDimSize(0) : 0;
    if (experts < 1) {
      return check.fail(
          "a 'weight' [E, parts * N, K] of a known number of experts beside 'capacity'",
          graph::spell(weight));
    }
    uint64_t most = uint64_t(std::numeric_limits<int32_t>::max()) / uint64_t(experts);
    if (*capacity < 1 || *capacity > most) {
      return check.fail("a 'capacity' from 1 to " + Twine(most) + " for " + Twine(experts) +
                            " experts",
                        Twine(int64_t(*capacity)));
    }
    check.let("T * k", experts * int64_t(*capacity), "'capacity' for each expert of 'weight'");
  }
  checkRows(check, getA(), getAScales(), getWeight(), getBlock(), getRows() ? "T" : "T * k");
  if (getRows()) {
    check.shape("rows", getRows(), {"T * k"});
  }
  Type result = checkProductOuts(check, *this, {"T * k", "N"});
  letRows(check, parts);
  check.weight("weight", getWeight(), {"E", "parts * N", "K"}, getScales(), getBlock());
  checkPrologue(check, getPrologue(), getAScales());
  check.let("E + 1", check.number("E") + 1, "one more than the experts of 'weight'");
  check.shape("offsets", getOffsets(), {getCapacity() ? "E" : "E + 1"});
  checkAccess(check, getEpilogueInputs(), getAccess(), {"T * k", "N"}, "E");
  checkEpilogue(check, getEpilogue(), parts, getEpilogueInputs(), result);
  return check.result();
}

LogicalResult CombineOp::verify() {
  ShapeCheck check(*this);
  check.shape("slots", getSlots(), {"T", "k"});
  checkF32(check, "weights", getWeights(), {"T", "k"});
  check.let("T * k", graph::scaled(check["T"], check.number("k")), "the choices of a step");
  checkActivations(check, "x", getX(), {"T * k", "H"});
  checkActivations(check, "outs", getDestination(), {"T", "H"});
  checkDestination(check, getDestination(), getResult());
  checkAccess(check, getEpilogueInputs(), getAccess(), {"T", "H"});
  checkEpilogue(check, getEpilogue(), 1, getEpilogueInputs(), elementOf(getDestination()));
  return check.result();
}

//===----------------------------------------------------------------------===//
// What moves rows
//===----------------------------------------------------------------------===//

LogicalResult GatherOp::verify() {
  ShapeCheck check(*this);
  checkFloat(check, "table", getTable(), {"V", "H"});
  check.shape("ids", getIds(), {"O"});
  checkActivations(check, "outs", getDestination(), {"O", "H"});
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

LogicalResult SampleOp::verify() {
  ShapeCheck check(*this);
  checkF32(check, "x", getX(), {"O", "V"});
  check.let("W", samplingWords, "as in SamplingRow");
  check.shape("rows", getRows(), {"O", "W"});
  check.shape("outs", getDestination(), {"O"});
  checkDestination(check, getDestination(), getResult());
  return check.result();
}
