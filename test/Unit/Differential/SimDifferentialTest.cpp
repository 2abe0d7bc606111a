//===- SimDifferentialTest.cpp - every GPU kernel, interpreted and simulated -===//
//
// Models whose kernels are FP8 and BF16, ragged and round, with and without groups of experts;
// with quantised activations; and with tiles of warps and of warp groups, whose rows are bf16.
//
//===----------------------------------------------------------------------===//
#include "KernelRun.h"
#include "Models.h"

#include "dsv3/Tools/Registration.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/FormatVariadic.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

using namespace mlir;
using namespace dsv3;
using namespace dsv3::differential;

static Case caseOf(const std::string &name) {
  return *llvm::find_if(allCases(), [&](const Case &known) { return known.name == name; });
}

/// Whether a product of the module has the form.
static bool has(ModuleOp module, const std::string &variant, plan::GpuProduct form) {
  return llvm::any_of(module.getOps<kern::DefOp>(), [&](kern::DefOp definition) {
    auto field = definition.getConfig(variant).getAs<IntegerAttr>("form");
    return field && field.getInt() == static_cast<int64_t>(form);
  });
}

/// Whether warps store results of a kernel in boxes.
static bool hasBoxes(ModuleOp module, const std::string &variant) {
  return llvm::any_of(module.getOps<kern::DefOp>(), [&](kern::DefOp definition) {
    auto boxes = definition.getConfig(variant).getAs<IntegerAttr>("boxes");
    return boxes && boxes.getInt() > 0;
  });
}

namespace {

/// Kernels that several models have are compared once.
class SimKernels : public testing::Test {
protected:
  static void SetUpTestSuite() { known.clear(); }

  /// With more tokens than a tile has rows. Products of many rows have the forms `tiles`, and there
  /// is a kernel of that kind, if one is given.
  static void compareModel(const Case &one, const std::string &variant, int64_t mostTokens,
                           llvm::ArrayRef<plan::GpuProduct> tiles, StringRef kind = {});

private:
  /// By what they mean, for a variant, and the tokens that they get at the most.
  static inline std::set<std::pair<std::string, int64_t>> known;
};

} // namespace

void SimKernels::compareModel(const Case &one, const std::string &variant, int64_t mostTokens,
                              llvm::ArrayRef<plan::GpuProduct> tiles, StringRef kind) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  OwningOpRef<ModuleOp> module = compileCase(one, context, {variant});
  ASSERT_TRUE(module);
  for (plan::GpuProduct form : tiles) {
    ASSERT_TRUE(has(*module, variant, form));
    ASSERT_TRUE(!isOfWarpGroups(form) || hasBoxes(*module, variant));
  }
  ASSERT_TRUE(kind.empty() || llvm::any_of(module->getOps<kern::DefOp>(), [&](kern::DefOp made) {
                return made.getKind() == kind;
              }));
  for (auto function : llvm::make_early_inc_range(module->getOps<func::FuncOp>())) {
    function.erase();
  }
  for (auto definition : llvm::make_early_inc_range(module->getOps<kern::DefOp>())) {
    int64_t tokens = std::min(mostTokensOf(definition), mostTokens);
    if (!known.insert({meaningOf(definition), tokens}).second) {
      definition.erase();
    }
  }
  compareKernelsOnSim(*module, variant, mostTokens);
}

/// Rows of bf16, and sizes that are multiples of eight, as tensor cores have them.
static Case onTensorCores(const std::string &name, const std::string &instructions) {
  Case one = caseOf(name);
  one.policy = "bf16";
  one.tensorCores = instructions;
  one.ragged = one.ragged > 0 ? 8 : 0;
  return one;
}

/// Rows of codes.
static Case quantised(const std::string &name, const std::string &instructions = "mma") {
  Case one = caseOf(name);
  one.policy = "w8a8";
  one.tensorCores = instructions;
  return one;
}

using Form = plan::GpuProduct;

