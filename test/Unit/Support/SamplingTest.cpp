//===- SamplingTest.cpp - greedy choice, filters, seeds -------------------===//

#include "dsv3/Support/Sampling.h"
#include "dsv3/Support/RandomNumbers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

using namespace dsv3;

/// Tokens of the positions 0, 1, 2, …, counted.
static std::map<int32_t, int> draw(SamplingOptions options, const std::vector<float> &logits,
                                   int times = 20000) {
  std::map<int32_t, int> counts;
  for (int i = 0; i < times; ++i) {
    ++counts[sample(logits, samplingRow(options, int64_t(logits.size()), i))];
  }
  return counts;
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
  EXPECT_EQ(sample(std::vector<float>{0, 1, 2, 3}, samplingRow({}, 2, 0)), 1);
  for (int i = 0; i < 100; ++i) {
    EXPECT_LT(sample(std::vector<float>{0, 1, 20, 30}, samplingRow({.temperature = 1}, 2, i)), 2);
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
  EXPECT_EQ(draw({.temperature = 1, .topP = 0.5 + 0x1p-32}, four, 200).size(), 3U);
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

TEST(Sampling, SeedAndPositionDecide) {
  std::vector<float> logits(100, 0.0F);
  auto run = [&](uint64_t seed, int64_t position) {
    std::vector<int32_t> ids;
    for (int i = 0; i < 20; ++i) {
      ids.push_back(
          sample(logits, samplingRow({.temperature = 1, .seed = seed}, 100, position + i)));
    }
    return ids;
  };
  std::vector<int32_t> later = run(7, 15), first = run(7, 0);
  EXPECT_EQ(first, run(7, 0));
  EXPECT_NE(first, run(8, 0));
  EXPECT_NE(first, run(7 + (uint64_t(1) << 32), 0)) << "all bits of the seed count";
  EXPECT_TRUE(std::equal(later.begin(), later.begin() + 5, first.begin() + 15));
}

// What devices compute, too: these values must not change.
TEST(Sampling, WeightsAreTheExponentials) {
  constexpr float scale = 0x1.715476p0F; // log2(e): temperature 1
  constexpr auto one = uint64_t(1) << weightBits;
  EXPECT_EQ(samplingWeight(3, 3, scale), one);
  EXPECT_EQ(samplingWeight(0, 1, 1), one / 2);
  EXPECT_EQ(samplingWeight(0, 40, 1), 1U);
  EXPECT_EQ(samplingWeight(0, std::nextafter(40.0F, 41.0F), 1), 0U);
  EXPECT_EQ(samplingWeight(-1, 0, 0x1p-100F), one) << "as if the temperature were infinite";
  EXPECT_EQ(samplingWeight(std::nextafter(3.0F, 2.0F), 3, 0x1p100F), 0U) << "as if it were 0";
  float most = std::numeric_limits<float>::max();
  EXPECT_EQ(samplingWeight(-most, most, 0x1p-100F), 0U) << "the distance is infinite";
  for (float logit = 0; logit > -27; logit -= 0.37F) {
    double exact = std::exp(double(logit)) * double(one);
    // The product with the scale errs by 2^-24 of up to 40, the polynomial by 2^-23.
    EXPECT_NEAR(double(samplingWeight(logit, 0, scale)), exact, exact * 40 * 0x1p-24 + 1);
  }
}

TEST(Sampling, RowsHoldTheOptionsInTheirUnits) {
  SamplingRow row = samplingRow({.temperature = 0.5, .topK = 40, .topP = 0.75, .minP = 0.25}, 9, 5);
  EXPECT_EQ(row.limit, 9);
  EXPECT_EQ(row.scale, 2 * 0x1.715476p0F);
  EXPECT_EQ(row.topK, 40);
  EXPECT_EQ(row.cut, uint32_t(1) << 30);
  EXPECT_EQ(row.least, uint32_t(1) << 30);
  EXPECT_EQ(row.drawHigh, philox({5, 0, 0, 0}, {0, 0})[0]);
  EXPECT_EQ(row.drawLow, philox({5, 0, 0, 0}, {0, 0})[1]);
  row = samplingRow({.temperature = 1e-300, .topK = int64_t(1) << 40, .topP = 0, .minP = 1},
                    int64_t(1) << 40, 0);
  EXPECT_EQ(row.limit, std::numeric_limits<int32_t>::max());
  EXPECT_EQ(row.scale, 0x1p100F);
  EXPECT_EQ(row.topK, std::numeric_limits<int32_t>::max());
  EXPECT_EQ(row.cut, std::numeric_limits<uint32_t>::max());
  EXPECT_EQ(row.least, std::numeric_limits<uint32_t>::max());
  EXPECT_EQ(samplingRow({.temperature = 1e300}, 1, 0).scale, 0x1p-100F);
  EXPECT_EQ(samplingRow({.topK = 40, .seed = 1}, 1, 0).scale, 0) << "greedy";
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
