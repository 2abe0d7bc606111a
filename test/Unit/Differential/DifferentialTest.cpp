//===- DifferentialTest.cpp - every kernel, interpreted and compiled ------===//
//
// Compiles models and compares every kern.def that comes out with its body.
//
//===----------------------------------------------------------------------===//
#include "KernelRun.h"

#include "dsv3/Pipelines/Compiler.h"
#include "dsv3/Tools/Registration.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

using namespace mlir;
using namespace dsv3;
using namespace dsv3::differential;

namespace {

/// A model to take kernels from.
struct Case {
  const char *name;
  const char *config; ///< below models/
  int64_t divisor;    ///< sizes are divided by it, or left alone with 1
  int64_t ragged;     ///< added to sizes that need not be round
  DType stored;       ///< what the checkpoint stores, where it is not FP8
  bool fp8;
};

std::ostream &operator<<(std::ostream &stream, const Case &one) { return stream << one.name; }

int64_t smaller(int64_t size, const Case &one, int64_t least) {
  return one.divisor == 1 ? size : std::max(least, size / one.divisor) + one.ragged;
}

checkpoint::ModelConfig configOf(const Case &one) {
  std::string path = std::string(DSV3_SOURCE_DIR) + "/models/" + one.config + "/config.json";
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  Expected<checkpoint::ModelConfig> parsed = checkpoint::parseModelConfig(text.str(), path);
  EXPECT_TRUE(parsed.ok());
  checkpoint::ModelConfig config = *parsed;
  config.hiddenSize = smaller(config.hiddenSize, one, 64);
  config.intermediateSize = smaller(config.intermediateSize, one, 64);
  config.moeIntermediateSize = smaller(config.moeIntermediateSize, one, 32);
  config.vocabSize = std::min<int64_t>(config.vocabSize, 1000) + one.ragged;
  config.kvLoraRank = smaller(config.kvLoraRank, one, 32);
  if (config.qLoraRank) {
    config.qLoraRank = smaller(*config.qLoraRank, one, 32);
  }
  config.qkNopeHeadDim = smaller(config.qkNopeHeadDim, one, 16);
  config.vHeadDim = smaller(config.vHeadDim, one, 16);
  if (one.divisor > 1) {
    config.qkRopeHeadDim = 10;
    config.numAttentionHeads = 5;
    config.numKeyValueHeads = 5;
    int64_t groups = config.nGroup;
    config.nRoutedExperts = groups * std::max<int64_t>(2, config.nRoutedExperts / groups / 8);
  }
  if (!one.fp8) {
    config.quantization.reset();
  }
  return config;
}

class Kernels : public testing::TestWithParam<Case> {};

TEST_P(Kernels, DoWhatTheirBodiesSay) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  ModelSource source{configOf(GetParam()), {}, {}, ""};
  auto published = import::publishedTypes(source.config);
  source.storedType = [&](StringRef key) {
    DType type = published(key);
    return type == DType::BF16 ? GetParam().stored : type;
  };
  source.options.mtp = true;
  source.options.context = 300;
  source.options.requests = 3;
  OwningOpRef<ModuleOp> module = compileTo(Phase::Configured, context, source, {});
  ASSERT_TRUE(module);
  std::mt19937_64 random(20);
  compareKernels(*module, random);
}

INSTANTIATE_TEST_SUITE_P(
    Models, Kernels,
    testing::Values(Case{"nano", "nano", 1, 0, DType::BF16, true},
                    Case{"nanoF32", "nano", 1, 0, DType::F32, false},
                    Case{"nanoF16", "nano", 1, 0, DType::F16, false},
                    Case{"v3", "deepseek-v3-671b", 16, 0, DType::BF16, true},
                    Case{"v3Ragged", "deepseek-v3-671b", 32, 3, DType::BF16, true},
                    Case{"kimiRagged", "kimi-k2", 32, 5, DType::BF16, true},
                    Case{"moonlightRagged", "moonlight-16b-a3b", 16, 7, DType::BF16, false}),
    [](const testing::TestParamInfo<Case> &info) { return info.param.name; });

} // namespace