TEST_F(SimKernels, OfNanoDoWhatTheirBodiesSay) {
  compareModel(caseOf("nanoBf16"), "sm_80", 70, {Form::FmaTiles});
}
TEST_F(SimKernels, OfARaggedModelDoWhatTheirBodiesSay) {
  compareModel(caseOf("v3Ragged"), "sm_80", 70, {Form::FmaTiles});
}
TEST_F(SimKernels, OfWarpsDoWhatTheirBodiesSay) {
  compareModel(onTensorCores("moonlightRagged", "mma"), "sm_80", 140, {Form::MmaTiles});
}
TEST_F(SimKernels, OfWarpGroupsDoWhatTheirBodiesSay) {
  // Of the second pair of tiles one has no rows.
  compareModel(onTensorCores("moonlightRagged", "wgmma"), "sm_90a", 270, {Form::WgmmaPairs});
}
// Heads that are whole groups of codes leave their product as codes.
TEST_F(SimKernels, OfQuantisedRowsDoWhatTheirBodiesSay) {
  Case one = quantised("nano");
  one.vHeadDim = 128;
  compareModel(one, "sm_90a", 70, {Form::MmaTiles}, "head_linear_quantise");
}
// With sizes that end within a tile, a product and a block of scales.
TEST_F(SimKernels, OfQuantisedRowsOnWarpGroupsDoWhatTheirBodiesSay) {
  Case one = quantised("v3Ragged", "wgmma");
  one.ragged = 16;
  compareModel(one, "sm_90a", 140, {Form::WgmmaTiles, Form::WgmmaPairs});
}
// Rows of codes that begin anywhere are for no tensor cores.
TEST_F(SimKernels, OfRaggedQuantisedRowsDoWhatTheirBodiesSay) {
  compareModel(quantised("v3Ragged"), "sm_90a", 70, {Form::FmaTiles});
}
// Codes of a byte and of half a byte, with rows of an even and an odd number of columns.
TEST_F(SimKernels, OfInt8WeightsDoWhatTheirBodiesSay) {
  compareModel(caseOf("nanoInt8"), "sm_80", 70, {Form::FmaTiles});
}
TEST_F(SimKernels, OfRaggedInt8WeightsDoWhatTheirBodiesSay) {
  compareModel(caseOf("v3RaggedInt8"), "sm_80", 70, {Form::FmaTiles});
}
TEST_F(SimKernels, OfInt4WeightsDoWhatTheirBodiesSay) {
  compareModel(caseOf("nanoInt4"), "sm_80", 70, {Form::FmaTiles});
}
TEST_F(SimKernels, OfRaggedInt4WeightsDoWhatTheirBodiesSay) {
  compareModel(caseOf("kimiRaggedInt4"), "sm_80", 70, {Form::FmaTiles});
}
// Rounded to bf16 where they are read.
TEST_F(SimKernels, OfInt4WeightsUnderPolicyBf16DoWhatTheirBodiesSay) {
  Case one = onTensorCores("nanoBf16", "mma");
  one.weights = "int4";
  compareModel(one, "sm_80", 70, {Form::MmaTiles});
}
// Attention is on tensor cores too where the policy allows it. CPUs have no code for it.
TEST_F(SimKernels, OfPolicyBf16DoWhatTheirBodiesSay) {
  compareModel(onTensorCores("nanoBf16", "mma"), "sm_80", 70, {Form::MmaTiles});
}
TEST_F(SimKernels, OfChoicesDoWhatTheirBodiesSay) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  compareKernelsOnSim(*sampleKernels(context, {"sm_90a"}), "sm_90a", 64);
}

