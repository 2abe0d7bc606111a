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
static Instruction &observe(Plan &plan) { return plan.entries[0].bodies[0].instructions[1]; }
static Segment &segment(Plan &plan) { return plan.parameters[0].segments[0]; }
static constexpr int64_t huge = std::numeric_limits<int64_t>::max();

static void expectRefusals(const std::vector<Case> &cases) {
  for (const Case &test : cases) {
    Plan plan = test::smallPlan();
    test.spoil(plan);
    Status status = validate(plan);
    ASSERT_FALSE(status.ok()) << test.name;
    EXPECT_NE(status.failure().message().find(test.message), std::string::npos)
        << test.name << ": " << status.failure().message();
  }
}

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
      {"panel width", [](Plan &p) { p.parameters[0].layouts[1].panelWidth = 0; }, "multiple of 2,"},
      {"panel width of codes",
       [](Plan &p) {
         p.parameters[0].type = DType::F8E4M3;
         p.parameters[0].layouts[1].panelWidth = 24;
       },
       "multiple of 16,"},
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
      {"cache of no layer",
       [](Plan &p) { entry(p).instructions[0].args.push_back({ArgKind::Cache, 0, 0}); },
       "the cache outside of a layer"},
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
  expectRefusals(cases);
}

/// One case for each number that can be out of its range, and each border.
TEST(Validate, NamesTheNumbersOfThePlanThatAreWrong) {
  constexpr int64_t tooMany = int64_t(1) << 31;
  const char *object = "the name of a file as object";
  expectRefusals({
      {"hidden size", [](Plan &p) { p.hiddenSize = 0; }, "found 32, 0 and 2"},
      {"model layers", [](Plan &p) { p.layers = 0; }, "found 32, 8 and 0"},
      {"large vocabulary", [](Plan &p) { p.vocabSize = tooMany; }, "found 2147483648, 8 and 2"},
      {"large cache", [](Plan &p) { p.cache.rope = tooMany; }, "2^31 - 1, found 2147483648"},
      {"one scale block", [](Plan &p) { p.scaleBlock = {128}; }, "scale block of two sizes"},
      {"no scale block", [](Plan &p) { p.scaleBlock[1] = 0; }, "scale block of two sizes"},
      {"size name", [](Plan &p) { p.sizes[1].name.clear(); }, "size ''"},
      {"variant name", [](Plan &p) { p.variants[0].name.clear(); }, "variant ''"},
      {"object empty", [](Plan &p) { p.variants[0].object.clear(); }, object},
      {"object here", [](Plan &p) { p.variants[0].object = "."; }, object},
      {"object above", [](Plan &p) { p.variants[0].object = ".."; }, object},
      {"object zero", [](Plan &p) { p.variants[0].object = std::string("a\0b", 3); }, object},
  });
}

TEST(Validate, NamesTheNumbersOfKernelsThatAreWrong) {
  const char *counts = "expected tile counts that are not negative";
  expectRefusals({
      {"variants", [](Plan &p) { p.kernels[1].variants.pop_back(); }, "2 variants, found 1"},
      {"factor", [](Plan &p) { p.kernels[0].variants[1].tiles.factor = -1; }, counts},
      {"divisor", [](Plan &p) { p.kernels[0].variants[1].tiles.divisor = -1; }, counts},
      {"times", [](Plan &p) { p.kernels[0].variants[1].tiles.times = -1; }, counts},
      {"plus", [](Plan &p) { p.kernels[0].variants[1].tiles.plus = -1; }, counts},
      {"factor overflows",
       [](Plan &p) {
         entry(p).maxima[0] = std::numeric_limits<int32_t>::max();
         p.kernels[0].variants[0].tiles.factor = std::numeric_limits<uint32_t>::max();
       },
       "too many tiles"},
      {"times overflow",
       [](Plan &p) {
         TileCount &tiles = p.kernels[0].variants[0].tiles;
         tiles.factor = tiles.times = std::numeric_limits<uint32_t>::max();
       },
       "too many tiles"},
      {"plus exceeds",
       [](Plan &p) {
         p.kernels[0].variants[0].tiles.plus = std::numeric_limits<uint32_t>::max() - 3;
       },
       "too many tiles"},
      {"scratch", [](Plan &p) { p.kernels[0].variants[1].scratchBytes = (int64_t(1) << 40) + 1; },
       "scratch of 1099511627777"},
  });
}

