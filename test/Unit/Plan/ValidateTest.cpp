//===- ValidateTest.cpp - plans that make no sense are refused ------------===//

#include "SmallPlan.h"
#include "dsv3/Plan/PlanFile.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

using namespace dsv3;
using namespace dsv3::plan;

TEST(Validate, AcceptsTheSmallPlan) {
  Status status = validate(test::smallPlan());
  EXPECT_TRUE(status.ok()) << status.failure().message();
}

TEST(Validate, AcceptsTheOutputOfTheLastLayer) {
  Plan plan = test::smallPlan();
  plan.entries[0].instructions.push_back({Opcode::Observe, 0, 2, {{ArgKind::Arena, 0, 0}}});
  EXPECT_TRUE(validate(plan).ok());
  plan.entries[0].instructions.back().layer = 3;
  EXPECT_FALSE(validate(plan).ok());
}

namespace {
struct Case {
  const char *name;
  std::function<void(Plan &)> spoil;
  const char *message; ///< a part of what is said
};
} // namespace

static Entry &entry(Plan &plan) { return plan.entries[0]; }
static Instruction &inBody(Plan &plan) { return plan.entries[0].bodies[0].instructions[0]; }
static constexpr int64_t huge = std::numeric_limits<int64_t>::max();

TEST(Validate, NamesWhatIsWrong) {
  const std::vector<Case> cases{
      {"vocabulary", [](Plan &p) { p.vocabSize = 0; }, "vocabulary"},
      {"cache", [](Plan &p) { p.cache.pageTokens = 0; }, "cache"},
      {"cache layers", [](Plan &p) { p.cache.layers = 1; }, "each of the 2 layers, found 1"},
      {"cache overflow",
       [](Plan &p) { p.cache.latent = p.cache.maxContext = p.cache.maxRequests = 0x7FFFFFFF; },
       "overflows"},
      {"no variant", [](Plan &p) { p.variants.clear(); }, "at least one variant"},
      {"object elsewhere", [](Plan &p) { p.variants[0].object = "../../x.so"; }, "../../x.so"},
      {"same variants", [](Plan &p) { p.variants[1].name = p.variants[0].name; },
       "name of its own"},
      {"size twice", [](Plan &p) { p.sizes[1].name = "T"; }, "size 'T'"},
      {"parameter size", [](Plan &p) { p.parameters[0].rows = huge; }, "'embedding'"},
      {"parts", [](Plan &p) { p.parameters[1].parts = 3; }, "equal parts"},
      {"layouts", [](Plan &p) { p.parameters[0].layouts.pop_back(); }, "2 variants, found 1"},
      {"panel width", [](Plan &p) { p.parameters[0].layouts[1].panelWidth = 0; },
       "multiple of 2 columns"},
      {"panel width of codes",
       [](Plan &p) {
         p.parameters[0].type = DType::F8E4M3;
         p.parameters[0].layouts[1].panelWidth = 24;
       },
       "multiple of 16 columns"},
      {"segment rows", [](Plan &p) { p.parameters[1].segments.pop_back(); },
       "256 rows together, found 128"},
      {"segment outside", [](Plan &p) { p.parameters[0].segments[0].firstRow = 1; },
       "reads 33 rows"},
      {"stride overflow",
       [](Plan &p) {
         p.parameters[1].segments[0].key = "k", p.parameters[1].segments[0].groupStride = huge - 1;
       },
       "without overflow"},
      {"scales of some", [](Plan &p) { p.parameters[1].segments[0].scaleKey.clear(); },
       "have scales, or none"},
      {"scale blocks", [](Plan &p) { p.scaleBlock = {96, 128}; }, "spans blocks"},
      {"layers", [](Plan &p) { p.parameters[1].layers = {1, 0}; }, "ascending layers"},
      {"layer key", [](Plan &p) { p.parameters[1].layers = {}; }, "names a layer"},
      {"layer missing", [](Plan &p) { p.parameters[1].layers = {0}; }, "does not exist in layer 1"},
      {"kernel size", [](Plan &p) { p.kernels[0].sizes = {2}; }, "size 2 of 2"},
      {"tile size", [](Plan &p) { p.kernels[0].variants[0].tiles.size = 1; }, "tiles by size 1"},
      {"divisor", [](Plan &p) { p.kernels[0].variants[0].tiles.divisor = 0; }, "divisor"},
      {"tiles", [](Plan &p) { p.kernels[0].variants[0].tiles.times = (int64_t(1) << 32) - 1; },
       "too many tiles"},
      {"tiles overflow",
       [](Plan &p) { p.kernels[0].variants[0].tiles.factor = (int64_t(1) << 32) - 1; },
       "too many tiles"},
      {"scratch", [](Plan &p) { p.kernels[0].variants[0].scratchBytes = -1; }, "scratch"},
      {"maxima", [](Plan &p) { entry(p).maxima.pop_back(); }, "each of the 2 sizes, found 1"},
      {"tokens of a step", [](Plan &p) { entry(p).maxTokens = 1 << 25; },
       "range of tokens up to 16777216"},
      {"tiles plus", [](Plan &p) { p.kernels[0].variants[0].tiles.plus = huge; }, "below 2^32"},
      {"tiles divisor", [](Plan &p) { p.kernels[0].variants[0].tiles.divisor = huge; },
       "below 2^32"},
      {"largest stride", [](Plan &p) { p.parameters[1].segments[0].groupStride = huge; },
       "without overflow"},
      {"rows of a segment", [](Plan &p) { p.parameters[0].segments[0].rows = huge; },
       "without overflow"},
      {"scale block", [](Plan &p) { p.scaleBlock[0] = huge; }, "scale block of two sizes"},
      {"size of scales", [](Plan &p) { p.parameters[1].scaleColumns = huge; },
       "expected a block of scales"},
      {"tokens", [](Plan &p) { entry(p).maxTokens = 0; }, "range of tokens"},
      {"arena", [](Plan &p) { entry(p).arenaBytes = 1024; }, "offset 1024 in an arena of 1024"},
      {"kernel", [](Plan &p) { entry(p).instructions[0].target = 2; }, "kernel 2 of 2"},
      {"body", [](Plan &p) { entry(p).instructions[1].target = -1; }, "body -1 of 1"},
      {"formal", [](Plan &p) { inBody(p).args[0].index = 1; }, "argument 1 of 1"},
      {"formal outside",
       [](Plan &p) { entry(p).instructions[0].args[0] = {ArgKind::Formal, 0, 0}; },
       "argument 0 of 0"},
      {"input", [](Plan &p) { entry(p).instructions[0].args[0].index = 2; }, "input 2 of 2"},
      {"parameter", [](Plan &p) { inBody(p).args[1].index = 7; }, "parameter 7 of 2"},
      {"scales", [](Plan &p) { inBody(p).args[2].index = 0; }, "has none"},
      {"call layer", [](Plan &p) { entry(p).instructions[1].layer = 2; }, "layer 2 of 2"},
      {"cache outside", [](Plan &p) { entry(p).instructions[1].layer = -1; }, "layer -1"},
      {"layer in body", [](Plan &p) { inBody(p).layer = 0; }, "the call names it"},
      {"nested call", [](Plan &p) { inBody(p).opcode = Opcode::Call; }, "a body calls a body"},
      {"observation", [](Plan &p) { entry(p).bodies[0].instructions[1].target = 1; },
       "observation 1"},
      {"observed bytes", [](Plan &p) { entry(p).observations[0].columns = 4096; }, "exceeds"},
      {"offset", [](Plan &p) { inBody(p).args[1].offset = 8; }, "outside of the arena"},
      {"port", [](Plan &p) { entry(p).inputs[1].name = "ids"; }, "port 'ids'"},
      {"kernel symbol", [](Plan &p) { p.kernels[1].symbol = "embed"; }, "kernel 'embed'"},
      {"entry name", [](Plan &p) { entry(p).name.clear(); }, "entry ''"},
      {"body name", [](Plan &p) { entry(p).bodies.push_back(entry(p).bodies[0]); }, "body 'moe'"},
      {"observation name",
       [](Plan &p) { entry(p).observations.push_back(entry(p).observations[0]); },
       "observation 'hidden'"},
      {"width of rows", [](Plan &p) { p.parameters[0].layouts[0].panelWidth = 8; },
       "width 0 of a row-major layout, found 8"},
      {"kernel sizes", [](Plan &p) { p.kernels[0].sizes = {0, 0}; }, "each size once"},
      {"constant tiles", [](Plan &p) { p.kernels[1].variants[1].tiles.factor = 2; },
       "found -1, 2, 1 and 1"},
      {"index of cache", [](Plan &p) { inBody(p).args[3].index = 1; }, "index 0 of arena, cache"},
  };
  for (const Case &test : cases) {
    Plan plan = test::smallPlan();
    test.spoil(plan);
    Status status = validate(plan);
    ASSERT_FALSE(status.ok()) << test.name;
    EXPECT_NE(status.failure().message().find(test.message), std::string::npos)
        << test.name << ": " << status.failure().message();
  }
}

