//===- Models.cpp - models that the differential tests compile ------------===//
#include "Models.h"

#include "dsv3/Pipelines/Compiler.h"
#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/Names.h"
#include "dsv3/Transforms/Passes.h"

#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FormatVariadic.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace mlir;

namespace dsv3::differential {

static int64_t smaller(int64_t size, const Case &one, int64_t least) {
  return one.divisor == 1 ? size : std::max(least, size / one.divisor) + one.ragged;
}

static checkpoint::ModelConfig configOf(const Case &one) {
  std::ifstream file(one.config);
  std::stringstream text;
  text << file.rdbuf();
  Expected<checkpoint::ModelConfig> parsed = checkpoint::parseModelConfig(text.str(), one.config);
  EXPECT_TRUE(parsed.ok()) << parsed.failure().message();
  checkpoint::ModelConfig config = *parsed;
  config.hiddenSize = smaller(config.hiddenSize, one, 64);
  config.intermediateSize = smaller(config.intermediateSize, one, 64);
  config.moeIntermediateSize = smaller(config.moeIntermediateSize, one, 32);
  config.kvLoraRank = smaller(config.kvLoraRank, one, 32);
  if (config.qLoraRank) {
    config.qLoraRank = smaller(*config.qLoraRank, one, 32);
  }
  config.qkNopeHeadDim = smaller(config.qkNopeHeadDim, one, 16);
  config.vHeadDim = one.vHeadDim > 0 ? one.vHeadDim : smaller(config.vHeadDim, one, 16);
  if (one.divisor > 1) {
    config.vocabSize = std::min<int64_t>(config.vocabSize, 1000) + one.ragged;
    config.qkRopeHeadDim = 10;
    config.numAttentionHeads = 5;
    int64_t groups = config.nGroup;
    config.nRoutedExperts = groups * std::max<int64_t>(2, config.nRoutedExperts / groups / 8);
  }
  if (!one.fp8) {
    config.quantization.reset();
  }
  return config;
}

static std::vector<Case> cases() {
  auto published = [](const char *name) {
    return std::string(DSV3_SOURCE_DIR) + "/models/" + name + "/config.json";
  };
  std::vector<Case> all{
      {"nano", published("nano"), 1, 0, DType::BF16, true, 130},
      {"nanoBf16", published("nano"), 1, 0, DType::BF16, false},
      {"nanoF32", published("nano"), 1, 0, DType::F32, false},
      {"nanoF16", published("nano"), 1, 0, DType::F16, false},
      {"v3", published("deepseek-v3-671b"), 16},
      {"v3Ragged", published("deepseek-v3-671b"), 32, 3, DType::BF16, true, 130},
      {"kimiRagged", published("kimi-k2"), 32, 5},
      {"moonlightRagged", published("moonlight-16b-a3b"), 16, 7, DType::BF16, false},
      {"nanoInt8", published("nano"), 1, 0, DType::BF16, true, 130, "int8", "int8"},
      {"v3RaggedInt8", published("deepseek-v3-671b"), 32, 3, DType::BF16, true, 130, "int8", "fp8"},
      {"nanoInt4", published("nano"), 1, 0, DType::BF16, true, 130, "int4"},
      {"kimiRaggedInt4", published("kimi-k2"), 32, 5, DType::BF16, true, 130, "int4"},
      {"nanoCacheBf16", published("nano"), 1, 0, DType::BF16, true, 130, "", "", "bf16"},
      {"v3RaggedCacheF16", published("deepseek-v3-671b"), 32, 3, DType::BF16, true, 130, "", "",
       "f16"},
      {"nanoInt8Rows", published("nano"), 1, 0, DType::BF16, true, 130, "int8", "", "", "int8"},
      {"v3RaggedInt8Rows", published("deepseek-v3-671b"), 32, 3, DType::BF16, true, 130, "int8", "",
       "", "int8"},
      {"nanoInt4Int8Rows", published("nano"), 1, 0, DType::BF16, true, 130, "int4", "", "", "int8"},
      {"kimiRaggedInt4Int8Rows", published("kimi-k2"), 32, 5, DType::BF16, true, 130, "int4", "",
       "", "int8"},
      {"nanoBf16Rows", published("nano"), 1, 0, DType::BF16, false, 130, "", "", "", "bf16"},
      {"moonlightRaggedBf16Rows", published("moonlight-16b-a3b"), 16, 7, DType::BF16, false, 130,
       "", "", "", "bf16"}};
  // Of both some products have whole panels, and some have none.
  all.push_back({"nanoBf16InPlace", published("nano"), 1, 0, DType::BF16, false, 130});
  all.push_back(
      {"moonlightInPlace", published("moonlight-16b-a3b"), 16, 0, DType::BF16, false, 130});
  for (Case &one : llvm::MutableArrayRef(all).take_back(2)) {
    one.inPlace = true;
  }
  const char *oracles = std::getenv("DSV3_ORACLES");
  std::error_code error;
  std::vector<std::filesystem::path> folders;
  for (std::filesystem::directory_iterator at(oracles ? oracles : "", error), end;
       !error && at != end; at.increment(error)) {
    if (std::filesystem::exists(at->path() / "model" / "config.json")) {
      folders.push_back(at->path());
    }
  }
  llvm::sort(folders);
  for (const std::filesystem::path &folder : folders) {
    std::string name = "oracle_" + folder.filename().string();
    llvm::replace(name, '-', '_');
    all.push_back({name, folder / "model" / "config.json"});
  }
  return all;
}

const std::vector<Case> &allCases() {
  static const std::vector<Case> all = cases();
  return all;
}

OwningOpRef<ModuleOp> compileCase(const Case &one, MLIRContext &context,
                                  const std::vector<std::string> &variants) {
  ModelSource source{configOf(one), {}, {}, ""};
  auto published = import::publishedTypes(source.config);
  source.storedType = [&](StringRef key) {
    DType type = published(key);
    return type == DType::BF16 ? one.stored : type;
  };
  source.options.mtp = true;
  source.options.context = 300;
  source.options.requests = 3;
  PipelineOptions options;
  options.weights = one.weights, options.head = one.head, options.cacheType = one.cache;
  options.activations = one.activations;
  options.policy = one.policy, options.tensorCores = one.tensorCores;
  options.weightsInPlace = one.inPlace ? plan::inPlaceAll : plan::inPlaceNone;
  options.variants = variants;
  if (variants.empty() && one.activations != "f32") {
    // Codes are multiplied with and without instructions for that.
    for (const plan::CpuVariant &variant : plan::cpuVariants()) {
      options.variants.emplace_back(variant.name);
    }
  }
  return compileTo(Phase::Configured, context, source, options);
}

OwningOpRef<ModuleOp> configured(const std::string &text, MLIRContext &context,
                                 const std::vector<std::string> &variants,
                                 const std::string &tensorCores) {
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
  PassManager manager(&context);
  ConfigureKernelsOptions options;
  options.tensorCores = tensorCores;
  if (!variants.empty()) {
    options.variants = SmallVector<std::string>(variants.begin(), variants.end());
  }
  manager.addPass(createConfigureKernels(options));
  EXPECT_TRUE(module && succeeded(manager.run(*module)));
  return module;
}

OwningOpRef<ModuleOp> sampleKernels(MLIRContext &context,
                                    const std::vector<std::string> &variants) {
  std::string text = "#O = #dsv3.dims<\"O\">\n!i = tensor<?xi32, #O>\n!s = tensor<?x7xi32, #O>\n";
  for (int64_t columns : {1, 7, 255, 256, 513, 1537, 20011}) {
    text += llvm::formatv(R"(
kern.def @sample{0} kind "sample" family "sample" sizes ["O"] ins(%x: tensor<?x{0}xf32, #O>, %s: !s) outs(%o: !i) maxima [#dsv3.size<"O", max = 64>] {{
  %y = kern.sample ins(%x, %s : tensor<?x{0}xf32, #O>, !s) outs(%o : !i) -> !i
  kern.yield %y : !i
})",
                          columns);
  }
  return configured(text, context, variants);
}

} // namespace dsv3::differential
