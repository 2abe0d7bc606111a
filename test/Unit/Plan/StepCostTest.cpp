//===- StepCostTest.cpp - what a step needs at least ----------------------===//
#include "dsv3/Plan/StepCost.h"

#include <gtest/gtest.h>

using namespace dsv3;
using namespace dsv3::plan;

namespace {

/// Kernels of four families over one parameter each; a layer that is called twice.
plan::Plan costPlan() {
  plan::Plan plan;
  plan.variants = {{"x86-64-v3", "x.so", ""}};
  plan.sizes = {{"T"}, {"O"}};
  plan.cache = {.type = DType::F32, .layers = 2, .latent = 12, .rope = 4};
  auto parameter = [](DType type, int64_t groups, int64_t rows, int64_t columns) {
    plan::Parameter made;
    made.type = type;
    made.groups = groups, made.rows = rows, made.columns = columns;
    return made;
  };
  plan.parameters = {parameter(DType::F8E4M3, 1, 200, 300), parameter(DType::BF16, 8, 10, 20),
                     parameter(DType::F16, 1, 1000, 20)};
  plan.parameters[0].scaleRows = plan.parameters[0].scaleColumns = 128;
  auto kernel = [](const char *family, plan::TileCount tiles) {
    return plan::Kernel{family, family, {0, 1}, {{tiles, 0}}};
  };
  plan.kernels = {kernel("gemm", {.size = 1}), kernel("grouped_gemm", {.size = 0, .factor = 2}),
                  kernel("gather", {.size = 0}), kernel("latent_attention", {.size = 0})};
  auto launch = [](int32_t target, plan::Arg arg) {
    return plan::Instruction{plan::Opcode::Launch, target, -1, {arg}};
  };
  plan::Entry entry;
  entry.bodies = {
      {"layer",
       {launch(1, {plan::ArgKind::Parameter, 1, 0}), launch(3, {plan::ArgKind::Cache, 0, 0})}}};
  plan::Instruction call{plan::Opcode::Call, 0, 0, {}};
  entry.instructions = {launch(2, {plan::ArgKind::Parameter, 2, 0}), call, call,
                        launch(0, {plan::ArgKind::Parameter, 0, 0})};
  plan.entries = {entry};
  return plan;
}

} // namespace

TEST(StepCost, CountsWhatTheStepTouches) {
  plan::Plan plan = costPlan();
  StepShape step{.tokens = 5, .outputs = 2, .position = 7, .expertsTouched = 3};
  Cost cost = stepCost(plan, 0, plan.entries[0], step);
  double dense = 200 * 300 + 2 * 3 * 4, experts = 3 * 10 * 20 * 2, table = 5 * 20 * 2;
  EXPECT_EQ(cost.weightBytes, dense + 2 * experts + table);
  EXPECT_EQ(cost.cacheBytes, 2 * (7 + 5) * 16 * 4);
  // Two rows of output; two experts for each of five tokens.
  EXPECT_EQ(cost.weightFlops, 2.0 * 2 * 200 * 300 + 2 * 2.0 * 5 * 2 * 10 * 20);
}

TEST(StepCost, EachLaunchTakesTheLongerOfReadingAndMultiplying) {
  plan::Plan plan = costPlan();
  StepShape step{.tokens = 5, .outputs = 2, .position = 7, .expertsTouched = 3};
  double dense = 200 * 300 + 2 * 3 * 4, experts = 3 * 10 * 20 * 2, table = 5 * 20 * 2;
  double denseFlops = 2.0 * 2 * 200 * 300, expertFlops = 2.0 * 5 * 2 * 10 * 20;
  auto seconds = [&](MachineLimits limits) {
    return weightSeconds(plan, 0, plan.entries[0], step, limits);
  };
  EXPECT_DOUBLE_EQ(seconds({10, 1e9}), (dense + 2 * experts + table) / 10);
  EXPECT_DOUBLE_EQ(seconds({1e9, 10}), (denseFlops + 2 * expertFlops) / 10 + table / 1e9);
  // Two rows of the dense weight do 4 operations a byte, the experts 3.3.
  EXPECT_DOUBLE_EQ(seconds({10, 35}), denseFlops / 35 + 2 * experts / 10 + table / 10);
}

TEST(StepCost, CountsEncodedBytes) {
  plan::Plan plan = costPlan();
  plan::Parameter &weight = plan.parameters[0];
  weight.stored = DType::BF16, weight.scaleRows = 1, weight.scaleColumns = 32;
  auto bytes = [&](DType type) {
    weight.type = type;
    return launchCost(plan, 0, plan.entries[0].instructions[3], StepShape{.tokens = 1}).weightBytes;
  };
  EXPECT_EQ(bytes(DType::I8), 200 * (300 + 10 * 2));
  EXPECT_EQ(bytes(DType::I4), 200 * (150 + 10 * 4));
}

TEST(StepCost, NoMoreExpertsAreReadThanThereAre) {
  plan::Plan plan = costPlan();
  const plan::Instruction &launch = plan.entries[0].bodies[0].instructions[0];
  Cost cost = launchCost(plan, 0, launch, {.tokens = 64, .expertsTouched = 100});
  EXPECT_EQ(cost.weightBytes, 8 * 10 * 20 * 2);
}

TEST(StepCost, EvenChoiceTouchesMoreExpertsWithMoreTokens) {
  EXPECT_DOUBLE_EQ(evenlyTouched(64, 8, 1), 8);
  EXPECT_DOUBLE_EQ(evenlyTouched(64, 8, 2), 8 + 8 * 56.0 / 64);
  EXPECT_NEAR(evenlyTouched(64, 8, 4096), 64, 1e-9);
  EXPECT_DOUBLE_EQ(evenlyTouched(1, 1, 5), 1);
}