TEST(Validate, BoundsWhatCallsExpandTo) {
  // A call counts for itself and its argument, a launch without arguments for itself.
  auto expanded = [](size_t calls, size_t launches, size_t entries = 1) {
    Plan plan = test::smallPlan();
    Entry &forged = entry(plan);
    forged.bodies[0].instructions.assign(launches, {Opcode::Launch, 1, -1, {}});
    forged.instructions.assign(calls, {Opcode::Call, 0, 0, {{ArgKind::Arena, 0, 0}}});
    plan.entries.resize(entries, forged);
    plan.entries.back().name = "decode";
    for (size_t i = 0; i + 1 < entries; ++i) {
      plan.entries[i].name = std::to_string(i);
    }
    return validate(plan);
  };
  EXPECT_TRUE(expanded(1024, 1022).ok());
  Status status = expanded(1025, 1022);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.failure().where, "entry 'decode'");
  EXPECT_EQ(status.failure().what,
            "invalid plan: the calls of bodies up to here expand to more than "
            "1048576 instructions and arguments");
  EXPECT_TRUE(expanded(512, 1022, 2).ok());
  EXPECT_FALSE(expanded(512, 1023, 2).ok());     // the entries count together
  EXPECT_FALSE(expanded(1 << 17, 1 << 17).ok()); // at once, not after an hour
}

