//===- PrintFamilies.cpp - the call of a family, one by one ---------------===//
//
// What each core op becomes: the functors of its regions, its call with shapes and
// configuration as template arguments, and the assertion that the family table reserved
// the shared memory that the family divides.
//
//===----------------------------------------------------------------------===//
#include "PrintParts.h"

#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace dsv3::cuda {

std::string sharedCheck(const KernelText &kernel, const std::string &bytes) {
  return llvm::formatv("static_assert({0} == {1}, \"shared memory as in the family table\");",
                       bytes, kernel.field("scratch"));
}

std::string addEpilogue(KernelText &kernel, FamilyText &text, Region &region, ValueRange inputs,
                        ArrayRef<int32_t> access, int64_t parts, ValueRange destination) {
  FunctorLead lead{llvm::formatv("const float (&sums)[{0}]", parts), {}, true, true};
  for (int64_t p = 0; p < parts; ++p) {
    lead.arguments.push_back("sums[" + std::to_string(p) + "]");
  }
  text.declarations += functorText(kernel, "Epilogue", region, inputs, access, lead,
                                   {destination.empty(), destination});
  return functorValue(kernel, "Epilogue", inputs, destination);
}

std::string prologueText(const KernelText &kernel, Region &region) {
  return region.empty() ? std::string()
                        : functorText(kernel, "Prologue", region, {}, {},
                                      {"float element", {"element"}, true}, {true, {}});
}

std::string stageText(const KernelText &kernel, Value codes, Value scales, uint64_t group,
                      bool ue8m0) {
  return llvm::formatv(", Quantise<{0}, {1}, {2}>{{{3}, {4}}", lastDim(codes), group, ue8m0,
                       kernel.name(codes), kernel.name(scales));
}

plan::GpuProduct formOf(const KernelText &kernel) {
  return static_cast<plan::GpuProduct>(kernel.field("form"));
}

static FamilyText print(KernelText &kernel, kern::RowwiseOp op) {
  FamilyText text{"rowwise", {}, {}, {}};
  int64_t columns = lastDim(op.getOutputs().front()), threads = kernel.field("threads");
  ValueRange inputs = op.getInputs(), destinations = op.getDestinations();
  std::string stage;
  if (op.getQuantiseGroup()) {
    Value codes = destinations.drop_back().back(), scales = destinations.back();
    kernel.setName(codes, "codes");
    kernel.setName(scales, "scales");
    stage = stageText(kernel, codes, scales, *op.getQuantiseGroup(), op.getUe8m0());
    destinations = destinations.drop_back(2);
  }
  FunctorResult applied{!stage.empty(), destinations};
  std::string apply = functorValue(kernel, "Apply", inputs, destinations);
  if (op.getReduction() == kern::Reduction::None) {
    text.declarations =
        functorText(kernel, "Apply", op.getApply(), inputs, op.getAccess(), {}, applied);
    text.call = llvm::formatv("rowwise<{0}, {1}>(launch, {2}{3});", columns, threads, apply, stage);
    return text;
  }
  text.declarations = functorText(kernel, "Contribution", op.getContribution(), inputs,
                                  op.getAccess(), {}, {true, {}}) +
                      functorText(kernel, "Finish", op.getFinish(), {}, {},
                                  {"float sum", {"sum"}, true}, {true, {}}) +
                      functorText(kernel, "Apply", op.getApply(), inputs, op.getAccess(),
                                  {"float finished", {"finished"}, false}, applied);
  text.checks = sharedCheck(kernel, "rowwiseSharedBytes");
  text.call =
      llvm::formatv("rowwiseSum<{0}, {1}>(launch, {2}, Finish{{}, {3}{4});", columns, threads,
                    functorValue(kernel, "Contribution", inputs, {}), apply, stage);
  return text;
}

static FamilyText print(KernelText &kernel, kern::GatherOp op) {
  kernel.setName(op.getTable(), "table");
  kernel.setName(op.getIds(), "ids");
  kernel.setName(op.getDestination(), "out");
  FamilyText text{"copy", {}, {}, {}};
  text.call =
      llvm::formatv("gather<{0}, {1}>(launch, {2}, {3}, {4}, {5});", lastDim(op.getResult()),
                    kernel.field("threads"), kernel.rows(op.getTable()), kernel.name(op.getIds()),
                    kernel.rows(op.getDestination()), KernelText::rowCount(op.getTable()));
  return text;
}

