//===- DifferentialTest.cpp - every kernel, interpreted and compiled ------===//
//
// Compiles models, takes every kern.def that comes out, and compares what its code
// computes on this CPU with what its body means to the reference interpreter, for
// each variant that this machine runs. Tiles are dealt out in two ways, which must
// give the same bits.
//
//===----------------------------------------------------------------------===//
#include "KernelRun.h"

#include "dsv3/Pipelines/Compiler.h"
#include "dsv3/Target/Cpu.h"
#include "dsv3/Tools/Registration.h"

#include <gtest/gtest.h>

#include <dlfcn.h>
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

bool runsHere(const plan::CpuVariant &variant) {
  __builtin_cpu_init();
  return variant.name == "x86-64-v4" ? __builtin_cpu_supports("x86-64-v4")
                                     : __builtin_cpu_supports("x86-64-v3");
}

/// The code of all kernels of a module, loaded. The file stays until it is unloaded: the
/// loader takes files of equal inode for the same.
class Loaded {
public:
  Loaded(ModuleOp module, const plan::CpuVariant &variant)
      : path(testing::TempDir() + "/differential." + std::to_string(getpid()) + ".so") {
    OwningOpRef<ModuleOp> code = cpu::emitKernels(module, variant);
    EXPECT_TRUE(code);
    Expected<std::string> object = cpu::compileObject(std::move(code), variant);
    EXPECT_TRUE(object.ok()) << object.failure().message();
    Status linked = cpu::linkSharedObject(*object, path);
    EXPECT_TRUE(linked.ok()) << linked.failure().message();
    handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    EXPECT_NE(handle, nullptr) << dlerror();
  }
  ~Loaded() {
    dlclose(handle);
    std::filesystem::remove(path);
  }
  Loaded(const Loaded &) = delete;
  Loaded &operator=(const Loaded &) = delete;

  plan::KernelFunction find(const std::string &symbol) const {
    return reinterpret_cast<plan::KernelFunction>(dlsym(handle, symbol.c_str()));
  }

private:
  std::string path;
  void *handle = nullptr;
};

void compare(const std::string &what, const KernelResults &expected, const KernelResults &found) {
  ASSERT_EQ(expected.size(), found.size()) << what;
  for (size_t r = 0; r < expected.size(); ++r) {
    // Sums in f32 against sums in f64, relative to the largest of the result.
    double largest = 1e-3;
    for (double value : expected[r]) {
      largest = std::max(largest, std::fabs(value));
    }
    ASSERT_EQ(expected[r].size(), found[r].size()) << what << ", result " << r;
    for (size_t i = 0; i < expected[r].size(); ++i) {
      ASSERT_NEAR(expected[r][i], found[r][i], 2e-5 * largest)
          << what << ", result " << r << ", element " << i << " of " << expected[r].size();
    }
  }
}

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
  SmallVector<kern::DefOp> definitions(module->getOps<kern::DefOp>());
  std::mt19937_64 random(20);
  for (const plan::CpuVariant &variant : plan::cpuVariants()) {
    if (!runsHere(variant)) {
      continue;
    }
    Loaded code(*module, variant);
    for (kern::DefOp definition : definitions) {
      std::string symbol = definition.getSymName().str();
      plan::KernelFunction function = code.find(symbol);
      ASSERT_NE(function, nullptr) << symbol;
      bool decodes = definition.getSymName().contains("decode");
      for (int64_t tokens : decodes ? std::vector<int64_t>{1} : std::vector<int64_t>{1, 7, 13}) {
        KernelInputs inputs = makeInputs(definition, tokens, random);
        KernelResults expected = interpret(definition, inputs);
        std::string what =
            std::string(variant.name) + " " + symbol + ", " + std::to_string(tokens) + " tokens";
        KernelResults found = execute(definition, variant, function, inputs, 0);
        compare(what, expected, found);
        EXPECT_EQ(found, execute(definition, variant, function, inputs, 1))
            << what << ": the order of tiles changes the result";
        if (HasFatalFailure()) {
          return;
        }
      }
    }
  }
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
