//===- SimAttentionTest.cpp - what absorbed attention on tensor cores costs -===//
//
// Counts of the simulated GPU for heads, latents and pages as models have them. Needs clang;
// skipped without it.
//
//===----------------------------------------------------------------------===//
#include "SimPlanted.h"
#include "SimRun.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

using namespace dsv3;
using namespace dsv3::runtime;
using dsv3::test::lacksClang;
using dsv3::test::SimLaunch;
using dsv3::test::SimRun;

namespace {

constexpr int64_t tokens = 2, parts = 2, latent = 512, rope = 64, width = latent + rope, page = 64;
constexpr int64_t pages = 32;
constexpr std::array<int32_t, tokens> positions{2039, 1403};

/// A block's heads, of which there are so many times as many, and pieces; or of warp groups, which
/// have whole pages, how many tokens may share them. Two tokens and two parts.
struct Shape {
  const char *name;
  int64_t heads, tiles, keys, stages, sharedBytes, shared = 0;

  bool onWarpGroups() const { return shared > 0; }
  int64_t allHeads() const { return heads * tiles; }
  /// What the function takes before the types.
  std::vector<int64_t> numbers() const {
    return onWarpGroups()
               ? std::vector<int64_t>{heads, shared, tokens, allHeads(), parts, 1}
               : std::vector<int64_t>{heads, keys, stages, allHeads(), parts, 1, threads()};
  }
  int threads() const { return onWarpGroups() ? 384 : 256; }
};
void PrintTo(const Shape &shape, std::ostream *out) { *out << shape.name; }

constexpr std::array onWarpGroups{Shape{"SixtyFourHeadsOnWarpGroups", 64, 2, 64, 2, 230260, 1},
                                  Shape{"SixteenHeadsOnWarpGroups", 16, 1, 64, 2, 230260, 4}};

/// Some bf16 between -1/2 and 1/2.
std::vector<uint16_t> numbers16(int64_t count) {
  std::vector<uint16_t> values;
  values.reserve(size_t(count));
  for (int64_t i = 0; i < count; ++i) {
    values.push_back(uint16_t(std::bit_cast<uint32_t>(float(i * 7 % 17 - 8) / 16) >> 16));
  }
  return values;
}

class LatentAttention : public testing::TestWithParam<Shape> {
protected:
  LatentAttention() : allHeads(GetParam().allHeads()) {}

  int64_t partials() const { return parts * (latent + 2); }
  std::string rows(const std::string &type, int64_t columns, const std::string &name) const {
    return "Rows<" + type + ", 0, " + std::to_string(allHeads * columns) + ", " +
           std::to_string(columns) + ">{" + name + "}";
  }

  /// Pages in the reverse order; of those behind the first `known` there are none. Times are
  /// predicted where a place for them is given, accesses checked where not.
  Status launch(int64_t known, LaunchProfile *times = nullptr,
                std::array<int32_t, tokens> seen = positions, uint64_t seed = 0) {
    SimOptions options;
    options.check = !times;
    options.seed = seed;
    options.chip = times ? plan::findChip("h200") : nullptr;
    sim.emplace(options);
    const Shape &shape = GetParam();
    std::string form = shape.onWarpGroups() ? "Wgmma" : "Mma";
    sim->headers.emplace_back(shape.onWarpGroups() ? "family/latent_attention_wgmma"
                                                   : "family/latent_attention_mma");
    std::string numbers;
    for (int64_t number : shape.numbers()) {
      numbers += (numbers.empty() ? "" : ", ") + std::to_string(number);
    }
    Status loaded = sim->load(
        "const bf16 *query, const bf16 *rotated, const int32 *positions, const int32 *requests, "
        "const bf16 *pages, const int32 *table, float *out",
        shape.threads(),
        "  latentAttention" + form + "<" + numbers + ">(Launch{mark, number},\n" +
            rows("const bf16", latent, "query") + ", " + rows("const bf16", rope, "rotated") +
            ", positions, requests,\nCache<const bf16, 512, 64, 64, 2048, 1>{pages, table}, " +
            rows("float", partials(), "out") + (shape.onWarpGroups() ? ", 2" : "") + ", 0.1f);\n",
        {}, 1, shape.onWarpGroups());
    if (!loaded) {
      return loaded;
    }
    sim->add(numbers16(tokens * allHeads * latent));
    sim->add(numbers16(tokens * allHeads * rope));
    sim->add(std::vector<int32_t>(seen.begin(), seen.end()));
    sim->add(std::vector<int32_t>(tokens, request));
    std::vector<uint16_t> cached = numbers16(pages * page * width);
    if (strangeKey >= 0) {
      constexpr uint16_t nan = 0x7fc0;
      int64_t row = (pages - 1 - strangeKey / page) * page + strangeKey % page;
      std::fill_n(cached.begin() + row * width, width, nan);
    }
    sim->add(cached);
    std::vector<int32_t> table(size_t(pages), -1);
    for (int64_t i = 0; i < known; ++i) {
      table[size_t(i)] = int32_t(pages - 1 - i);
    }
    sim->add(table);
    sim->add(std::vector<float>(size_t(tokens * allHeads * partials())));
    SimLaunch how{tokens * parts * shape.tiles, shape.sharedBytes};
    return times ? sim->profile(how, *times) : sim->launch(how);
  }