static FamilyText print(KernelText &kernel, kern::ConcatOp op) {
  kernel.setName(op.getLhs(), "lhs");
  kernel.setName(op.getRhs(), "rhs");
  kernel.setName(op.getDestination(), "out");
  FamilyText text{"copy", {}, {}, {}};
  text.call = llvm::formatv("concat<{0}, {1}, {2}>(launch, {3}, {4}, {5});", lastDim(op.getLhs()),
                            lastDim(op.getRhs()), kernel.field("threads"), kernel.rows(op.getLhs()),
                            kernel.rows(op.getRhs()), kernel.rows(op.getDestination()));
  return text;
}

static FamilyText print(KernelText &kernel, kern::RopeTableOp op) {
  kernel.setName(op.getPositions(), "positions");
  kernel.setName(op.getCosDestination(), "cosines");
  kernel.setName(op.getSinDestination(), "sines");
  FamilyText text{"copy", {}, {}, {}};
  ArrayRef<float> frequencies = op.getInverseFrequencies();
  std::string list;
  for (auto [index, value] : llvm::enumerate(frequencies)) {
    list += index == 0 ? "" : index % 6 == 0 ? ",\n    " : ", ";
    list += floatText(static_cast<double>(value));
  }
  text.declarations =
      llvm::formatv("__constant__ const float inverseFrequencies[{0}] = {{\n    {1}};\n\n",
                    frequencies.size(), list);
  text.call =
      llvm::formatv("ropeTable<{0}, {1}>(launch, {2}, {3}, {4}, inverseFrequencies, {5});",
                    frequencies.size(), kernel.field("threads"), kernel.name(op.getPositions()),
                    kernel.name(op.getCosDestination()), kernel.name(op.getSinDestination()),
                    floatText(static_cast<double>(op.getMultiplier().convertToFloat())));
  return text;
}

static FamilyText print(KernelText &kernel, kern::RopeAppendOp op) {
  kernel.setName(op.getQuery(), "query");
  kernel.setName(op.getKv(), "kv");
  kernel.setName(op.getWeight(), "weight");
  kernel.setName(op.getCos(), "cosines");
  kernel.setName(op.getSin(), "sines");
  kernel.setName(op.getPositions(), "positions");
  kernel.setName(op.getRequests(), "requests");
  kernel.setName(op.getCache(), "cache");
  kernel.setName(op.getDestination(), "out");
  FamilyText text{"rope_append", {}, {}, {}};
  text.checks = sharedCheck(kernel, "ropeAppendSharedBytes");
  text.call = llvm::formatv(
      "ropeAppend<{0}, {1}>(launch, {2}, {3}, {4},\n    {5}, {6}, {7}, {8}, {9},\n    {10}, {11});",
      dimOf(op.getResult(), 1), kernel.field("threads"), kernel.rows(op.getQuery()),
      kernel.rows(op.getKv()), kernel.name(op.getWeight()), kernel.name(op.getCos()),
      kernel.name(op.getSin()), kernel.name(op.getPositions()), kernel.name(op.getRequests()),
      kernel.cache(op.getCache()), kernel.rows(op.getDestination()),
      floatText(op.getEps().convertToDouble()));
  return text;
}

/// The name of an argument of both attentions.
template <typename OpT>
static void nameAttention(KernelText &kernel, OpT op) {
  kernel.setName(op.getQuery(), "query");
  kernel.setName(op.getRopeQuery(), "ropeQuery");
  kernel.setName(op.getPositions(), "positions");
  kernel.setName(op.getRequests(), "requests");
  kernel.setName(op.getCache(), "cache");
  kernel.setName(op.getDestination(), "out");
}

namespace {
/// The header of a form, the function that it calls, and what says how that divides shared memory.
struct LatentForm {
  const char *header, *function, *shared;
};
} // namespace

static LatentForm latentFormOf(plan::GpuProduct form) {
  if (form == plan::GpuProduct::MmaTiles) {
    return {"latent_attention_mma", "latentAttentionMma", "LatentMmaShared"};
  }
  return isOfWarpGroups(form)
             ? LatentForm{"latent_attention_wgmma", "latentAttentionWgmma", "LatentWgmmaShared"}
             : LatentForm{"latent_attention", "latentAttention", "LatentShared"};
}

