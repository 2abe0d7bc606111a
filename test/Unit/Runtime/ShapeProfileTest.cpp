//===- ShapeProfileTest.cpp - kernels of a step by their shapes -----------===//
#include "runtime/bench/ShapeProfile.h"

#include <gtest/gtest.h>
#include <tuple>

using namespace dsv3;
using namespace dsv3::runtime;
using plan::ArgKind;
using plan::Family;

/// A layer with q_a and kv_a of 671B, its attention and the w2 of 8 experts, called twice; tiles
/// are counted in tokens, those of experts in entries.
static plan::Plan shapePlan() {
  plan::Plan plan;
  plan.policy = "w8a8";
  plan.variants = {{"sm_90a", "", ""}};
  plan.sizes = {{"T"}};
  plan.cache = {.type = DType::BF16, .layers = 2, .latent = 512, .rope = 64};
  auto parameter = [](int64_t groups, int64_t rows, int64_t columns) {
    plan::Parameter made;
    made.type = DType::F8E4M3;
    made.groups = groups, made.rows = rows, made.columns = columns;
    return made;
  };
  plan.parameters = {parameter(1, 2112, 7168), parameter(8, 7168, 2048)};
  plan.kernels = {{"norm", "rowwise", {0}, {{{0, 1, 1, 1, 0}, 0}}},
                  {"linear", "gemm", {0}, {{{0, 1, 128, 17, 0}, 0}}},
                  {"attention", "latent_attention", {0}, {{{0, 1, 1, 16, 0}, 0}}},
                  {"router", "router", {0}, {{{0, 1, 1, 1, 0}, 0}}},
                  {"w2", "grouped_gemm", {0}, {{{0, 4, 128, 56, 448}, 0}}}};
  plan::Body body{"layer", {}};
  auto launch = [&](int32_t kernel, std::vector<plan::Arg> args) {
    body.instructions.push_back({plan::Opcode::Launch, kernel, -1, std::move(args)});
  };
  launch(0, {{ArgKind::Arena, 0, 0}});
  launch(1, {{ArgKind::Arena, 0, 0}, {ArgKind::Parameter, 0, 0}});
  launch(2, {{ArgKind::Arena, 0, 0}, {ArgKind::Cache, 0, 0}});
  launch(4, {{ArgKind::Arena, 0, 0}, {ArgKind::Parameter, 1, 0}});
  plan::Entry entry;
  entry.bodies = {body};
  entry.instructions = {{plan::Opcode::Call, 0, 0, {}}, {plan::Opcode::Call, 0, 1, {}}};
  plan.entries = {entry};
  return plan;
}

TEST(ShapeProfile, KernelsByTheirShapes) {
  plan::Plan plan = shapePlan();
  StepProfile profile;
  profile.shape = {.tokens = 64, .outputs = 1, .position = 100, .expertsTouched = 8};
  for (double seconds : {9, 1, 2, 3, 9, 3, 4, 5}) {
    profile.launches.push_back({0, 0, seconds, seconds, {}});
  }
  std::vector<ShapeResult> shapes = shapesOf(plan, 0, plan.entries[0], profile, {1000, 10});
  ASSERT_EQ(shapes.size(), 4U);
  const ShapeResult &norm = shapes[0], &linear = shapes[1], &attention = shapes[2], &w2 = shapes[3];
  EXPECT_EQ(std::tuple(norm.rows, norm.columns, norm.cached, norm.flops), std::tuple(64, 0, 0, 0));
  EXPECT_EQ(norm.seconds, 9);
  EXPECT_EQ(linear.symbol, "linear");
  EXPECT_EQ(linear.seconds, 2) << "the average of two launches";
  EXPECT_EQ(std::tuple(linear.rows, linear.columns, linear.depth, linear.groups),
            std::tuple(64, 2112, 7168, 1));
  EXPECT_EQ(linear.flops, 2.0 * 64 * 2112 * 7168);
  EXPECT_EQ(linear.bytes, 2112 * 7168);
  EXPECT_TRUE(linear.codes);
  EXPECT_EQ(attention.seconds, 3);
  EXPECT_EQ(attention.cached, 164);
  EXPECT_EQ(attention.flops, 1000 * 64 * (100 + 65 / 2.0));
  EXPECT_EQ(attention.bytes, 164 * 576 * 2);
  // 64 tokens have 4 experts each: 256 entries of 8.
  EXPECT_EQ(std::tuple(w2.rows, w2.columns, w2.depth, w2.groups), std::tuple(32, 7168, 2048, 8));
  EXPECT_EQ(w2.flops, 2.0 * 256 * 7168 * 2048);
}

