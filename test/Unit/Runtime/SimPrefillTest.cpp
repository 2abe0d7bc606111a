//===- SimPrefillTest.cpp - a prompt's keys on warp groups, simulated -----===//
//
// Bank conflicts, and what is out of range, of expand_latents.cuh and prefill_attention.cuh: one
// head, whose values SimDifferentialTest compares. Needs clang; skipped without it.
//
//===----------------------------------------------------------------------===//
#include "SimPlanted.h"
#include "SimRun.h"

using namespace dsv3;
using namespace dsv3::runtime;
using dsv3::test::lacksClang;
using dsv3::test::SimRun;

namespace {

constexpr int64_t tokens = 130, latent = 64, rope = 64, page = 64, context = 256, columns = 128;
constexpr int threads = 384;

class Prefill : public testing::TestWithParam<bool> {
protected:
  /// Of so many pages that there are; the last token has this position and request.
  Status launch(int64_t pages, int32_t position, int32_t request) {
    SimOptions options;
    options.check = true;
    sim.emplace(options);
    std::vector<int32_t> positions(tokens), requests(tokens, 0);
    for (int64_t t = 0; t < tokens; ++t) {
      positions[size_t(t)] = int32_t(t);
    }
    positions.back() = position;
    requests.back() = request;
    Status loaded = GetParam() ? loadExpansion() : loadAttention();
    if (!loaded) {
      return loaded;
    }
    if (GetParam()) {
      sim->add(std::vector<uint16_t>(2 * columns * latent));
    } else {
      sim->add(std::vector<uint16_t>(tokens * columns));
      sim->add(std::vector<uint16_t>(tokens * rope));
    }
    sim->add(std::vector<uint16_t>(context * columns));
    sim->add(std::vector<uint16_t>(context * rope));
    sim->add(std::vector<uint16_t>(columns * context));
    sim->add(positions);
    sim->add(requests);
    if (GetParam()) {
      sim->add(std::vector<uint16_t>(context * (latent + rope)));
      std::vector<int32_t> table(context / page, -1);
      for (int64_t i = 0; i < pages; ++i) {
        table[size_t(i)] = int32_t(pages - 1 - i);
      }
      sim->add(table);
      return sim->launch({2, 147624});
    }
    sim->add(std::vector<uint16_t>(tokens * columns));
    return sim->launch({2, 215116});
  }

  Status loadExpansion() {
    sim->headers.emplace_back("family/expand_latents");
    return sim->load(
        "const bf16 *weight, bf16 *keys, bf16 *ropeKeys, bf16 *values, "
        "const int32 *positions, const int32 *requests, const bf16 *pages, "
        "const int32 *table",
        threads,
        "  using TheCache = Cache<const bf16, 64, 64, 64, 256, 1>;\n"
        "  static_assert(ExpandShared<TheCache, 6>::bytes == 147624, \"\");\n"
        "  expandLatents<1, 128, 128, 6, 256>(Launch{mark, number}, &map, &map1, &map2, "
        "positions, requests, TheCache{pages, table}, ropeKeys, 130);\n",
        {"0, 256, -1, 128, 128", "1, 256, -1, 256, 16", "3, 128, -1, 512, 16"}, 1, true);
  }
  Status loadAttention() {
    sim->headers.emplace_back("family/prefill_attention");
    return sim->load(
        "const bf16 *query, const bf16 *rotated, const bf16 *keys, const bf16 *ropeKeys, "
        "const bf16 *values, const int32 *positions, const int32 *requests, bf16 *out",
        threads,
        "  prefillAttention<128, 64, 128, ExpandedKeys<256, 1>>(Launch{mark, number}, Rows<const "
        "bf16, 0, 128, 128>{query}, Rows<const bf16, 0, 64, 64>{rotated}, &map, &map1, &map2, "
        "&map3, "
        "&map4, &map5, positions, requests, 130, 0.1f);\n",
        {"0, 130, -1, 256, 64", "1, 130, -1, 128, 64", "2, 256, -1, 256, 128",
         "3, 256, -1, 128, 128", "4, 128, -1, 512, 128", "7, 130, -1, 256, 16"});
  }

  void expectOutOfRange(const Status &ran) const {
    ASSERT_FALSE(ran);
    EXPECT_NE(ran.failure().message().find("a kernel found an index out of range"),
              std::string::npos)
        << ran.failure().message();
  }

  std::optional<SimRun> sim;
};

} // namespace

#define LAUNCHED_OR_SKIP(STATUS)                                                                   \
  if (lacksClang(STATUS)) {                                                                        \
    GTEST_SKIP() << (STATUS).failure().message();                                                  \
  }

TEST_P(Prefill, HasNoBankConflicts) {
  Status ran = launch(4, tokens - 1, 0);
  LAUNCHED_OR_SKIP(ran);
  ASSERT_TRUE(ran) << ran.failure().message();
  std::vector<SimCounts> counts = countsOf(*sim->object);
  ASSERT_EQ(counts.size(), 1U);
  EXPECT_GT(counts[0].wavefronts,
            0); // what threads and stmatrix do; wgmma and TMA are swizzled alike
  EXPECT_EQ(counts[0].wavefronts, counts[0].leastWavefronts);
}

TEST_P(Prefill, SaysThatAPositionOrARequestIsOutOfRange) {
  for (int32_t wrong : {int32_t(context), -1}) {
    Status ran = launch(4, wrong, 0);
    LAUNCHED_OR_SKIP(ran);
    expectOutOfRange(ran);
    expectOutOfRange(launch(4, 0, wrong));
  }
}

TEST_P(Prefill, SaysThatAPageIsNotThere) {
  Status ran = launch(2, tokens - 1, 0);
  LAUNCHED_OR_SKIP(ran);
  if (GetParam()) {
    expectOutOfRange(ran); // the third page is
  } else {
    EXPECT_TRUE(ran) << ran.failure().message(); // pages were expanded before
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, Prefill, testing::Bool(),
                         [](const auto &info) { return info.param ? "Expansion" : "Attention"; });