static FamilyText print(KernelText &kernel, kern::LatentAttentionOp op) {
  nameAttention(kernel, op);
  LatentForm form = latentFormOf(formOf(kernel));
  FamilyText text{form.header, {}, {}, {}};
  text.persistent = isOfWarpGroups(formOf(kernel));
  // What the function takes, of which shared memory depends on the first part.
  std::string shape = std::to_string(kernel.field("heads"));
  std::string keys = llvm::formatv("{0}, {1}, {2}", dimOf(op.getResult(), 1),
                                   op.getParts().value_or(0), op.getPartPages());
  std::string others = llvm::formatv(", {0}, {1}", keys, kernel.field("threads"));
  std::string tokens;
  if (text.persistent) {
    shape +=
        llvm::formatv(", {0}, {1}, {2}", kernel.field("tokens"), kernel.field("most_tokens"), keys);
    others.clear();
    tokens = KernelText::rowCount(op.getPositions()) + ", ";
  } else if (formOf(kernel) == plan::GpuProduct::MmaTiles) {
    shape += llvm::formatv(", {0}, {1}", kernel.field("keys"), kernel.field("stages"));
  }
  text.checks = "using TheCache = " + kernel.cacheType(op.getCache()) + ";\n  " +
                sharedCheck(kernel, llvm::formatv("{0}<{1}, TheCache>::bytes", form.shared, shape));
  text.call = llvm::formatv(
      "{0}<{1}{2}>(launch, {3}, {4},\n    {5}, {6}, TheCache{{{7}, {8}}, {9}, {10}{11});",
      form.function, shape, others, kernel.rows(op.getQuery()), kernel.rows(op.getRopeQuery()),
      kernel.name(op.getPositions()), kernel.name(op.getRequests()), kernel.pages(op.getCache()),
      kernel.pageTable(op.getCache()), kernel.rows(op.getDestination()), tokens,
      floatText(op.getScale().convertToDouble()));
  return text;
}

static FamilyText print(KernelText &kernel, kern::AttentionCombineOp op) {
  kernel.setName(op.getPartials(), "partials");
  kernel.setName(op.getDestination(), "out");
  FamilyText text{"latent_attention", {}, {}, {}};
  text.checks = sharedCheck(kernel, llvm::formatv("combineSharedBytes({0})", op.getParts()));
  text.call =
      llvm::formatv("attentionCombine<{0}, {1}, {2}, {3}>(launch, {4}, {5});", op.getParts(),
                    lastDim(op.getResult()), dimOf(op.getResult(), 1), kernel.field("threads"),
                    kernel.rows(op.getPartials()), kernel.rows(op.getDestination()));
  return text;
}

static FamilyText print(KernelText &kernel, kern::ExpandedAttentionOp op) {
  nameAttention(kernel, op);
  kernel.setName(op.getWeight(), "weight");
  kernel.setName(op.getScales(), "scales");
  bool onTensorCores = formOf(kernel) == plan::GpuProduct::MmaTiles;
  FamilyText text{onTensorCores ? "expanded_attention_mma" : "expanded_attention", {}, {}, {}};
  int64_t nope = lastDim(op.getQuery()), value = lastDim(op.getResult());
  // The form on tensor cores has one number of rows.
  std::string rows = onTensorCores ? std::string() : std::to_string(kernel.field("rows")) + ", ";
  std::string bits = onTensorCores ? ", " + std::to_string(widenedBits(op)) : std::string();
  text.declarations = prologueText(kernel, op.getPrologue());
  text.checks =
      "using TheCache = " + kernel.cacheType(op.getCache()) + ";\n  " +
      sharedCheck(kernel, llvm::formatv("{0}<{1}{2}, {3}{4}, TheCache>::bytes",
                                        onTensorCores ? "ExpandedMmaShared" : "ExpandedShared",
                                        rows, nope, value, bits));
  text.call = llvm::formatv(
      "{15}<{0}{1}, {2}, {3}, {4}{16}>(launch, {5}, {6},\n    {7}, {8}, {9}, "
      "TheCache{{{10}, {11}},\n    {12}, {13}, {14});",
      rows, dimOf(op.getResult(), 1), nope, value, kernel.field("threads"),
      kernel.rows(op.getQuery()), kernel.rows(op.getRopeQuery()),
      kernel.weight(op.getWeight(), op.getScales(), op.getBlock(), !op.getPrologue().empty()),
      kernel.name(op.getPositions()), kernel.name(op.getRequests()), kernel.pages(op.getCache()),
      kernel.pageTable(op.getCache()), kernel.rows(op.getDestination()),
      KernelText::rowCount(op.getResult()), floatText(op.getScale().convertToDouble()),
      onTensorCores ? "expandedAttentionMma" : "expandedAttention", bits);
  return text;
}

