//===- PrintFamilies.cpp - the call of a family, one by one ---------------===//
//
// What each core op becomes: the functors of its regions, its call with shapes and
// configuration as template arguments, and the assertion that the family table reserved
// the shared memory that the family divides.
//
//===----------------------------------------------------------------------===//
#include "KernelText.h"

#include "dsv3/Plan/Families.h"

#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace dsv3::cuda {

static std::string sharedCheck(const KernelText &kernel, const std::string &bytes) {
  return llvm::formatv("static_assert({0} == {1}, \"shared memory as in the family table\");",
                       bytes, kernel.field("scratch"));
}

/// An epilogue of `parts` sums that stores its value in `destination`, or gives it back where there
/// is none, and a value of it.
static std::string addEpilogue(KernelText &kernel, FamilyText &text, Region &region,
                               ValueRange inputs, ArrayRef<int32_t> access, int64_t parts,
                               ValueRange destination) {
  FunctorLead lead{llvm::formatv("const float (&sums)[{0}]", parts), {}, true, true};
  for (int64_t p = 0; p < parts; ++p) {
    lead.arguments.push_back("sums[" + std::to_string(p) + "]");
  }
  text.declarations += functorText(kernel, "Epilogue", region, inputs, access, lead,
                                   {destination.empty(), destination});
  return functorValue(kernel, "Epilogue", inputs, destination);
}

/// The region that a weight passes through, where there is one.
static std::string prologueText(const KernelText &kernel, Region &region) {
  return region.empty() ? std::string()
                        : functorText(kernel, "Prologue", region, {}, {},
                                      {"float element", {"element"}, true}, {true, {}});
}