TEST(Validate, NamesTheNumbersOfEntriesThatAreWrong) {
  const char *observation = "observation 'hidden' has no proper type, size or columns";
  expectRefusals({
      {"role", [](Plan &p) { entry(p).role.clear(); }, "found '' and 1 to 16"},
      {"no tokens", [](Plan &p) { entry(p).minTokens = 0; }, "found 'step' and 0 to 16"},
      {"range", [](Plan &p) { entry(p).minTokens = 17; }, "found 'step' and 17 to 16"},
      {"no maximum", [](Plan &p) { entry(p).maxima[1] = 0; }, "a size's maximum of 0"},
      {"maximum", [](Plan &p) { entry(p).maxima[1] = int64_t(1) << 31; }, "of 2147483648"},
      {"negative arena", [](Plan &p) { entry(p).arenaBytes = -1; }, "plan: an arena of -1 bytes"},
      {"large arena", [](Plan &p) { entry(p).arenaBytes = (int64_t(1) << 52) + 1; },
       "plan: an arena of 4503599627370497 bytes"},
      {"offset before", [](Plan &p) { entry(p).instructions[0].args[2].offset = -1; },
       "offset -1 in an arena"},
      {"port name", [](Plan &p) { entry(p).outputs[0].name.clear(); }, "port '' has no"},
      {"port size", [](Plan &p) { entry(p).outputs[0].size = 2; }, "port 'logits' has no"},
      {"port without columns", [](Plan &p) { entry(p).inputs[0].columns = 0; }, "port 'ids' has"},
      {"port columns", [](Plan &p) { entry(p).inputs[0].columns = huge; }, "port 'ids' has"},
      {"observed size", [](Plan &p) { entry(p).observations[0].size = 2; }, observation},
      {"observed size before", [](Plan &p) { entry(p).observations[0].size = -1; }, observation},
      {"nothing observed", [](Plan &p) { entry(p).observations[0].columns = 0; }, observation},
      {"observed columns", [](Plan &p) { entry(p).observations[0].columns = huge; }, observation},
      {"layer", [](Plan &p) { entry(p).instructions[1].layer = -2; }, "layer -2 of 2"},
      {"output", [](Plan &p) { entry(p).instructions[3].args[1].index = 1; }, "output 1 of 1"},
      {"two observed", [](Plan &p) { observe(p).args.resize(2, {ArgKind::Arena, 0, 0}); },
       "found observation 0 of 2 values"},
      {"observed weight", [](Plan &p) { observe(p).args[0] = {ArgKind::Parameter, 1, 0}; },
       "neither arena nor port"},
      {"observed input", [](Plan &p) { observe(p).args[0] = {ArgKind::Input, 0, 0}; },
       "of 512 bytes exceeds the 64 that are there"},
      {"observed arena", [](Plan &p) { observe(p).args[0] = {ArgKind::Arena, 0, 4096 - 511}; },
       "of 512 bytes exceeds the 511 that are there"},
  });
  Plan plan = test::smallPlan();
  observe(plan).args[0] = {ArgKind::Arena, 0, 4096 - 512};
  EXPECT_TRUE(validate(plan).ok());
}

TEST(Validate, NamesTheNumbersOfParametersThatAreWrong) {
  const char *sizes = "expected a name, positive sizes without overflow and equal parts";
  const char *blocks = "expected a block of scales, found";
  const char *width = "expected panels whose width is a multiple of 2, 4096 at most";
  const char *inPlace = "expected bf16 as it is stored, in whole panels of";
  // What could be in place, of 32 rows and columns, but for what is wrong with it.
  auto stay = [](Plan &p, int64_t panelWidth) -> Parameter & {
    Parameter &parameter = p.parameters[0];
    parameter.columns = parameter.segments[0].fileColumns = 32;
    parameter.layouts[1] = {LayoutKind::InPlace, panelWidth};
    return parameter;
  };
  expectRefusals({
      {"name twice", [](Plan &p) { p.parameters[1].name = "embedding"; }, "name occurs twice"},
      {"name", [](Plan &p) { p.parameters[0].name.clear(); }, sizes},
      {"groups", [](Plan &p) { p.parameters[0].groups = 0; }, sizes},
      {"rows", [](Plan &p) { p.parameters[0].rows = 0; }, sizes},
      {"columns", [](Plan &p) { p.parameters[0].columns = 0; }, sizes},
      {"parts", [](Plan &p) { p.parameters[0].parts = 0; }, sizes},
      {"elements", [](Plan &p) { p.parameters[0].columns = int64_t(1) << 45; }, sizes},
      {"negative rows of scales", [](Plan &p) { p.parameters[1].scaleRows = -128; }, blocks},
      {"negative columns of scales", [](Plan &p) { p.parameters[1].scaleColumns = -128; }, blocks},
      {"rows of scales", [](Plan &p) { p.parameters[1].scaleRows = huge; }, blocks},
      {"one size of scales", [](Plan &p) { p.parameters[1].scaleColumns = 0; }, blocks},
      {"odd panels", [](Plan &p) { p.parameters[0].layouts[1].panelWidth = 15; }, width},
      {"dots of f8", [](Plan &p) { p.parameters[1].layouts[1].kind = LayoutKind::Dots; },
       "dot products of bf16, i8 or i4"},
      {"f8 in place", [](Plan &p) { p.parameters[1].layouts[1].kind = LayoutKind::InPlace; },
       inPlace},
      {"panels in place that are not whole", [&](Plan &p) { stay(p, 24); }, inPlace},
      {"no panels in place", [&](Plan &p) { stay(p, 0); }, width},
      {"few columns in place", [&](Plan &p) { stay(p, 16).columns = 24; }, inPlace},
      {"columns in turn in place", [&](Plan &p) { stay(p, 16).segments[0].transposed = true; },
       inPlace},
      {"what is encoded in place", [&](Plan &p) { stay(p, 16).stored = DType::F32; }, inPlace},
      {"wide panels", [](Plan &p) { p.parameters[0].layouts[1].panelWidth = 4098; }, width},
      {"panels overflow", // rows alone are 2^52 bytes, and 16 more are added
       [](Plan &p) {
         p.parameters[0].columns = p.parameters[0].segments[0].fileColumns = int64_t(1) << 44;
       },
       width},
      {"last layer", [](Plan &p) { p.parameters[1].layers = {0, 2}; }, "below 2, found 2"},
      {"type of scales", [](Plan &p) { p.parameters[1].type = DType::BF16; }, "belong to codes"},
      {"no scales", [](Plan &p) { p.scaleBlock.clear(); }, "states no block"},
      {"scales across", [](Plan &p) { p.parameters[1].scaleRows = 256; },
       "spans two segments at row 128"},
      {"columns of scales",
       [](Plan &p) {
         Parameter &weight = p.parameters[1];
         weight.columns = weight.segments[0].fileColumns = weight.segments[1].fileColumns = 200;
         weight.scaleColumns = 96;
       },
       "a block of 128 x 96 scales of group 0 spans blocks"},
  });
}