  std::optional<SimRun> sim;
  int64_t allHeads;
  int32_t request = 0;     ///< of all tokens
  int64_t strangeKey = -1; ///< one that is no number, if it is none of the cache
};

class LatentAttentionOnWarpGroups : public LatentAttention {};

} // namespace

#define LAUNCHED_OR_SKIP(STATUS)                                                                   \
  if (lacksClang(STATUS)) {                                                                        \
    GTEST_SKIP() << (STATUS).failure().message();                                                  \
  }

TEST_P(LatentAttention, HasNoBankConflicts) {
  Status ran = launch(pages);
  LAUNCHED_OR_SKIP(ran);
  ASSERT_TRUE(ran) << ran.failure().message();
  std::vector<SimCounts> counts = countsOf(*sim->object);
  ASSERT_EQ(counts.size(), 1U);
  if (!GetParam().onWarpGroups()) {
    EXPECT_GT(counts[0].products, 0); // of mma.sync; operands of wgmma are swizzled
  }
  EXPECT_GT(counts[0].wavefronts, 0);
  EXPECT_EQ(counts[0].wavefronts, counts[0].leastWavefronts);
}

// A block reads its queries, and once each key of its part that its token sees.
TEST_P(LatentAttention, ReadsEachKeyOnce) {
  LaunchProfile times;
  Status ran = launch(pages, &times);
  LAUNCHED_OR_SKIP(ran);
  ASSERT_TRUE(ran) << ran.failure().message();
  int64_t keys = 0;
  for (int32_t position : positions) {
    keys += position + 1;
  }
  int64_t least = 2 * width * (tokens * parts * allHeads + keys * GetParam().tiles) +
                  4 * tokens * allHeads * partials();
  const LaunchPrediction &found = times.predictions.at(0);
  EXPECT_EQ(found.observedBlocks, found.blocks);
  EXPECT_GE(found.l2Bytes, double(least));
  EXPECT_LE(found.l2Bytes, 1.05 * double(least));
}

TEST_P(LatentAttention, SaysThatAPageIsNotThere) {
  Status ran = launch(3);
  LAUNCHED_OR_SKIP(ran);
  ASSERT_FALSE(ran);
  EXPECT_NE(ran.failure().message().find("a kernel found an index out of range"), std::string::npos)
      << ran.failure().message();
}

TEST_P(LatentAttention, SaysThatAPositionOrARequestIsOutOfRange) {
  auto expectOutOfRange = [](const Status &ran) {
    ASSERT_FALSE(ran);
    EXPECT_NE(ran.failure().message().find("a kernel found an index out of range"),
              std::string::npos)
        << ran.failure().message();
  };
  for (int32_t wrong : {2048, -1}) {
    request = 0;
    Status ran = launch(pages, nullptr, {7, wrong});
    LAUNCHED_OR_SKIP(ran);
    expectOutOfRange(ran);
    request = wrong;
    expectOutOfRange(launch(pages, nullptr, {7, 8}));
  }
}

