//===- SamplingTest.cpp - greedy choice, filters, seeds -------------------===//

#include "dsv3/Support/Sampling.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

using namespace dsv3;

static std::map<int32_t, int> draw(SamplingOptions options, const std::vector<float> &logits,
                                   int times = 20000) {
  Sampler sampler(options, int64_t(logits.size()));
  std::map<int32_t, int> counts;
  for (int i = 0; i < times; ++i) {
    ++counts[sampler.sample(logits, int64_t(logits.size()))];
  }
  return counts;
}

TEST(Sampling, RandomNumbersAreThoseOfPcg32) {
  RandomNumbers random(42, 54); // the demonstration of the published code
  for (uint32_t expected : {0xa15c02b7U, 0x7b47f409U, 0xba1d3330U, 0x83d2f293U, 0xbfa4784bU}) {
    EXPECT_EQ(random.next(), expected);
  }
}

TEST(Sampling, GreedyTakesTheLowestOfEqualsAndNeverNaN) {
  float nan = std::nanf("");
  EXPECT_EQ(argmax(std::vector<float>{1, 3, 3, 2}, 4), 1);
  EXPECT_EQ(argmax(std::vector<float>{-1, -0.0F, 0, -2}, 4), 1);
  EXPECT_EQ(argmax(std::vector<float>{nan, -5, nan, -4}, 4), 3);
}

TEST(Sampling, WithoutANumberThereIsNoToken) {
  float nan = std::nanf(""), infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(argmax(std::vector<float>{-infinity, nan}, 2), noToken);
  EXPECT_EQ(argmax(std::vector<float>{1, infinity}, 2), noToken);
  EXPECT_EQ(argmax(std::vector<float>{1, infinity}, 1), 0);
  EXPECT_EQ(argmax(std::vector<float>{1, 2}, 0), noToken);
}

TEST(Sampling, IdsBeyondTheLimitAreNotChosen) {
  Sampler greedy({}, 4);
  EXPECT_EQ(greedy.sample(std::vector<float>{0, 1, 2, 3}, 2), 1);
  Sampler sampler({.temperature = 1}, 4);
  for (int i = 0; i < 100; ++i) {
    EXPECT_LT(sampler.sample(std::vector<float>{0, 1, 20, 30}, 2), 2);
  }
}

TEST(Sampling, FrequenciesFollowTheSoftmax) {
  std::vector<float> logits{0, std::log(2.0F), std::log(5.0F)};
  auto counts = draw({.temperature = 1}, logits);
  // Four standard deviations of a binomial are at most 283 of 20000.
  EXPECT_NEAR(counts[0], 2500, 283);
  EXPECT_NEAR(counts[1], 5000, 283);
  EXPECT_NEAR(counts[2], 12500, 283);
}

TEST(Sampling, FiltersKeepWhatTheyShould) {
  std::vector<float> logits{std::log(0.1F), std::log(0.4F), std::log(0.2F), std::log(0.3F)};
  EXPECT_EQ(draw({.temperature = 1, .topK = 1}, logits).size(), 1U);
  EXPECT_EQ(draw({.temperature = 1, .topK = 3}, logits).count(0), 0U);
  // 0.4 alone does not reach the mass, 0.4 + 0.3 does.
  auto topP = draw({.temperature = 1, .topP = 0.6}, logits);
  EXPECT_EQ(topP.size(), 2U);
  EXPECT_NEAR(topP[1], 20000 * 4 / 7, 283);
  EXPECT_EQ(draw({.temperature = 1, .topP = 0}, logits).size(), 1U);
  auto minP = draw({.temperature = 1, .minP = 0.6}, logits);
  EXPECT_EQ(minP.size(), 2U);
  EXPECT_EQ(minP.count(3), 1U);
  EXPECT_NEAR(minP[1], 20000 * 4 / 7, 283);
}

// Equal logits have exactly equal probabilities, so that the borders can be met.
TEST(Sampling, TopPEndsWhereTheMassIsReached) {
  std::vector<float> four(4, 0.0F);
  EXPECT_EQ(draw({.temperature = 1, .topP = 0.5}, four, 200).size(), 2U);
  EXPECT_EQ(draw({.temperature = 1, .topP = std::nextafter(0.5, 1)}, four, 200).size(), 3U);
  // Of those that are left the first ones, in the order of ids.
  EXPECT_EQ(draw({.temperature = 1, .topP = 0.25}, four, 200).count(0), 1U);
}

TEST(Sampling, MinPKeepsWhatIsJustAsLikely) {
  std::vector<float> logits{0, 0, -1};
  EXPECT_EQ(draw({.temperature = 1, .minP = 1}, logits, 200).size(), 2U);
}

TEST(Sampling, TopKTakesTheLowestIdsOfEquals) {
  auto counts = draw({.temperature = 1, .topK = 2}, {0, 1, 0, 1, 1}, 200);
  EXPECT_EQ(counts.size(), 2U);
  EXPECT_EQ(counts.count(4), 0U);
  EXPECT_EQ(draw({.temperature = 1, .topK = 3}, {0, 1, 2}, 2000).size(), 3U);
}

TEST(Sampling, WhatIsNotFiniteIsNotDrawn) {
  float nan = std::nanf(""), infinity = std::numeric_limits<float>::infinity();
  auto counts = draw({.temperature = 1}, {nan, 0, infinity, -infinity, 0}, 200);
  EXPECT_EQ(counts.size(), 2U);
  EXPECT_EQ(counts.count(1) + counts.count(4), 2U);
  // If nothing is finite, nothing is.
  EXPECT_EQ(draw({.temperature = 1}, {nan, -infinity, infinity}, 1).count(noToken), 1U);
}

TEST(Sampling, TheTemperatureComesBeforeTheFilters) {
  std::vector<float> logits{0, 1};
  EXPECT_EQ(draw({.temperature = 0.2, .topP = 0.9}, logits).size(), 1U);
  EXPECT_EQ(draw({.temperature = 2, .topP = 0.9}, logits).size(), 2U);
}

TEST(Sampling, TheSeedDecides) {
  std::vector<float> logits(100, 0.0F);
  auto run = [&](uint64_t seed) {
    Sampler sampler({.temperature = 1, .seed = seed}, 100);
    std::vector<int32_t> ids;
    for (int i = 0; i < 20; ++i) {
      ids.push_back(sampler.sample(logits, 100));
    }
    return ids;
  };
  EXPECT_EQ(run(7), run(7));
  EXPECT_NE(run(7), run(8));
}

TEST(Sampling, OptionsOutOfRangeAreNamed) {
  EXPECT_TRUE(validate(SamplingOptions{}).ok());
  EXPECT_TRUE(validate(SamplingOptions{.topP = 0, .minP = 1}).ok());
  for (SamplingOptions options :
       {SamplingOptions{.temperature = -1}, SamplingOptions{.topK = -1},
        SamplingOptions{.topP = 1.5}, SamplingOptions{.minP = -0.1}, SamplingOptions{.topP = -0.1},
        SamplingOptions{.minP = 1.5}, SamplingOptions{.topP = std::nan("")},
        SamplingOptions{.minP = std::nan("")}, SamplingOptions{.temperature = std::nan("")},
        SamplingOptions{.temperature = HUGE_VAL}}) {
    EXPECT_FALSE(validate(options).ok());
  }
}