TEST(ShapeProfile, ExpandedAttentionMakesKeysToo) {
  plan::Plan plan = shapePlan();
  plan.kernels[2].family = "expanded_attention";
  plan.entries[0].bodies[0].instructions[2].args.push_back({ArgKind::Parameter, 0, 0});
  StepProfile profile;
  profile.shape = {.tokens = 64, .outputs = 1, .position = 100, .expertsTouched = 8};
  profile.launches.resize(8);
  std::vector<ShapeResult> shapes = shapesOf(plan, 0, plan.entries[0], profile, {1000, 10});
  EXPECT_EQ(shapes[2].cached, 164);
  EXPECT_EQ(shapes[2].flops, 2.0 * 164 * 2112 * 7168 + 10 * 64 * (100 + 65 / 2.0));
}

TEST(ShapeProfile, PredictedTimesAreThoseOfTheKernelsAlone) {
  plan::Plan plan = shapePlan();
  StepProfile profile;
  for (int i = 0; i < 8; ++i) {
    profile.launches.push_back({0, 0, 5, 5, {}});
    LaunchPrediction &prediction = profile.predictions.emplace_back();
    prediction.seconds = 5, prediction.launchSeconds = 4, prediction.limit = "memory";
  }
  std::vector<ShapeResult> shapes = shapesOf(plan, 0, plan.entries[0], profile, {1000, 10});
  EXPECT_FALSE(shapes.empty());
  for (const ShapeResult &shape : shapes) {
    EXPECT_EQ(shape.seconds, 1);
    EXPECT_EQ(shape.prediction.limit, "memory");
  }
}

TEST(ShapeProfile, ValuesAreWantedOfWhatChoosesExperts) {
  using enum LaunchUse;
  EXPECT_EQ(shapeUses(shapePlan()), (std::vector{Time, Time, Time, Results, Time}));
}

TEST(ShapeProfile, SidesOfAProduct) {
  plan::Plan plan = shapePlan();
  StepProfile profile;
  profile.shape = {.tokens = 64, .outputs = 1, .position = 100, .expertsTouched = 8};
  profile.launches.resize(8);
  auto sides = [&](const char *policy, DType type) {
    plan.policy = policy;
    plan.parameters[0].type = type;
    ShapeResult linear = shapesOf(plan, 0, plan.entries[0], profile, {1000, 10})[1];
    return std::pair(linear.codes, linear.bf16);
  };
  EXPECT_EQ(sides("w8a8", DType::F8E4M3), std::pair(true, false));
  EXPECT_EQ(sides("w8a8", DType::BF16), std::pair(false, true));
  EXPECT_EQ(sides("bf16", DType::F8E4M3), std::pair(false, false)) << "of the weight alone";
  EXPECT_EQ(sides("bf16", DType::BF16), std::pair(false, true));
  EXPECT_EQ(sides("f32", DType::BF16), std::pair(false, false));
}

static ShapeResult product(Family family, int64_t rows, int64_t columns, int64_t depth) {
  ShapeResult shape;
  shape.family = family;
  shape.rows = rows, shape.columns = columns, shape.depth = depth, shape.codes = true;
  shape.bytes = double(columns * depth);
  shape.flops = 2.0 * double(rows) * double(columns) * double(depth);
  return shape;
}

// DeepGEMM states 206 TFLOPS and 1688 GB/s for 64 x 2112 x 7168, the bytes being those of rows,
// weight and results of two bytes.
TEST(PublishedTimes, OfProducts) {
  ShapeResult qa = product(Family::Gemm, 64, 2112, 7168);
  double bytes = 64 * 7168 + 2112 * 7168 + 64 * 2112 * 2;
  EXPECT_NEAR(*publishedSeconds(qa), bytes / 1688e9, 0.01 * bytes / 1688e9);
  ShapeResult o = product(Family::Gemm, 4096, 7168, 16384);
  EXPECT_NEAR(*publishedSeconds(o), o.flops / 1520e12, 1e-9);
  EXPECT_NEAR(*goalSeconds(o, 1), o.flops / 1560e12, 1e-9) << "whatever the memory";
  EXPECT_FALSE(publishedSeconds(product(Family::Gemm, 65, 2112, 7168)));
  EXPECT_FALSE(publishedSeconds(product(Family::Gemm, 64, 2112, 7169)));
  qa.codes = false;
  EXPECT_FALSE(publishedSeconds(qa) || goalSeconds(qa, 1e12)) << "of bf16 nothing was published";
}