// Where their parts have as many pages, as far as their heads are rows of a block.
TEST_P(LatentAttention, TokensOfARequestShareTheirKeys) {
  LaunchProfile times;
  constexpr int32_t position = 2038;
  Status ran = launch(pages, &times, {position, position + 1});
  LAUNCHED_OR_SKIP(ran);
  ASSERT_TRUE(ran) << ran.failure().message();
  int64_t readers = GetParam().shared > 1 ? 1 : tokens;
  int64_t others = 2 * width * tokens * parts * allHeads + 4 * tokens * allHeads * partials();
  double ofKeys = times.predictions.at(0).l2Bytes - double(others);
  EXPECT_NEAR(ofKeys / double(2 * width * position * GetParam().tiles), double(readers), 0.1);
}

// A token's neighbour sees a key that is no number, and may share its page.
TEST_P(LatentAttention, WhatATokenMustNotSeeDoesNotMatter) {
  strangeKey = 63;
  Status ran = launch(pages, nullptr, {62, 63});
  LAUNCHED_OR_SKIP(ran);
  ASSERT_TRUE(ran) << ran.failure().message();
  std::vector<float> found = sim->values<float>(6);
  int64_t ofToken = allHeads * partials();
  for (int64_t head = 0; head < allHeads; ++head) {
    for (int64_t i = 0; i < latent + 2; ++i) { // of the first part, which alone has keys
      auto at = size_t(head * partials() + i);
      ASSERT_TRUE(std::isfinite(found[at])) << "head " << head << ", " << i;
      ASSERT_TRUE(i == latent || std::isnan(found[at + size_t(ofToken)])) << head << ", " << i;
    }
  }
}

// Whoever goes on first, and how many blocks there are.
TEST_P(LatentAttentionOnWarpGroups, LeavesTheSameBytesWithEverySeed) {
  std::vector<float> expected;
  for (uint64_t seed : {0, 1, 6}) {
    Status ran = launch(pages, nullptr, {2039, 130}, seed);
    LAUNCHED_OR_SKIP(ran);
    ASSERT_TRUE(ran) << ran.failure().message() << ", seed " << seed;
    std::vector<float> found = sim->values<float>(6);
    if (seed == 0) {
      expected = found;
    }
    EXPECT_EQ(found, expected) << "seed " << seed;
  }
}

// A head whose scores are no numbers: its parts say so, and no others are read for it.
TEST(AttentionCombine, ReadsNoPartThatIsNotThere) {
  SimOptions options;
  options.check = true;
  SimRun run(options);
  run.headers.emplace_back("family/latent_attention");
  Status loaded = run.load("const float *partials, float *out", 32,
                           "  attentionCombine<5, 32, 1, 32>(Launch{mark, number},\n"
                           "Rows<const float, 0, 170, 170>{partials}, "
                           "Rows<float, 0, 32, 32>{out});\n");
  LAUNCHED_OR_SKIP(loaded);
  ASSERT_TRUE(loaded) << loaded.failure().message();
  constexpr float infinity = std::numeric_limits<float>::infinity(),
                  nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> partials(170, 1.F);
  for (size_t part = 0; part < 5; ++part) {
    partials[part * 34 + 32] = -infinity;
    partials[part * 34 + 33] = nan;
  }
  run.add(partials);
  run.add(std::vector<float>(32));
  Status ran = run.launch({1, 40});
  ASSERT_TRUE(ran) << ran.failure().message();
  EXPECT_TRUE(
      std::ranges::all_of(run.values<float>(1), [](float value) { return value != value; }));
}

INSTANTIATE_TEST_SUITE_P(Published, LatentAttention,
                         testing::Values(Shape{"SixteenHeads", 16, 2, 64, 2, 168256},
                                         Shape{"SixtyFourHeads", 64, 2, 64, 2, 230144},
                                         Shape{"ThirtyTwoHeadsOfSmallPieces", 32, 2, 16, 3, 96512},
                                         onWarpGroups[0], onWarpGroups[1]),
                         [](const auto &info) { return std::string(info.param.name); });
INSTANTIATE_TEST_SUITE_P(Published, LatentAttentionOnWarpGroups, testing::ValuesIn(onWarpGroups),
                         [](const auto &info) { return std::string(info.param.name); });
