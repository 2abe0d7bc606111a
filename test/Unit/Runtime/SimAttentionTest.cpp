//===- SimAttentionTest.cpp - what absorbed attention on tensor cores costs -===//
//
// Counts of the simulated GPU for heads, latents and pages as models have them. Needs clang;
// skipped without it.
//
//===----------------------------------------------------------------------===//
#include "SimPlanted.h"
#include "SimRun.h"

#include <array>
#include <optional>

using namespace dsv3;
using namespace dsv3::runtime;
using dsv3::test::lacksClang;
using dsv3::test::SimLaunch;
using dsv3::test::SimRun;

namespace {

/// A block's heads, of which there are twice as many, and pieces. Two tokens and two parts.
struct Shape {
  const char *name;
  int64_t heads, keys, stages, sharedBytes;
};
void PrintTo(const Shape &shape, std::ostream *out) { *out << shape.name; }

constexpr int64_t tokens = 2, parts = 2, latent = 512, rope = 64, width = latent + rope, page = 64;
constexpr int64_t pages = 32;
constexpr std::array<int32_t, tokens> positions{2039, 1403};

class LatentAttention : public testing::TestWithParam<Shape> {
protected:
  LatentAttention() : allHeads(2 * GetParam().heads) {}

  int64_t partials() const { return parts * (latent + 2); }
  std::string rows(const std::string &type, int64_t columns, const std::string &name) const {
    return "Rows<" + type + ", 0, " + std::to_string(allHeads * columns) + ", " +
           std::to_string(columns) + ">{" + name + "}";
  }

  /// Pages in the reverse order; of those behind the first `known` there are none. Times are
  /// predicted where a place for them is given, accesses checked where not.
  Status launch(int64_t known, LaunchProfile *times = nullptr) {
    SimOptions options;
    options.check = !times;
    options.chip = times ? plan::findChip("h200") : nullptr;
    sim.emplace(options);
    sim->headers.emplace_back("family/latent_attention_mma");
    const Shape &shape = GetParam();
    std::string numbers;
    for (int64_t number :
         {shape.heads, shape.keys, shape.stages, allHeads, parts, int64_t(threads)}) {
      numbers += (numbers.empty() ? "" : ", ") + std::to_string(number);
    }
    Status loaded = sim->load(
        "const bf16 *query, const bf16 *rotated, const int32 *positions, const int32 *requests, "
        "const bf16 *pages, const int32 *table, float *out",
        threads,
        "  latentAttentionMma<" + numbers + ">(Launch{mark, number},\n" +
            rows("const bf16", latent, "query") + ", " + rows("const bf16", rope, "rotated") +
            ", positions, requests,\nCache<const bf16, 512, 64, 64, 2048, 1>{pages, table}, " +
            rows("float", partials(), "out") + ", 0.1f);\n");
    if (!loaded) {
      return loaded;
    }
    sim->add(std::vector<uint16_t>(size_t(tokens * allHeads * latent)));
    sim->add(std::vector<uint16_t>(size_t(tokens * allHeads * rope)));
    sim->add(std::vector<int32_t>(positions.begin(), positions.end()));
    sim->add(std::vector<int32_t>(tokens, 0));
    sim->add(std::vector<uint16_t>(size_t(pages * page * width)));
    std::vector<int32_t> table(size_t(pages), -1);
    for (int64_t i = 0; i < known; ++i) {
      table[size_t(i)] = int32_t(pages - 1 - i);
    }
    sim->add(table);
    sim->add(std::vector<float>(size_t(tokens * allHeads * partials())));
    SimLaunch how{tokens * parts * allHeads / shape.heads, shape.sharedBytes};
    return times ? sim->profile(how, *times) : sim->launch(how);
  }

  static constexpr int threads = 256;
  std::optional<SimRun> sim;
  int64_t allHeads;
};

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
  EXPECT_GT(counts[0].products, 0);
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
  int64_t tiles = allHeads / GetParam().heads;
  int64_t least =
      2 * width * (tokens * parts * allHeads + keys * tiles) + 4 * tokens * allHeads * partials();
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

INSTANTIATE_TEST_SUITE_P(Published, LatentAttention,
                         testing::Values(Shape{"SixteenHeads", 16, 64, 2, 168256},
                                         Shape{"SixtyFourHeads", 64, 64, 2, 230144},
                                         Shape{"ThirtyTwoHeadsOfSmallPieces", 32, 16, 3, 96512}),
                         [](const auto &info) { return std::string(info.param.name); });