TEST(PublishedTimes, GoalsOfFewRowsAreSharesOfTheBandwidth) {
  // 117, 38 and 15 MB of weights.
  EXPECT_DOUBLE_EQ(*goalSeconds(product(Family::Gemm, 1, 7168, 16384), 1e12),
                   7168 * 16384 / 0.85e12);
  EXPECT_DOUBLE_EQ(*goalSeconds(product(Family::Gemm, 128, 24576, 1536), 1e12),
                   24576 * 1536 / 0.78e12);
  EXPECT_DOUBLE_EQ(*goalSeconds(product(Family::Gemm, 64, 7168, 2048), 1e12), 7168 * 2048 / 0.7e12);
  EXPECT_FALSE(goalSeconds(product(Family::Gemm, 256, 7168, 2048), 1e12));
}

TEST(PublishedTimes, OfGroupedProductsWithManyRows) {
  ShapeResult w2 = product(Family::GroupedGemm, 4096, 7168, 2048);
  EXPECT_DOUBLE_EQ(*publishedSeconds(w2), w2.flops / 1214e12);
  EXPECT_FALSE(publishedSeconds(product(Family::GroupedGemm, 128, 7168, 2048)));
  EXPECT_FALSE(publishedSeconds(product(Family::GroupedGemm, 4096, 2112, 7168)));
  EXPECT_FALSE(goalSeconds(w2, 1e12));
}

TEST(PublishedTimes, AttentionIsBoundByMemoryOrByProducts) {
  ShapeResult attention;
  attention.family = Family::LatentAttention;
  attention.bytes = 3e9, attention.flops = 1e11;
  EXPECT_DOUBLE_EQ(*publishedSeconds(attention), 1e-3);
  EXPECT_DOUBLE_EQ(*goalSeconds(attention, 1e12), 3e-3 / 0.95);
  attention.flops = 1e15;
  EXPECT_DOUBLE_EQ(*publishedSeconds(attention), 1e15 / 660e12);
  EXPECT_DOUBLE_EQ(*goalSeconds(attention, 1e12), 1e15 / 670e12);
}

namespace {
/// Has products of more than one row, which take as many seconds as they have rows, but fails with
/// 128.
class PeerOfATest final : public PeerProducts {
public:
  std::string description() const override { return "a test"; }
  Expected<std::optional<double>> seconds(const PeerProduct &product, int runs) override {
    EXPECT_EQ(runs, 3);
    EXPECT_EQ(product.operands, PeerProduct::Operands::Codes);
    if (product.rows == 128) {
      return Failure{"128 rows"};
    }
    return product.rows > 1 ? std::optional(double(product.rows)) : std::nullopt;
  }
};
} // namespace

TEST(ShapeProfile, TimesOfAPeer) {
  std::vector<ShapeResult> shapes{
      product(Family::Gemm, 64, 2112, 7168),  product(Family::Gemm, 1, 2112, 7168),
      product(Family::Gemm, 128, 2112, 7168), product(Family::GroupedGemm, 32, 4096, 7168),
      product(Family::Gemm, 64, 128, 512),    product(Family::Rowwise, 64, 0, 0)};
  shapes[4].groups = 16; // heads
  PeerOfATest peer;
  std::vector<std::string> failures;
  measurePeer(shapes, peer, 3, [&](const Failure &failure) { failures.push_back(failure.what); });
  EXPECT_EQ(shapes[0].peerSeconds, 64);
  for (size_t i = 1; i < shapes.size(); ++i) {
    EXPECT_EQ(shapes[i].peerSeconds, std::nullopt) << i;
  }
  EXPECT_EQ(failures, std::vector<std::string>{"128 rows"});
}