static std::string dispatchText(int64_t experts, int64_t perToken, int64_t mostTokens) {
  return llvm::formatv(R"(
#T = #dsv3.dims<"T">
!e = tensor<?x{1}xi32, #T>
!r = tensor<?xi32, #dsv3.dims<"T*{1}">>
!o = tensor<{2}xi32>
kern.def @dispatch_{0} kind "dispatch" family "dispatch" sizes ["T"] ins(%e: !e) outs(%o: !o, %r: !r, %s: !e) attributes {{maxima = [#dsv3.size<"T", max = {3}>]} {{
  %a, %b, %c = kern.dispatch ins(%e : !e) outs(%o, %r, %s : !o, !r, !e) -> !o, !r, !e
  kern.yield %a, %b, %c : !o, !r, !e
}
)",
                       experts, perToken, experts + 1, mostTokens);
}

// Warps have many entries, some the last ones alone; or one has all.
TEST(Dispatch, DoesWhatItsBodySays) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  constexpr int64_t many = 600;
  for (auto [experts, perToken, tokens] :
       {std::array<int64_t, 3>{64, 6, many}, {384, 8, many}, {3, 2, many}, {256, 8, 16}}) {
    OwningOpRef<ModuleOp> module =
        configured(dispatchText(experts, perToken, tokens), context, {"sm_90a"});
    ASSERT_TRUE(module);
    compareKernelsOnSim(*module, "sm_90a", many);
  }
}

namespace {
/// Weights of a type that are rounded to bf16 where products read them.
struct RoundedCase {
  const char *name;
  const char *variant;
  const char *weight;
  int64_t depth;
  std::string block = {}; ///< of scales
  /// The types of scales of 144 rows, and of 40 experts with 72 each.
  std::string scales = {}, expertScales = {};
};

void PrintTo(const RoundedCase &one, std::ostream *out) { *out << one.name; }

class RoundedWeights : public testing::TestWithParam<RoundedCase> {};
} // namespace

