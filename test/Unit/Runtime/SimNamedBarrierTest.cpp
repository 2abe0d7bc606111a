//===- SimNamedBarrierTest.cpp - bar.sync of some warps, simulated --------===//
//
// Two of three warps exchange values by way of shared memory, at a named barrier: right under
// every schedule; and mistakes, each of which is found.
//
//===----------------------------------------------------------------------===//
#include "SimPlanted.h"
#include "SimRun.h"

#include <numeric>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::test;

/// y[i] = x[i ^ 32] twice, of 64 elements; the third warp goes on alone.
static const char *const exchanging = R"(
SharedArrays shared;
float *a = shared.take<float>(64);
if (threadIndex() >= 64) { return; }
for (int i = 0; i < 2; ++i) {
  a[threadIndex()] = x[threadIndex()];
  syncNamed(1, 64);
  y[threadIndex()] = a[threadIndex() ^ 32];
  syncNamed(2, 64);
}
)";

static Status exchangeOn(SimRun &sim, const char *right = "", const char *wrong = "") {
  if (Status loaded = sim.load("const float *x, float *y", 96, changed(exchanging, right, wrong));
      !loaded) {
    return loaded;
  }
  std::vector<float> x(64);
  std::iota(x.begin(), x.end(), 0.F);
  sim.add(x);
  sim.add(std::vector<float>(64));
  return sim.launch({1, 256});
}

static SimOptions scheduled(bool check, uint64_t seed) {
  SimOptions options;
  options.check = check;
  options.seed = seed;
  return options;
}

static constexpr uint64_t namedSeeds = 4; // and 0, in order

TEST(SimNamedBarrier, OrdersWhatItsThreadsDo) {
  std::vector<float> expected(64);
  std::iota(expected.begin(), expected.begin() + 32, 32.F);
  std::iota(expected.begin() + 32, expected.end(), 0.F);
  for (bool check : {false, true}) {
    for (uint64_t seed = 0; seed <= namedSeeds; ++seed) {
      SimRun sim(scheduled(check, seed));
      Status status = exchangeOn(sim);
      if (lacksClang(status)) {
        GTEST_SKIP() << status.failure().message();
      }
      ASSERT_TRUE(status) << "seed " << seed << ": " << status.failure().message();
      EXPECT_EQ(sim.values<float>(1), expected) << "seed " << seed;
    }
  }
}

class NamedBarrierMistakes : public testing::TestWithParam<Planted> {};

TEST_P(NamedBarrierMistakes, AreFound) {
  for (uint64_t seed = 0; seed <= namedSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimRun sim(scheduled(true, seed));
    Status status = exchangeOn(sim, GetParam().right, GetParam().wrong);
    if (lacksClang(status)) {
      GTEST_SKIP() << status.failure().message();
    }
    expectFound(status, GetParam());
  }
}

static const Planted namedMistakes[] = {
    {"None", "syncNamed(1, 64);", "", {"no barrier lies between", "that nobody wrote"}},
    {"NoneBeforeTheNextRound", "syncNamed(2, 64);", "", {"no barrier lies between"}},
    {"EachWarpAlone",
     "syncNamed(1, 64);",
     "syncNamed(1 + warpIndex(), 32);",
     {"no barrier lies between", "that nobody wrote"}},
    {"AWarpThatNeverComes",
     "syncNamed(1, 64);",
     "syncNamed(1, 96);",
     {"a named barrier that not all its threads reach"}},
    {"TheThirdWarpReadsToo",
     "if (threadIndex() >= 64) { return; }",
     "if (threadIndex() >= 64) { y[threadIndex() - 64] = a[0]; return; }",
     {"shared memory that "}},
    {"CountsThatDiffer",
     "syncNamed(1, 64);",
     "syncNamed(1, 64 + 32 * warpIndex());",
     {"threads, where others wait for "}},
    {"HalvesOfTwoWarps",
     "syncNamed(1, 64);",
     "syncNamed(1 + laneIndex() / 16, 32);",
     {"meets a part of warp "}},
    {"NumberThatIsNone", "syncNamed(1, 64);", "syncNamed(16, 64);", {"there are 1 to 15"}},
    {"PartOfAWarp", "syncNamed(1, 64);", "syncNamed(1, 48);", {"of whole warps of the block"}},
};
INSTANTIATE_TEST_SUITE_P(SimNamedBarrier, NamedBarrierMistakes, testing::ValuesIn(namedMistakes),
                         [](const auto &info) { return std::string(info.param.name); });