TEST(Validate, BoundsTheTensorsThatParametersName) {
  auto named = [](int64_t experts) {
    Plan plan = test::smallPlan();
    plan.parameters[1].groups = experts;
    return validate(plan);
  };
  // Two segments in two layers, and the embedding.
  EXPECT_TRUE(named((1 << 20) - 1).ok());
  Status status = named(1 << 20);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(
      status.failure().message().find("parameter 'gate_up': invalid plan: the parameters up to "
                                      "this one name more than 4194304 tensors"),
      0U)
      << status.failure().message();
  EXPECT_FALSE(named(int64_t(1) << 40).ok());
}

TEST(Validate, SaysWhereInAFieldOfItsOwn) {
  Plan plan = test::smallPlan();
  plan.entries[0].bodies[0].instructions[0].args[0].index = 1;
  Status status = validate(plan);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.failure().where, "entry 'decode', body 'moe'");
}

TEST(Validate, ScaleBlocksMeetTheBordersOfTheCheckpoints) {
  // Rows from `first` on, in groups of `stride`, of a tensor with blocks of 128 rows.
  auto valid = [](int64_t first, int64_t rows, int64_t stride, int64_t size) {
    Plan plan = test::smallPlan();
    Parameter &weight = plan.parameters[1];
    weight.groups = stride == 0 ? 1 : 200, weight.rows = rows, weight.parts = 1;
    weight.scaleRows = size, weight.layers = {}, weight.scaleColumns = 8;
    weight.segments = {{"w", "s", first + rows + 200 * stride, 8, stride, first, rows, false}};
    plan.entries.clear();
    return validate(plan).ok();
  };
  EXPECT_TRUE(valid(0, 1000, 0, 128));
  EXPECT_TRUE(valid(0, 1000, 0, 64));
  EXPECT_FALSE(valid(0, 1000, 0, 96));
  EXPECT_FALSE(valid(0, 1000, 0, 256));
  EXPECT_TRUE(valid(0, 128, 0, 256)); // one block, cut short
  EXPECT_TRUE(valid(100, 28, 0, 128));
  EXPECT_FALSE(valid(100, 29, 0, 128));
  EXPECT_TRUE(valid(100, 128, 0, 28)); // 28 rows to the border, then 100
  EXPECT_FALSE(valid(100, 157, 0, 28));
  EXPECT_TRUE(valid(0, 64, 64, 64));
  EXPECT_FALSE(valid(0, 48, 48, 48)); // the third group spans a border
  EXPECT_TRUE(valid(0, 48, 48, 16));
  EXPECT_TRUE(valid(1, int64_t(1) << 40, 0, 1)); // decided at once
}