/// ", Quantise<640, 128, false>{codes, scales}": the stage that makes codes in groups of `group`
/// columns.
static std::string stageText(const KernelText &kernel, Value codes, Value scales, uint64_t group,
                             bool ue8m0) {
  return llvm::formatv(", Quantise<{0}, {1}, {2}>{{{3}, {4}}", lastDim(codes), group, ue8m0,
                       kernel.name(codes), kernel.name(scales));
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

static FamilyText print(KernelText &kernel, kern::LatentAttentionOp op) {
  nameAttention(kernel, op);
  FamilyText text{"latent_attention", {}, {}, {}};
  int64_t heads = kernel.field("heads");
  text.checks = "using TheCache = " + kernel.cacheType(op.getCache()) + ";\n  " +
                sharedCheck(kernel, llvm::formatv("LatentShared<{0}, TheCache>::bytes", heads));
  text.call = llvm::formatv(
      "latentAttention<{0}, {1}, {2}, {3}>(launch, {4}, {5},\n    {6}, {7}, TheCache{{{8}, {9}}, "
      "{10}, {11});",
      heads, dimOf(op.getResult(), 1), op.getParts().value_or(0), kernel.field("threads"),
      kernel.rows(op.getQuery()), kernel.rows(op.getRopeQuery()), kernel.name(op.getPositions()),
      kernel.name(op.getRequests()), kernel.pages(op.getCache()), kernel.pageTable(op.getCache()),
      kernel.rows(op.getDestination()), floatText(op.getScale().convertToDouble()));
  return text;
}

static FamilyText print(KernelText &kernel, kern::AttentionCombineOp op) {
  kernel.setName(op.getPartials(), "partials");
  kernel.setName(op.getDestination(), "out");
  FamilyText text{"latent_attention", {}, {}, {}};
  text.call =
      llvm::formatv("attentionCombine<{0}, {1}, {2}, {3}>(launch, {4}, {5});", op.getParts(),
                    lastDim(op.getResult()), dimOf(op.getResult(), 1), kernel.field("threads"),
                    kernel.rows(op.getPartials()), kernel.rows(op.getDestination()));
  return text;
}

static plan::GpuProduct formOf(const KernelText &kernel) {
  return static_cast<plan::GpuProduct>(kernel.field("form"));
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
  text.declarations = prologueText(kernel, op.getPrologue());
  text.checks =
      "using TheCache = " + kernel.cacheType(op.getCache()) + ";\n  " +
      sharedCheck(kernel, llvm::formatv("{0}<{1}{2}, {3}, TheCache>::bytes",
                                        onTensorCores ? "ExpandedMmaShared" : "ExpandedShared",
                                        rows, nope, value));
  text.call = llvm::formatv(
      "{15}<{0}{1}, {2}, {3}, {4}>(launch, {5}, {6},\n    {7}, {8}, {9}, "
      "TheCache{{{10}, {11}},\n    {12}, {13}, {14});",
      rows, dimOf(op.getResult(), 1), nope, value, kernel.field("threads"),
      kernel.rows(op.getQuery()), kernel.rows(op.getRopeQuery()),
      kernel.weight(op.getWeight(), op.getScales(), op.getBlock(), !op.getPrologue().empty()),
      kernel.name(op.getPositions()), kernel.name(op.getRequests()), kernel.pages(op.getCache()),
      kernel.pageTable(op.getCache()), kernel.rows(op.getDestination()),
      KernelText::rowCount(op.getResult()), floatText(op.getScale().convertToDouble()),
      onTensorCores ? "expandedAttentionMma" : "expandedAttention");
  return text;
}

/// "MmaTile<128, 64, 3>": the tile of a form that has one.
static std::string tileText(const KernelText &kernel) {
  switch (formOf(kernel)) {
  case plan::GpuProduct::MmaTiles:
    return llvm::formatv("MmaTile<{0}, {1}, {2}>", kernel.field("rows"), kernel.field("columns"),
                         kernel.field("stages"));
  case plan::GpuProduct::WgmmaTiles:
  case plan::GpuProduct::WgmmaPairs:
    return llvm::formatv("WgmmaTile<{0}, {1}, {2}>", kernel.field("rows"), kernel.field("columns"),
                         clusterBlocks(formOf(kernel)));
  default:
    return "FmaTile";
  }
}

/// The function of a form: `name` and its kind, then its template arguments, of which all have
/// `shape` and `last`.
static std::string productFunction(const KernelText &kernel, const std::string &name,
                                   const std::string &shape, const std::string &last) {
  switch (formOf(kernel)) {
  case plan::GpuProduct::Dots:
    return llvm::formatv("{0}Rows<{1}, {2}, {3}{4}>", name, shape, kernel.field("rows"),
                         kernel.field("threads"), last);
  case plan::GpuProduct::FmaTiles:
    return name + "Tiles<" + shape + last + ">";
  case plan::GpuProduct::MmaTiles:
    return name + "Mma<" + shape + ", " + tileText(kernel) + last + ">";
  case plan::GpuProduct::WgmmaTiles:
  case plan::GpuProduct::WgmmaPairs:
    return name + "Wgmma<" + shape + ", " + tileText(kernel) + last + ">";
  }
  llvm_unreachable("all forms are handled");
}

/// The second argument of a form that has a tensor map.
static const char *mapArgument(const FamilyText &text) {
  return text.weightMap.empty() ? "" : "&weightMap, ";
}

/// What forms of warp groups have besides: the tensor map of their weight, of which a box is a part
/// of a product, or what each block of a cluster brings of it.
static void addWeightMap(const KernelText &kernel, FamilyText &text, Value weight, int64_t parts,
                         int64_t group) {
  int64_t blocks = clusterBlocks(formOf(kernel));
  int64_t boxRows = 128 / (parts * blocks), columns = lastDim(weight);
  text.persistent = true;
  auto type = cast<RankedTensorType>(weight.getType());
  text.weightMap = llvm::formatv("{0}, {1}, {2}, {3}", kernel.parameterOf(weight),
                                 type.getNumElements() / columns,
                                 columns * type.getElementTypeBitWidth() / 8, boxRows);
  text.checks = sharedCheck(
      kernel, llvm::formatv("{0}::sharedBytes({1}, {2})", tileText(kernel), parts, group));
  text.checks += llvm::formatv("\n  static_assert(productColumns / {0} == {1} && {2}::threads == "
                               "{3}, \"boxes and threads\");",
                               parts * blocks, boxRows, tileText(kernel), kernel.field("threads"));
}

/// What both products print alike; `end` is the end of the call: epilogue and stage.
template <typename OpT>
static FamilyText beginProduct(KernelText &kernel, OpT op, std::string &end) {
  kernel.setName(op.getA(), "a");
  kernel.setName(op.getAScales(), "aScales");
  kernel.setName(op.getWeight(), "weight");
  kernel.setName(op.getScales(), "scales");
  kernel.setName(op.getDestination(), "out");
  kernel.setName(op.getScalesDestination(), "outScales");
  FamilyText text;
  text.declarations = prologueText(kernel, op.getPrologue());
  auto parts = static_cast<int64_t>(op.getParts());
  auto group = static_cast<int64_t>(op.getQuantiseGroup().value_or(0));
  end = addEpilogue(kernel, text, op.getEpilogue(), op.getEpilogueInputs(), op.getAccess(), parts,
                    group > 0 ? ValueRange() : ValueRange(op.getDestination()));
  if (group > 0) {
    end += stageText(kernel, op.getDestination(), op.getScalesDestination(),
                     static_cast<uint64_t>(group), op.getUe8m0());
  }
  plan::GpuProduct form = formOf(kernel);
  assert((op.getPrologue().empty() || form < plan::GpuProduct::MmaTiles) &&
         "a weight of bf16 needs no prologue, others no tensor cores");
  if (isOfWarpGroups(form)) {
    addWeightMap(kernel, text, op.getWeight(), parts, group);
  } else if (form == plan::GpuProduct::Dots && group > 0) {
    text.checks =
        sharedCheck(kernel, llvm::formatv("stagedBytes({0}, {1})", kernel.field("rows"), group));
  } else if (form != plan::GpuProduct::Dots) {
    std::string bytes = llvm::formatv("{0}::sharedBytes({1})", tileText(kernel), parts);
    if (group > 0 && form == plan::GpuProduct::FmaTiles) {
      bytes += llvm::formatv(" + stagedBytes(FmaTile::rows, {0})", group).str();
    }
    text.checks = sharedCheck(kernel, bytes);
  }
  return text;
}

/// The rows of a product: "Rows<…>{a}", of codes "scaledRows<2>(Rows<…>{a}, aScales)".
template <typename OpT>
static std::string rowsOf(const KernelText &kernel, OpT op) {
  return op.getAScales() ? kernel.scaledRows(op.getA(), op.getAScales()) : kernel.rows(op.getA());
}

static FamilyText print(KernelText &kernel, kern::GemmOp op) {
  std::string end;
  FamilyText text = beginProduct(kernel, op, end);
  text.header = text.weightMap.empty() ? "gemm" : "wgmma_gemm";
  ArrayRef<int64_t> sizes = cast<RankedTensorType>(op.getWeight().getType()).getShape();
  auto parts = static_cast<int64_t>(op.getParts());
  std::string shape = llvm::formatv("{0}, {1}, {2}", parts, sizes.drop_back().back() / parts,
                                    sizes.size() == 3 ? sizes[0] : 1);
  text.call = llvm::formatv(
      "{0}(launch, {1}{2},\n    {3}, {4}, {5});", productFunction(kernel, "gemm", shape, ""),
      mapArgument(text), rowsOf(kernel, op),
      kernel.weight(op.getWeight(), op.getScales(), op.getBlock(), !op.getPrologue().empty()),
      KernelText::rowCount(op.getResult()), end);
  return text;
}

static FamilyText print(KernelText &kernel, kern::GroupedGemmOp op) {
  kernel.setName(op.getOffsets(), "offsets");
  kernel.setName(op.getRows(), "rows");
  std::string end;
  FamilyText text = beginProduct(kernel, op, end);
  text.header = text.weightMap.empty() ? "grouped_gemm" : "wgmma_gemm";
  std::string shape = llvm::formatv("{0}, {1}, {2}", op.getParts(), lastDim(op.getResult()),
                                    dimOf(op.getWeight(), 0));
  bool indirect = static_cast<bool>(op.getRows());
  std::string function =
      productFunction(kernel, "groupedGemm", shape, indirect ? ", true" : ", false");
  text.call = llvm::formatv(
      "{0}(launch, {1}{2},\n    {3}, {4}, {5}, {6});", function, mapArgument(text),
      rowsOf(kernel, op),
      kernel.weight(op.getWeight(), op.getScales(), op.getBlock(), !op.getPrologue().empty()),
      kernel.name(op.getOffsets()), indirect ? kernel.name(op.getRows()) : "nullptr", end);
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
  text.checks = sharedCheck(kernel, llvm::formatv("dispatchSharedBytes({0})", experts));
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

FailureOr<FamilyText> printFamily(KernelText &kernel) {
  return llvm::TypeSwitch<Operation *, FailureOr<FamilyText>>(kernel.definition.getCore())
      .Case<kern::RowwiseOp, kern::GatherOp, kern::ConcatOp, kern::RopeTableOp, kern::RopeAppendOp,
            kern::LatentAttentionOp, kern::AttentionCombineOp, kern::ExpandedAttentionOp,
            kern::GemmOp, kern::GroupedGemmOp, kern::RouterOp, kern::DispatchOp, kern::CombineOp>(
          [&](auto op) { return FailureOr<FamilyText>(print(kernel, op)); })
      .Default([&](Operation *op) {
        return FailureOr<FamilyText>(kernel.definition.emitError("GPUs have no code for '")
                                     << op->getName() << "'");
      });
}

} // namespace dsv3::cuda
