//===- SimExpertsTest.cpp - what router and dispatch do with odd input ----===//
//
// Numbers that no model should have: the differential tests of kernels have the others.
//
//===----------------------------------------------------------------------===//
#include "SimRun.h"

#include <array>
#include <cmath>

using namespace dsv3;
using namespace dsv3::runtime;
using dsv3::test::SimRun;

static SimOptions withSeed(uint64_t seed) {
  SimOptions options;
  options.seed = seed;
  return options;
}

namespace {
struct ExpertsRun : SimRun {
  explicit ExpertsRun(uint64_t seed = 0) : SimRun(withSeed(seed)) {
    headers.emplace_back("family/experts");
  }
};

struct WrongExpert {
  size_t entry;
  int expert;
};
} // namespace

/// 100 tokens with 4 of 16 experts each; those `wrong` have none that there is.
static Status dispatch(SimRun &sim, const std::vector<WrongExpert> &wrong) {
  constexpr size_t tokens = 100, perToken = 4, experts = 16;
  Status loaded = sim.load("const int *chosen, int *offsets, int *rows, int *slots", 128, R"(
    dispatch<16, 4, 128>(Launch{mark, number}, chosen, offsets, rows, slots, 100);
  )");
  EXPECT_TRUE(loaded) << loaded.failure().message();
  std::vector<int> chosen(tokens * perToken);
  for (size_t i = 0; i < chosen.size(); ++i) {
    chosen[i] = int(i * i % 7);
  }
  for (const WrongExpert &one : wrong) {
    chosen[one.entry] = one.expert;
  }
  sim.add(chosen);
  sim.add(std::vector<int>(experts + 1, -1));
  sim.add(std::vector<int>(chosen.size(), -1));
  sim.add(std::vector<int>(chosen.size(), -1));
  return sim.launch({1, (128 / 32 + 1) * 17 * 4});
}

TEST(SimExperts, WhatIsOutOfRangeIsReportedAndNotUsed) {
  for (const std::vector<WrongExpert> &wrong : std::vector<std::vector<WrongExpert>>{
           {{399, 16}}, {{0, -1}}, {{130, INT32_MAX}, {131, 3}}, {{31, INT32_MIN}, {32, 16}}}) {
    ExpertsRun sim;
    Status status = dispatch(sim, wrong);
    ASSERT_FALSE(status);
    EXPECT_NE(status.failure().message().find("out of range"), std::string::npos)
        << status.failure().message();
    EXPECT_EQ(sim.values<int>(1), std::vector<int>(17, -1));
    EXPECT_EQ(sim.values<int>(2), std::vector<int>(400, -1));
  }
}

TEST(SimExperts, EntriesKeepTheOrderOfTheTokensUnderEverySchedule) {
  for (uint64_t seed = 0; seed < 6; ++seed) {
    ExpertsRun sim(seed);
    Status status = dispatch(sim, {});
    ASSERT_TRUE(status) << status.failure().message();
    std::vector<int> chosen = sim.values<int>(0), offsets = sim.values<int>(1);
    std::vector<int> rows = sim.values<int>(2), slots = sim.values<int>(3);
    int place = 0;
    for (int e = 0; e < 16; ++e) {
      EXPECT_EQ(offsets[size_t(e)], place);
      for (size_t i = 0; i < chosen.size(); ++i) {
        if (chosen[i] == e) {
          EXPECT_EQ(slots[i], place) << "seed " << seed << ", entry " << i;
          EXPECT_EQ(rows[size_t(place++)], int(i / 4));
        }
      }
    }
    EXPECT_EQ(offsets[16], 400);
  }
}

namespace {
struct Choice {
  std::vector<float> logits; ///< of experts 0, 1, …; those behind have -9
  std::array<int, 4> heaviestFirst, lightestFirst;
};
} // namespace

// With 40 experts a lane has one or two; with 4 groups each has experts of several lanes.
TEST(SimExperts, TheRouterChoosesAmongEqualsAndInfinities) {
  constexpr size_t experts = 40, topK = 4;
  const float inf = INFINITY;
  const std::vector<Choice> choices{
      {std::vector<float>(experts), {0, 1, 2, 3}, {0, 1, 2, 3}},
      {std::vector<float>(experts, inf), {0, 1, 2, 3}, {0, 1, 2, 3}},
      {std::vector<float>(experts, -inf), {0, 1, 2, 3}, {0, 1, 2, 3}},
      {{1, 2, 3, 3, 2, 3}, {2, 3, 5, 1}, {1, 2, 3, 5}},
      {{0, inf, -inf, 4, inf}, {1, 4, 3, 0}, {0, 3, 1, 4}},
      // None passes a weight that is no number.
      {{NAN, 1, 2, 3}, {0, 3, 2, 1}, {0, 1, 2, 3}},
  };
  std::vector<float> logits;
  for (const Choice &choice : choices) {
    std::vector<float> row = choice.logits;
    row.resize(experts, -9.F);
    logits.insert(logits.end(), row.begin(), row.end());
  }
  for (const std::string shape : {"40, 1, 1, 4", "40, 4, 1, 4"}) {
    for (const std::string factor : {"1.0f", "-1.0f"}) {
      ExpertsRun sim;
      std::string call = "router<" + shape +
                         ", true>(Launch{mark, number}, logits, bias, chosen, weights, " + factor +
                         ");\n";
      Status loaded =
          sim.load("const float *logits, const float *bias, int *chosen, float *weights", 32, call);
      ASSERT_TRUE(loaded) << loaded.failure().message();
      sim.add(logits);
      sim.add(std::vector<float>(experts));
      sim.add(std::vector<std::array<int, topK>>(choices.size()));
      sim.add(std::vector<std::array<float, topK>>(choices.size()));
      Status ran = sim.launch({int64_t(choices.size()), (40 + 4 + 2 * 4) * 4});
      ASSERT_TRUE(ran) << ran.failure().message();
      auto found = sim.values<std::array<int, topK>>(2);
      for (size_t t = 0; t < choices.size(); ++t) {
        EXPECT_EQ(found[t], factor == "1.0f" ? choices[t].heaviestFirst : choices[t].lightestFirst)
            << call << ", token " << t;
      }
    }
  }
}