static std::string textOf(const RoundedCase &one) {
  bool scaled = !one.scales.empty();
  auto ifScaled = [&](const std::string &before, const std::string &type) {
    return scaled ? before + "tensor<" + type + ">" : "";
  };
  std::string operand = scaled ? " scales %s block " + one.block : "";
  return llvm::formatv(R"(
#T = #dsv3.dims<"T">
#E = #dsv3.dims<"T*3">
!x = tensor<?x{0}xbf16, #T>
!w = tensor<144x{0}x{1}>
!v = tensor<40x72x{0}x{1}>
!i = tensor<?xi32, #E>
!o = tensor<?x72xf32, #T>
!e = tensor<?x72xbf16, #E>
kern.def @gate_up kind "gate_up" family "gemm" sizes ["T"] ins(%x: !x, %w: !w{2}) outs(%o: !o) attributes {{maxima = [#dsv3.size<"T", max = 140>]} {{
  %y = kern.gemm ins(%x, %w{4} : !x, !w{5}) outs(%o : !o) parts 2 prologue {{
  ^bb0(%a: f32):
    %r = arith.truncf %a : f32 to bf16
    kern.yield %r : bf16
  } epilogue() [] {{
  ^bb0(%g: f32, %u: f32):
    %d = arith.subf %g, %u : f32
    kern.yield %d : f32
  } -> !o
  kern.yield %y : !o
}
kern.def @experts kind "experts" family "grouped_gemm" sizes ["T"] ins(%x: !x, %w: !v{3}, %off: tensor<41xi32>, %i: !i) outs(%o: !e) attributes {{maxima = [#dsv3.size<"T", max = 140>]} {{
  %y = kern.grouped_gemm ins(%x, %w{4}, %off rows %i : !x, !v{6}, tensor<41xi32> rows !i) outs(%o : !e) prologue {{
  ^bb0(%a: f32):
    %r = arith.truncf %a : f32 to bf16
    kern.yield %r : bf16
  } epilogue() [] {{
  ^bb0(%a: f32):
    %r = arith.truncf %a : f32 to bf16
    kern.yield %r : bf16
  } -> !e
  kern.yield %y : !e
}
)",
                       one.depth, one.weight, ifScaled(", %s: ", one.scales),
                       ifScaled(", %s: ", one.expertScales), operand, ifScaled(", ", one.scales),
                       ifScaled(" scales ", one.expertScales));
}

// Rows, columns and depth end within a tile; experts have few rows, some none.
TEST_P(RoundedWeights, AreMultipliedAsTheirBodiesSay) {
  const RoundedCase &one = GetParam();
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  OwningOpRef<ModuleOp> module = configured(textOf(one), context, {one.variant});
  ASSERT_TRUE(module);
  for (kern::DefOp definition : module->getOps<kern::DefOp>()) {
    auto form = definition.getConfig(one.variant).getAs<IntegerAttr>("form");
    EXPECT_EQ(form.getInt(), static_cast<int64_t>(Form::MmaTiles)) << definition.getSymName().str();
  }
  compareKernelsOnSim(*module, one.variant, 140);
}
INSTANTIATE_TEST_SUITE_P(
    OnTensorCores, RoundedWeights,
    testing::Values(
        RoundedCase{"Fp8", "sm_80", "f8E4M3FN", 208, "[128, 128]", "2x2xf32", "40x1x2xf32"},
        RoundedCase{"Fp8InSmallBlocks", "sm_90a", "f8E4M3FN", 176, "[64, 16]", "3x11xf32",
                    "40x2x11xf32"},
        RoundedCase{"Fp8OnBlackwell", "sm_120a", "f8E4M3FN", 256, "[128, 128]", "2x2xf32",
                    "40x1x2xf32"},
        RoundedCase{"Int8", "sm_120a", "i8", 224, "[1, 32]", "144x7xf16", "40x72x7xf16"},
        RoundedCase{"Int4", "sm_90a", "i4", 224, "[1, 32]", "144x7x2xf16", "40x72x7x2xf16"},
        RoundedCase{"F16", "sm_80", "f16", 200}, RoundedCase{"F32", "sm_80", "f32", 200}),
    [](const auto &info) { return std::string(info.param.name); });

namespace {
/// Products of experts that have room for some entries each, in the form of a policy.
struct MaskedCase {
  const char *name, *variant, *rows, *weight;
  int64_t depth, capacity;
  Form form;
  const char *tensorCores = "mma";
};
void PrintTo(const MaskedCase &one, std::ostream *out) { *out << one.name; }
class Masked : public testing::TestWithParam<MaskedCase> {};
} // namespace

static std::string textOf(const MaskedCase &one) {
  bool codes = StringRef(one.rows) == "f8E4M3FN";
  int64_t blocks = (one.depth + 127) / 128;
  auto ifCodes = [&](std::string text) { return codes ? std::move(text) : std::string(); };
  std::string ofRows = llvm::formatv("tensor<{0}x{1}xf32>", 5 * one.capacity, blocks);
  std::string ofWeight = llvm::formatv("tensor<5x2x{0}xf32>", blocks);
  return llvm::formatv(
      R"(
!x = tensor<{0}x{1}x{2}>
!w = tensor<5x144x{1}x{3}>
!n = tensor<5xi32>
!o = tensor<{0}x72xbf16>
kern.def @masked kind "experts" family "grouped_gemm" sizes [] ins(%x: !x, %w: !w, %n: !n{5}) outs(%o: !o) {{
  %y = kern.grouped_gemm ins(%x{6}, %w{7}, %n capacity {4} : !x{8}, !w{9}, !n) outs(%o : !o) parts 2 epilogue() [] {{
  ^bb0(%g: f32, %u: f32):
    %d = arith.subf %g, %u : f32
    %r = arith.truncf %d : f32 to bf16
    kern.yield %r : bf16
  } -> !o
  kern.yield %y : !o
}
)",
      5 * one.capacity, one.depth, one.rows, one.weight, one.capacity,
      ifCodes(", %xs: " + ofRows + ", %ws: " + ofWeight), ifCodes(" scales %xs"),
      ifCodes(" scales %ws block [128, 128]"), ifCodes(" scales " + ofRows),
      ifCodes(" scales " + ofWeight));
}

// An expert has none, one as many as there is room for; nobody writes what is behind the last.
TEST_P(Masked, DoesWhatItsBodySays) {
  const MaskedCase &one = GetParam();
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  OwningOpRef<ModuleOp> module = configured(textOf(one), context, {one.variant}, one.tensorCores);
  ASSERT_TRUE(module);
  ASSERT_TRUE(has(*module, one.variant, one.form));
  compareKernelsOnSim(*module, one.variant, 1);
}
// As w1 and w3 of experts are under policy w8a8: SiLU·mul leaves codes.
TEST(MaskedCodes, AreLeftAsTheirBodySays) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  OwningOpRef<ModuleOp> module = configured(R"(
!c = tensor<750x256xf8E4M3FN>
!s = tensor<750x2xf32>
!w = tensor<5x256x256xf8E4M3FN>
!ws = tensor<5x2x2xf32>
!o = tensor<750x128xf8E4M3FN>
!os = tensor<750x1xf32>
kern.def @masked kind "experts" family "grouped_gemm" sizes [] ins(%x: !c, %xs: !s, %w: !w, %ws: !ws, %n: tensor<5xi32>) outs(%o: !o, %os: !os) {
  %y, %ys = kern.grouped_gemm ins(%x scales %xs, %w scales %ws block [128, 128], %n capacity 150 : !c scales !s, !w scales !ws, tensor<5xi32>) outs(%o, %os : !o, !os) parts 2 epilogue() [] {
  ^bb0(%g: f32, %u: f32):
    %d = arith.mulf %g, %u : f32
    kern.yield %d : f32
  } quantise group 128 -> !o, !os
  kern.yield %y, %ys : !o, !os
}
)",
                                            context, {"sm_90a"});
  ASSERT_TRUE(module);
  ASSERT_TRUE(has(*module, "sm_90a", Form::WgmmaTiles) || has(*module, "sm_90a", Form::WgmmaPairs));
  compareKernelsOnSim(*module, "sm_90a", 1);
}
INSTANTIATE_TEST_SUITE_P(
    AllForms, Masked,
    testing::Values(
        MaskedCase{"Dots", "sm_80", "f32", "bf16", 80, 2, Form::Dots},
        MaskedCase{"FmaTiles", "sm_80", "f32", "bf16", 80, 70, Form::FmaTiles},
        MaskedCase{"MmaTiles", "sm_80", "bf16", "bf16", 128, 140, Form::MmaTiles},
        MaskedCase{"Wgmma", "sm_90a", "bf16", "bf16", 128, 150, Form::WgmmaTiles, "wgmma"},
        MaskedCase{"WgmmaPairs", "sm_90a", "bf16", "bf16", 128, 300, Form::WgmmaPairs, "wgmma"},
        MaskedCase{"Codes", "sm_90a", "f8E4M3FN", "f8E4M3FN", 256, 150, Form::WgmmaTiles, "wgmma"}),
    [](const auto &info) { return std::string(info.param.name); });

namespace {
/// Absorbed attention of a size that is published, in steps of so many tokens that a block has
/// the heads that are wanted.
struct LatentCase {
  const char *name;
  const char *variant;
  int64_t heads, parts, mostTokens;
  int64_t blockHeads, keys, stages; ///< that are chosen
};
/// On warp groups rows are so many heads of some tokens. Keys that are not divided have a `result`.
struct LatentGroupsCase {
  const char *name;
  int64_t heads, parts, mostTokens;
  int64_t blockHeads, blockTokens; ///< that are chosen
  int64_t context = 300;
  const char *result = "bf16";
  int64_t partPages = 1;
};

void PrintTo(const LatentCase &one, std::ostream *out) { *out << one.name; }
void PrintTo(const LatentGroupsCase &one, std::ostream *out) { *out << one.name; }

class LatentOnTensorCores : public testing::TestWithParam<LatentCase> {};
class LatentOnWarpGroups : public testing::TestWithParam<LatentGroupsCase> {};
} // namespace

static std::string latentText(int64_t heads, int64_t parts, int64_t mostTokens, int64_t context,
                              StringRef result, int64_t partPages = 1) {
  return llvm::formatv(
      R"(
#T = #dsv3.dims<"T">
!q = tensor<?x{0}x512xbf16, #T>
!r = tensor<?x{0}x64xbf16, #T>
!i = tensor<?xi32, #T>
!o = tensor<?x{0}x{1}x{2}, #T>
!cache = !dsv3.cache<bf16, latent = 512, rope = 64, page = 64, context = {5}, requests = 3>
kern.def @latent kind "attention" family "latent_attention" sizes ["T"] ins(%q: !q, %r: !r, %pos: !i, %req: !i, %cache: !cache) outs(%o: !o) attributes {{maxima = [#dsv3.size<"T", max = {3}>]} {{
  %y = kern.latent_attention ins(%q, %r, %pos, %req : !q, !r, !i, !i) from(%cache : !cache) outs(%o : !o) scale 1.3e-01 {4} -> !o
  kern.yield %y : !o
}
)",
      heads, parts > 0 ? 514 * parts : 512, parts > 0 ? "f32" : result, mostTokens,
      parts > 0 ? "parts " + std::to_string(parts) + " pages " + std::to_string(partPages) : "",
      context);
}

// Tokens that see part of a page and of a piece of it, pages in any order, parts without keys.
TEST_P(LatentOnTensorCores, DoesWhatItsBodySays) {
  const LatentCase &one = GetParam();
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  OwningOpRef<ModuleOp> module = configured(
      latentText(one.heads, one.parts, one.mostTokens, 300, "bf16"), context, {one.variant}, "mma");
  ASSERT_TRUE(module);
  ASSERT_TRUE(has(*module, one.variant, Form::MmaTiles));
  DictionaryAttr chosen = (*module->getOps<kern::DefOp>().begin()).getConfig(one.variant);
  auto field = [&](StringRef name) { return chosen.getAs<IntegerAttr>(name).getInt(); };
  EXPECT_EQ(field("heads"), one.blockHeads);
  EXPECT_EQ(field("keys"), one.keys);
  EXPECT_EQ(field("stages"), one.stages);
  compareKernelsOnSim(*module, one.variant, one.mostTokens + 1); // one token, and some
}
INSTANTIATE_TEST_SUITE_P(
    Published, LatentOnTensorCores,
    testing::Values(LatentCase{"SixteenHeads", "sm_90a", 16, 4, 16, 16, 64, 2},
                    LatentCase{"SixteenHeadsOfSmallPieces", "sm_80", 16, 0, 16, 16, 32, 3},
                    LatentCase{"FourHeads", "sm_120a", 4, 16, 16, 16, 32, 2},
                    LatentCase{"SixtyFourHeads", "sm_90a", 64, 4, 32, 64, 64, 2},
                    LatentCase{"TwiceSixtyFourHeads", "sm_80", 128, 0, 64, 64, 32, 2},
                    LatentCase{"ThirtyTwoHeads", "sm_120a", 64, 4, 32, 32, 16, 3}),
    [](const auto &info) { return std::string(info.param.name); });

// Tokens of a request that share a page, and of others; rows that are no whole product; parts that
// have no keys, one page, and some; keys that are no numbers and that only some of the rows see.
TEST_P(LatentOnWarpGroups, DoesWhatItsBodySays) {
  const LatentGroupsCase &one = GetParam();
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  OwningOpRef<ModuleOp> module = configured(
      latentText(one.heads, one.parts, one.mostTokens, one.context, one.result, one.partPages),
      context, {"sm_90a"});
  ASSERT_TRUE(module);
  ASSERT_TRUE(has(*module, "sm_90a", Form::WgmmaTiles));
  DictionaryAttr chosen = (*module->getOps<kern::DefOp>().begin()).getConfig("sm_90a");
  EXPECT_EQ(chosen.getAs<IntegerAttr>("heads").getInt(), one.blockHeads);
  EXPECT_EQ(chosen.getAs<IntegerAttr>("tokens").getInt(), one.blockTokens);
  compareKernelsOnSim(*module, "sm_90a", one.mostTokens + 1); // one token, and some
}
INSTANTIATE_TEST_SUITE_P(
    AllSizes, LatentOnWarpGroups,
    testing::Values(LatentGroupsCase{"SixteenHeads", 16, 64, 16, 16, 4, 1500},
                    LatentGroupsCase{"LongParts", 20, 4, 16, 20, 3, 1500, "f32", 3},
                    LatentGroupsCase{"SixteenHeadsUndivided", 16, 0, 16, 16, 4},
                    LatentGroupsCase{"ThreeHeads", 3, 3, 64, 3, 21, 700},
                    LatentGroupsCase{"FortyHeads", 40, 2, 5, 40, 1, 200},
                    LatentGroupsCase{"TwiceSixtyFourHeads", 128, 4, 4, 64, 1, 700},
                    LatentGroupsCase{"SeventyHeads", 70, 0, 3, 64, 1, 64, "f32"}),
    [](const auto &info) { return std::string(info.param.name); });

// More parts than a warp has lanes.
TEST(AttentionCombine, DoesWhatItsBodySays) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  std::string text = "#T = #dsv3.dims<\"T\">\n";
  for (int64_t parts : {5, 32, 70, 128}) {
    text += llvm::formatv(R"(
kern.def @combine{0} kind "attention_combine" family "attention_combine" sizes ["T"] ins(%x: tensor<?x3x{1}xf32, #T>) outs(%o: tensor<?x3x40xbf16, #T>) attributes {{maxima = [#dsv3.size<"T", max = 16>]} {{
  %y = kern.attention_combine ins(%x : tensor<?x3x{1}xf32, #T>) outs(%o : tensor<?x3x40xbf16, #T>) parts {0} -> tensor<?x3x40xbf16, #T>
  kern.yield %y : tensor<?x3x40xbf16, #T>
}
)",
                          parts, parts * 42);
  }
  OwningOpRef<ModuleOp> module = configured(text, context, {"sm_80"});
  ASSERT_TRUE(module);
  compareKernelsOnSim(*module, "sm_80", 17);
}

namespace {
/// A prompt's keys on warp groups, of so many heads and latents.
struct PrefillCase {
  const char *name;
  int64_t heads, latent, rope, context, requests, tokens;
};
class PrefillOnWarpGroups : public testing::TestWithParam<PrefillCase> {};
} // namespace

static std::string textOf(const PrefillCase &one) {
  return llvm::formatv(
      R"(
#T = #dsv3.dims<"T">
!q = tensor<?x{0}x128xbf16, #T>
!r = tensor<?x{0}x{2}xbf16, #T>
!w = tensor<{0}x256x{1}xbf16>
!i = tensor<?xi32, #T>
!k = tensor<{5}x{0}x128xbf16>
!p = tensor<{5}x{2}xbf16>
!v = tensor<{0}x128x{5}xbf16>
!cache = !dsv3.cache<bf16, latent = {1}, rope = {2}, page = 64, context = {3}, requests = {4}>
kern.def @expand kind "expand" family "expand_latents" sizes ["T"] ins(%w: !w, %pos: !i, %req: !i, %cache: !cache) outs(%ko: !k, %po: !p, %vo: !v) attributes {{maxima = [#dsv3.size<"T", max = {6}>]} {{
  %k, %p, %v = kern.expand_latents ins(%w, %pos, %req : !w, !i, !i) from(%cache : !cache) outs(%ko, %po, %vo : !k, !p, !v) -> !k, !p, !v
  kern.yield %k, %p, %v : !k, !p, !v
}
kern.def @attend kind "attention" family "prefill_attention" sizes ["T"] ins(%q: !q, %r: !r, %pos: !i, %req: !i, %k: !k, %p: !p, %v: !v) outs(%o: !q) attributes {{maxima = [#dsv3.size<"T", max = {6}>]} {{
  %y = kern.prefill_attention ins(%q, %r, %k, %p, %v, %pos, %req : !q, !r, !k, !p, !v, !i, !i) outs(%o : !q) context {3} scale 7.0e-02 -> !q
  kern.yield %y : !q
}
)",
      one.heads, one.latent, one.rope, one.context, one.requests,
      one.requests * kern::expandedRows(one.context), one.tokens);
}

// Several requests in a block, and tokens, keys and pages that end within a piece.
TEST_P(PrefillOnWarpGroups, DoesWhatItsBodySays) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  OwningOpRef<ModuleOp> module = configured(textOf(GetParam()), context, {"sm_90a"});
  ASSERT_TRUE(module);
  compareKernelsOnSim(*module, "sm_90a", GetParam().tokens);
}
INSTANTIATE_TEST_SUITE_P(AllSizes, PrefillOnWarpGroups,
                         testing::Values(PrefillCase{"Published", 2, 512, 64, 300, 3, 150},
                                         PrefillCase{"OneRequest", 1, 64, 64, 1000, 1, 130},
                                         PrefillCase{"FewTokens", 3, 128, 64, 200, 2, 20}),
                         [](const auto &info) { return std::string(info.param.name); });

namespace {
/// Expanded attention with heads of so many columns. A weight that is not bf16 is rounded on its
/// way; codes have `scales` for each head, and such a block of them.
struct ExpandedCase {
  const char *name;
  int64_t heads, nope, rope, value, latent;
  const char *element = "bf16", *scales = nullptr, *block = "", *variant = "sm_90a";
};

class ExpandedOnTensorCores : public testing::TestWithParam<ExpandedCase> {};
} // namespace

static std::string textOf(const ExpandedCase &one) {
  bool scaled = one.scales != nullptr, rounded = one.element != StringRef("bf16");
  std::string scales =
      scaled ? llvm::formatv("tensor<{0}x{1}>", one.heads, one.scales).str() : std::string();
  return llvm::formatv(
      R"(
#T = #dsv3.dims<"T">
!q = tensor<?x{0}x{1}xbf16, #T>
!r = tensor<?x{0}x{2}xbf16, #T>
!w = tensor<{0}x{3}x{4}x{6}>
!i = tensor<?xi32, #T>
!o = tensor<?x{0}x{5}xbf16, #T>
!cache = !dsv3.cache<bf16, latent = {4}, rope = {2}, page = 64, context = 300, requests = 3>
kern.def @expanded kind "attention" family "expanded_attention" sizes ["T"] ins(%q: !q, %r: !r, %w: !w{7}, %pos: !i, %req: !i, %cache: !cache) outs(%o: !o) attributes {{maxima = [#dsv3.size<"T", max = 70>]} {{
  %y = kern.expanded_attention ins(%q, %r, %w{8}, %pos, %req : !q, !r, !w{9}, !i, !i) from(%cache : !cache) outs(%o : !o) scale 1.3e-01{10} -> !o
  kern.yield %y : !o
}
)",
      one.heads, one.nope, one.rope, one.nope + one.value, one.latent, one.value, one.element,
      scaled ? ", %s: " + scales : "",
      scaled ? std::string(" scales %s block ") + one.block : std::string(),
      scaled ? " scales " + scales : "",
      rounded ? " prologue {\n  ^bb0(%x: f32):\n    %b = arith.truncf %x : f32 to bf16\n    "
                "kern.yield %b : bf16\n  }"
              : "");
}

// Keys in several pages, the last one known in part; pieces and tiles that end within.
TEST_P(ExpandedOnTensorCores, DoesWhatItsBodySays) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  OwningOpRef<ModuleOp> module = configured(textOf(GetParam()), context, {GetParam().variant});
  ASSERT_TRUE(module);
  ASSERT_TRUE(has(*module, GetParam().variant, Form::MmaTiles));
  compareKernelsOnSim(*module, GetParam().variant, 70);
}
INSTANTIATE_TEST_SUITE_P(AllSizes, ExpandedOnTensorCores,
                         testing::Values(ExpandedCase{"Published", 2, 128, 64, 128, 512},
                                         ExpandedCase{"RaggedPiece", 1, 40, 24, 48, 72},
                                         ExpandedCase{"RaggedTile", 1, 104, 8, 80, 136},
                                         ExpandedCase{"PublishedFp8", 2, 128, 64, 128, 512,
                                                      "f8E4M3FN", "2x4xf32", "[128, 128]"},
                                         ExpandedCase{"RaggedFp8", 1, 40, 24, 80, 208, "f8E4M3FN",
                                                      "2x2xf32", "[64, 128]", "sm_80"},
                                         ExpandedCase{"RaggedF32", 1, 104, 8, 80, 136, "f32"}),
                         [](const auto &info) { return std::string(info.param.name); });
