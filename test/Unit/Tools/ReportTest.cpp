//===- ReportTest.cpp - what --plan-only says of machines of any size -----===//

#include "Report.h"
#include "../Plan/SmallPlan.h"

#include "dsv3/Plan/MemoryNeeds.h"
#include "dsv3/Support/BytesText.h"

#include <gtest/gtest.h>

using namespace dsv3;

namespace {

/// The small plan with a cache of 4 requests of 256 tokens, and steps of 16 tokens.
struct Report : testing::Test {
  plan::Plan plan = test::smallPlan();
  std::vector<compile::Alternative> alternatives;

  Report() {
    plan.variants.resize(1);
    plan.cache.maxContext = 256, plan.cache.maxRequests = 4;
  }
  uint64_t withoutCache() const { return plan::memoryNeeds(plan, 0).withoutCache(1); }
  uint64_t page() const { return static_cast<uint64_t>(plan.cache.pageBytes()); }

  /// What the line `name` says.
  std::string line(const std::string &name, std::optional<uint64_t> memory) const {
    std::string text =
        "\n" + compile::planReport({}, plan, {memory, 1}, [&] { return alternatives; });
    size_t at = text.find("\n  " + name + " ");
    if (at == std::string::npos) {
      return "no line " + name + " in" + text;
    }
    at = text.find_first_not_of(' ', at + 3 + name.size());
    return text.substr(at, text.find('\n', at) - at);
  }
};

} // namespace

TEST_F(Report, Fits) {
  uint64_t all = withoutCache() + 16 * page();
  EXPECT_EQ(line("fits", all), "yes");
  EXPECT_EQ(line("room", all), "for all 1024 tokens of cache");
  EXPECT_EQ(line("room", 100 * all), "for all 1024 tokens of cache") << "there are no more";
  EXPECT_EQ(line("missing", all).substr(0, 7), "no line");
  EXPECT_EQ(line("memory", std::nullopt), "this machine does not say what it has to give");
}

TEST_F(Report, FewerTokensOfCacheForEachRequest) {
  EXPECT_EQ(line("fits", withoutCache() + 16 * page() - 1), "no: --context 192 makes it fit");
  EXPECT_EQ(line("fits", withoutCache() + 4 * page()), "no: --context 64 makes it fit");
}

TEST_F(Report, WhatIsMissingIsTheTotalLessTheMemory) {
  uint64_t memory = withoutCache() + 3 * page();
  EXPECT_EQ(line("total", memory), bytesText(withoutCache() + 16 * page()));
  EXPECT_EQ(line("missing", memory), bytesText(13 * page()));
  EXPECT_EQ(line("room", memory), "for 192 of 1024 tokens of cache, in the " +
                                      bytesText(3 * page()) + " that the rest leaves");
  EXPECT_EQ(line("room", withoutCache() - 1),
            "for no token of cache: the rest alone takes " + bytesText(withoutCache()));
}

TEST_F(Report, FewerRequests) {
  EXPECT_EQ(line("fits", withoutCache() + 3 * page()), "no: --context 64 --batch 3 makes it fit");
}

TEST_F(Report, FewerTokensInAStep) {
  plan.entries[0].arenaBytes = 1 << 20;
  plan::MemoryNeeds needs = plan::memoryNeeds(plan, 0);
  // Room for half of what a step of 16 tokens takes.
  uint64_t memory = withoutCache() + page() - (needs.arena + needs.ports) / 2;
  EXPECT_EQ(plan.entries[0].maxTokens, 16);
  EXPECT_EQ(line("fits", memory),
            "no: --context 64 --batch 1 --chunk 8 about makes it fit (the chunk is 16)");
}

TEST_F(Report, WeightsThatDoNotFit) {
  uint64_t weights = plan::memoryNeeds(plan, 0).weights;
  EXPECT_EQ(line("fits", weights - 1024),
            "no: no flag makes it fit: the weights alone are 1.0 KiB more than the memory");
  EXPECT_EQ(line("fits", weights).substr(0, 69),
            "no: no flag makes it fit: weights, scratch and a page of cache alone ");
}

TEST_F(Report, SmallerWeights) {
  for (plan::Parameter &parameter : plan.parameters) {
    parameter.columns *= 64;
  }
  uint64_t weights = plan::memoryNeeds(plan, 0).weights;
  alternatives.push_back({"--weights int8", plan});
  alternatives.push_back({"--weights int4", plan});
  for (plan::Parameter &parameter : alternatives[1].plan.parameters) {
    parameter.columns /= 2;
  }
  uint64_t less = plan::memoryNeeds(alternatives[1].plan, 0).withoutCache(1);
  ASSERT_LT(less + 16 * page(), weights);
  EXPECT_EQ(line("fits", less + 16 * page()), "no: --weights int4 makes it fit");
  EXPECT_EQ(line("fits", less + 8 * page()), "no: --weights int4 --context 128 makes it fit");
  EXPECT_EQ(line("fits", withoutCache() + 4 * page()), "no: --context 64 makes it fit")
      << "weights are left alone where they can be";
  EXPECT_EQ(line("fits", less).substr(0, 27), "no: no flag makes it fit: t");
}

/// W_UK and W_UV are made of kv_b's tensor.
TEST_F(Report, ATensorIsCountedOnce) {
  auto model = [&] {
    std::string text = compile::planReport({}, plan, {std::nullopt, 1}, nullptr);
    return text.substr(0, text.find('\n'));
  };
  std::string before = model();
  plan.parameters.push_back(plan.parameters.back());
  plan.parameters.back().name = "again";
  EXPECT_EQ(model(), before);
  plan.parameters.back().segments[0].key = "another";
  EXPECT_NE(model(), before);
}

TEST_F(Report, SumsThatOverflowAreTheMost) {
  plan.parameters[0].rows = int64_t(1) << 48;
  for (int64_t layer = 0; layer < 1 << 14; ++layer) {
    plan.parameters[0].layers.push_back(layer);
  }
  EXPECT_EQ(line("total", 1024), "16.0 EiB");
}
