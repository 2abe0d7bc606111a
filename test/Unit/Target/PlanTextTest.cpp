//===- PlanTextTest.cpp - a plan and its text say the same ----------------===//
//
// Plan → module → text → module → Plan, for a plan that uses every field and for those
// of the published configurations: equal, and equal as bytes.
//
//===----------------------------------------------------------------------===//
#include "../Plan/SmallPlan.h"
#include "Plan/Plan.h"
#include "dsv3/Conversion/KernelToPlan.h"
#include "dsv3/Pipelines/Compiler.h"
#include "dsv3/Plan/PlanFile.h"
#include "dsv3/Target/Plan.h"
#include "dsv3/Tools/Registration.h"

#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

using namespace mlir;
using namespace dsv3;

static std::string textOf(const plan::Plan &plan) {
  MLIRContext context;
  OwningOpRef<ModuleOp> module = toModule(context, plan);
  std::string text;
  if (module) {
    llvm::raw_string_ostream(text) << *module;
  }
  return text;
}

/// The plan of a text, made in a context of its own.
static FailureOr<plan::Plan> planOf(const std::string &text) {
  MLIRContext context;
  context.loadDialect<planir::PlanDialect>();
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
  return module ? fromModule(*module) : FailureOr<plan::Plan>();
}

static void expectSame(const plan::Plan &plan) {
  std::string text = textOf(plan);
  ASSERT_FALSE(text.empty());
  FailureOr<plan::Plan> read = planOf(text);
  ASSERT_TRUE(succeeded(read)) << text;
  EXPECT_TRUE(*read == plan) << text;
  EXPECT_EQ(plan::serialise(*read), plan::serialise(plan));
  EXPECT_EQ(textOf(*read), text);
}

TEST(PlanText, KeepsEveryField) { expectSame(test::smallPlan()); }

TEST(PlanText, KeepsUnusualNames) {
  plan::Plan plan = test::smallPlan();
  plan.identity = std::string("\"\n\0\xFF", 4);
  plan.sizes[0].name = "T rows", plan.sizes[1].name = "1";
  plan.parameters[0].name = "model.embed \"x\"", plan.kernels[0].symbol = "0";
  plan.entries[0].inputs[0].name = "i32", plan.entries[0].outputs[0].name = "a b";
  plan.entries[0].bodies[0].name = "loc", plan.entries[0].observations[0].name = "router.experts";
  expectSame(plan);
}

TEST(PlanText, KeepsOrderAndLayersOfInstructions) {
  plan::Plan plan = test::smallPlan();
  plan::Entry &entry = plan.entries[0];
  entry.bodies.insert(entry.bodies.begin(), plan::Body{"empty", {}});
  entry.instructions[1].target = entry.instructions[2].target = 1;
  entry.instructions[0].layer = 1;
  entry.instructions.push_back({plan::Opcode::Call, 0, -1, {}});
  plan::Parameter few = plan.parameters[0];
  few.name = "few", few.layers = {1};
  plan.parameters.push_back(few);
  expectSame(plan);
}

TEST(PlanText, RefusesAnInvalidPlan) {
  MLIRContext context;
  std::string said;
  ScopedDiagnosticHandler handler(&context,
                                  [&](Diagnostic &diagnostic) { said = diagnostic.str(); });
  plan::Plan plan = test::smallPlan();
  plan.entries[0].arenaBytes = 1024;
  EXPECT_FALSE(toModule(context, plan));
  EXPECT_NE(said.find("offset 1024 in an arena of 1024"), std::string::npos) << said;
}

TEST(PlanText, RefusesANameOfTwoThings) {
  MLIRContext context;
  std::string said;
  ScopedDiagnosticHandler handler(&context,
                                  [&](Diagnostic &diagnostic) { said = diagnostic.str(); });
  plan::Plan plan = test::smallPlan();
  plan.kernels[0].symbol = plan.parameters[0].name;
  EXPECT_FALSE(toModule(context, plan));
  EXPECT_NE(said.find("redefinition of symbol named 'embedding'"), std::string::npos) << said;
}

class PublishedPlan : public testing::TestWithParam<const char *> {};

TEST_P(PublishedPlan, IsItsText) {
  std::string path = std::string(DSV3_SOURCE_DIR) + "/models/" + GetParam() + "/config.json";
  std::ifstream file(path);
  std::stringstream json;
  json << file.rdbuf();
  Expected<checkpoint::ModelConfig> config = checkpoint::parseModelConfig(json.str(), path);
  ASSERT_TRUE(config.ok()) << config.failure().message();
  ModelSource source{*config, {}, {}, "0123"};
  source.storedType = import::publishedTypes(source.config);
  source.options.mtp = source.config.numNextnPredictLayers > 0;
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  OwningOpRef<ModuleOp> module = compileTo(Phase::Configured, context, source, {});
  ASSERT_TRUE(module);
  FailureOr<plan::Plan> plan = planModule(*module);
  ASSERT_TRUE(succeeded(plan));
  expectSame(*plan);
}

INSTANTIATE_TEST_SUITE_P(Configurations, PublishedPlan,
                         testing::Values("deepseek-v3-671b", "kimi-k2", "moonlight-16b-a3b",
                                         "nano"));