TEST(Validate, NamesTheNumbersOfSegmentsThatAreWrong) {
  const char *shape = "expected a key, rows and a shape without overflow";
  constexpr int64_t large = (int64_t(1) << 52) + 1;
  expectRefusals({
      {"key", [](Plan &p) { segment(p).key.clear(); }, shape},
      {"rows", [](Plan &p) { segment(p).rows = 0; }, shape},
      {"rows of the file", [](Plan &p) { segment(p).fileRows = 0; }, shape},
      {"columns of the file", [](Plan &p) { segment(p).fileColumns = -1; }, shape},
      {"stride", [](Plan &p) { segment(p).groupStride = -1; }, shape},
      {"first row", [](Plan &p) { segment(p).firstRow = -1; }, shape},
      {"large first row", [](Plan &p) { segment(p).firstRow = large; }, shape},
      {"large file", [](Plan &p) { segment(p).fileRows = int64_t(1) << 52; }, shape},
      {"strides of all groups",
       [](Plan &p) { segment(p).groupStride = int64_t(1) << 51, p.parameters[0].groups = 3; },
       shape},
      {"columns", [](Plan &p) { segment(p).fileColumns = 7; }, "8 columns of a tensor of shape"},
      {"stride of experts", [](Plan &p) { p.parameters[1].segments[0].groupStride = 1; },
       "a stride of 1 between groups exclude each other"},
  });
}

TEST(Validate, ATensorOfOneDimensionIsOneRow) {
  auto refusal = [](const std::function<void(Parameter &, Segment &)> &spoil) {
    Plan plan = test::smallPlan();
    Parameter &weight = plan.parameters[0];
    weight.rows = 1;
    weight.segments = {{"model.norm.weight", "", 8, 0, 0, 0, 1, false}};
    spoil(weight, weight.segments[0]);
    Status status = validate(plan);
    return status.ok() ? "" : status.failure().what;
  };
  EXPECT_EQ(refusal([](Parameter &, Segment &) {}), "");
  const std::string expected =
      "invalid plan: a tensor of one dimension gives one row of all its 8 elements";
  EXPECT_EQ(refusal([](Parameter &, Segment &s) { s.transposed = true; }), expected);
  EXPECT_EQ(refusal([](Parameter &p, Segment &s) { p.rows = s.rows = 2; }), expected);
  EXPECT_EQ(refusal([](Parameter &p, Segment &) { p.groups = 2; }), expected);
  EXPECT_EQ(refusal([](Parameter &, Segment &s) { s.scaleKey = "scale"; }), expected);
  EXPECT_EQ(refusal([](Parameter &, Segment &s) { s.firstRow = 1; }), expected);
  EXPECT_EQ(refusal([](Parameter &p, Segment &) { p.columns = 7; }), expected);
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
  // More than can be counted: 2^49 experts in 16 layers.
  Plan plan = test::smallPlan();
  Parameter &vast = plan.parameters[1];
  plan.cache.layers = 16;
  vast.layers = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  vast.groups = int64_t(1) << 49, vast.rows = vast.columns = vast.parts = 1;
  vast.layouts = {{}, {}}, vast.segments.pop_back(), vast.segments[0].rows = 1;
  EXPECT_NE(validate(plan).failure().what.find("more than 4194304 tensors"), std::string::npos);
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