static FamilyText print(KernelText &kernel, kern::RouterOp op) {
  kernel.setName(op.getLogits(), "logits");
  kernel.setName(op.getBias(), "bias");
  kernel.setName(op.getExpertsDestination(), "experts");
  kernel.setName(op.getWeightsDestination(), "weights");
  FamilyText text{"experts", {}, {}, {}};
  std::string shape = llvm::formatv("{0}, {1}, {2}, {3}", lastDim(op.getLogits()), op.getGroups(),
                                    op.getTopGroups(), lastDim(op.getExperts()));
  text.checks = sharedCheck(kernel, "Routing<" + shape + ">::sharedBytes");
  text.call = llvm::formatv("router<{0}, {1}>(launch, {2}, {3}, {4}, {5}, {6});", shape,
                            op.getNormalise(), kernel.name(op.getLogits()),
                            kernel.name(op.getBias()), kernel.name(op.getExpertsDestination()),
                            kernel.name(op.getWeightsDestination()),
                            floatText(op.getScale().convertToDouble()));
  return text;
}

static FamilyText print(KernelText &kernel, kern::DispatchOp op) {
  kernel.setName(op.getExperts(), "experts");
  kernel.setName(op.getOffsetsDestination(), "offsets");
  kernel.setName(op.getRowsDestination(), "rows");
  kernel.setName(op.getSlotsDestination(), "slots");
  FamilyText text{"experts", {}, {}, {}};
  int64_t experts = dimOf(op.getOffsets(), 0) - 1;
  text.checks = sharedCheck(
      kernel, llvm::formatv("dispatchSharedBytes({0}, {1})", experts, kernel.field("threads")));
  text.call =
      llvm::formatv("dispatch<{0}, {1}, {2}>(launch, {3}, {4}, {5}, {6}, {7});", experts,
                    lastDim(op.getExperts()), kernel.field("threads"), kernel.name(op.getExperts()),
                    kernel.name(op.getOffsetsDestination()), kernel.name(op.getRowsDestination()),
                    kernel.name(op.getSlotsDestination()), KernelText::rowCount(op.getExperts()));
  return text;
}

static FamilyText print(KernelText &kernel, kern::CombineOp op) {
  kernel.setName(op.getX(), "x");
  kernel.setName(op.getSlots(), "slots");
  kernel.setName(op.getWeights(), "weights");
  kernel.setName(op.getDestination(), "out");
  FamilyText text{"experts", {}, {}, {}};
  std::string epilogue = addEpilogue(kernel, text, op.getEpilogue(), op.getEpilogueInputs(),
                                     op.getAccess(), 1, op.getDestination());
  text.call =
      llvm::formatv("combine<{0}, {1}, {2}>(launch, {3}, {4}, {5}, {6});", lastDim(op.getResult()),
                    lastDim(op.getSlots()), kernel.field("threads"), kernel.rows(op.getX()),
                    kernel.name(op.getSlots()), kernel.name(op.getWeights()), epilogue);
  return text;
}

static FamilyText print(KernelText &kernel, kern::SampleOp op) {
  kernel.setName(op.getX(), "x");
  kernel.setName(op.getRows(), "rows");
  kernel.setName(op.getDestination(), "out");
  FamilyText text{"sample", {}, {}, {}};
  text.checks = sharedCheck(kernel, "sampleSharedBytes");
  text.call = llvm::formatv("sample<{0}, {1}>(launch, {2}, {3}, {4});", lastDim(op.getX()),
                            kernel.field("threads"), kernel.rows(op.getX()),
                            kernel.name(op.getRows()), kernel.name(op.getDestination()));
  return text;
}

FailureOr<FamilyText> printFamily(KernelText &kernel) {
  return llvm::TypeSwitch<Operation *, FailureOr<FamilyText>>(kernel.definition.getCore())
      .Case<kern::RowwiseOp, kern::GatherOp, kern::ConcatOp, kern::RopeTableOp, kern::RopeAppendOp,
            kern::LatentAttentionOp, kern::AttentionCombineOp, kern::ExpandedAttentionOp,
            kern::ExpandLatentsOp, kern::PrefillAttentionOp, kern::GemmOp, kern::GroupedGemmOp,
            kern::RouterOp, kern::DispatchOp, kern::CombineOp, kern::SampleOp>(
          [&](auto op) { return FailureOr<FamilyText>(print(kernel, op)); })
      .Default([&](Operation *op) {
        return FailureOr<FamilyText>(kernel.definition.emitError("GPUs have no code for '")
                                     << op->getName() << "'");
      });
}

} // namespace dsv3::cuda
