//===- DifferentialTest.cpp - every kernel, interpreted and compiled ------===//
//
// Compiles models and compares every kern.def that comes out with its body. Kernels of
// nano and of the oracles' configurations have their full size, those of the large models
// a small part of it.
//
//===----------------------------------------------------------------------===//
#include "KernelRun.h"

#include "dsv3/Pipelines/Compiler.h"
#include "dsv3/Tools/Registration.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

using namespace mlir;
using namespace dsv3;
using namespace dsv3::differential;

namespace {

/// A model to take kernels from.
struct Case {
  std::string name;
  std::string config;         ///< path of a config.json
  int64_t divisor = 1;        ///< sizes are divided by it, or left alone with 1
  int64_t ragged = 0;         ///< added to sizes that need not be round
  DType stored = DType::BF16; ///< what the checkpoint stores, where it is not FP8
  bool fp8 = true;            ///< false: not even where the configuration says so
  int64_t mostTokens = 0;     ///< of a step, besides a few
  std::string weights = {};   ///< encodings; empty: as stored
  std::string head = {};
  std::string cache = {};
  std::string activations = "f32";
};

int64_t smaller(int64_t size, const Case &one, int64_t least) {
  return one.divisor == 1 ? size : std::max(least, size / one.divisor) + one.ragged;
}

checkpoint::ModelConfig configOf(const Case &one) {
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
  config.vHeadDim = smaller(config.vHeadDim, one, 16);
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

/// A kernel without its names. Equal kernels of several models are compared once.
std::string meaningOf(kern::DefOp definition) {
  OwningOpRef<kern::DefOp> copy = definition.clone();
  copy->setSymName("kernel");
  copy->setKind("");
  copy->removeMaximaAttr();
  std::string text;
  llvm::raw_string_ostream stream(text);
  copy->print(stream, OpPrintingFlags().enableDebugInfo(false));
  return text;
}

/// Those of the tree, and the oracles' where they are at hand.
std::vector<Case> cases() {
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

OwningOpRef<ModuleOp> compileCase(const Case &one, MLIRContext &context) {
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
  if (one.activations != "f32") {
    // Codes are multiplied with and without instructions for that.
    for (const plan::CpuVariant &variant : plan::cpuVariants()) {
      options.variants.emplace_back(variant.name);
    }
  }
  return compileTo(Phase::Configured, context, source, options);
}

/// The kernels of a case that no case before it in the list has, whichever of them are run.
const std::set<std::string> &newKernels(size_t index) {
  static std::set<std::string> known;
  static std::vector<std::set<std::string>> ofCases;
  while (ofCases.size() <= index) {
    DialectRegistry registry;
    registerAllDialects(registry);
    MLIRContext context(registry);
    OwningOpRef<ModuleOp> module = compileCase(allCases()[ofCases.size()], context);
    EXPECT_TRUE(module) << allCases()[ofCases.size()].name;
    std::set<std::string> &names = ofCases.emplace_back();
    for (auto definition : module->getOps<kern::DefOp>()) {
      if (known.insert(meaningOf(definition)).second) {
        names.insert(definition.getSymName().str());
      }
    }
  }
  return ofCases[index];
}

/// By the index of the case.
class Kernels : public testing::TestWithParam<size_t> {};

TEST_P(Kernels, DoWhatTheirBodiesSay) {
  const std::set<std::string> &names = newKernels(GetParam());
  if (names.empty()) {
    return;
  }
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  OwningOpRef<ModuleOp> module = compileCase(allCases()[GetParam()], context);
  ASSERT_TRUE(module);
  for (auto function : llvm::make_early_inc_range(module->getOps<func::FuncOp>())) {
    function.erase();
  }
  for (auto definition : llvm::make_early_inc_range(module->getOps<kern::DefOp>())) {
    if (!names.contains(definition.getSymName().str())) {
      definition.erase();
    }
  }
  std::mt19937_64 random(20);
  compareKernels(*module, random, allCases()[GetParam()].mostTokens);
}

INSTANTIATE_TEST_SUITE_P(Models, Kernels, testing::Range<size_t>(0, allCases().size()),
                         [](const testing::TestParamInfo<size_t> &info) {
                           return allCases()[info.param].name;
                         });

} // namespace
