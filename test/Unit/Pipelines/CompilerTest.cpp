//===- CompilerTest.cpp - published configurations through the phases -----===//
//
// From config.json alone, as plan-only does: no weights are needed to compile.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Pipelines/Compiler.h"
#include "dsv3/Conversion/KernelToPlan.h"
#include "dsv3/Tools/Registration.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

using namespace mlir;
using namespace dsv3;

static checkpoint::ModelConfig configOf(const std::string &name) {
  std::string path = std::string(DSV3_SOURCE_DIR) + "/models/" + name + "/config.json";
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  Expected<checkpoint::ModelConfig> config = checkpoint::parseModelConfig(text.str(), path);
  EXPECT_TRUE(config.ok());
  return *config;
}

class Published : public testing::TestWithParam<const char *> {};

TEST_P(Published, ReachesAPlan) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  ModelSource source{configOf(GetParam()), {}, {}, ""};
  source.storedType = import::publishedTypes(source.config);
  source.options.mtp = source.config.numNextnPredictLayers > 0;
  OwningOpRef<ModuleOp> module = compileTo(Phase::Configured, context, source, {});
  ASSERT_TRUE(module);
  EXPECT_TRUE(succeeded(verify(*module)));
  FailureOr<plan::Plan> plan = planModule(*module);
  ASSERT_TRUE(succeeded(plan));
  EXPECT_EQ(plan->layers, source.config.numHiddenLayers);
  EXPECT_EQ(plan->cache.layers, source.config.numHiddenLayers + (source.options.mtp ? 1 : 0));
  EXPECT_EQ(plan->vocabSize, source.config.vocabSize);
  for (const plan::Entry &entry : plan->entries) {
    EXPECT_GT(entry.arenaBytes, 0) << entry.name;
    EXPECT_LE(entry.bodies.size(), 2U) << "layers are compiled once per kind";
  }
}

/// What is no op of the dsv3 dialect does not get past the border of phase import.
TEST(Pipelines, VerifiesWhatIsImported) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  ScopedDiagnosticHandler quiet(&context, [](Diagnostic &) { return success(); });
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(
      "func.func @f() {\n  %e = kern.empty : tensor<8xf32>\n  return\n}", &context);
  ASSERT_TRUE(module);
  PassManager manager(&context);
  addPhase(manager, Phase::Import, {});
  EXPECT_TRUE(failed(manager.run(*module)));
}

INSTANTIATE_TEST_SUITE_P(Configurations, Published,
                         testing::Values("deepseek-v3-671b", "kimi-k2", "moonlight-16b-a3b"));
