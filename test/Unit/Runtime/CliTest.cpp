//===- CliTest.cpp - ids, stop texts and memory of dsv3-run ---------------===//

#include "../Plan/SmallPlan.h"

#include "runtime/cli/MemoryCheck.h"
#include "runtime/cli/StopFilter.h"
#include "runtime/cli/Streams.h"

#include <gtest/gtest.h>

using namespace dsv3;
using namespace dsv3::cli;

TEST(ParseIds, CommasSpacesLinesAndBrackets) {
  std::vector<int32_t> ids{0, 5, 2147483647};
  for (const char *text :
       {"0,5,2147483647", "0 5\n2147483647\n", " [0, 5, 2147483647]\n", "0,,5, 2147483647,"}) {
    auto parsed = parseIds(text);
    ASSERT_TRUE(parsed.ok()) << text << ": " << parsed.failure().message();
    EXPECT_EQ(*parsed, ids) << text;
  }
  EXPECT_TRUE(parseIds("")->empty());
  EXPECT_TRUE(parseIds("[]\n")->empty());
  EXPECT_EQ(idsText(ids), "0,5,2147483647");
}

TEST(ParseIds, WhatIsNoIdIsNamed) {
  for (auto [text, found] :
       {std::pair("1,x2,3", "x2"), std::pair("1 -2", "-2"), std::pair("2147483648", "2147483648"),
        std::pair("7.5", "7.5"), std::pair("[1", "[1")}) {
    auto parsed = parseIds(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.failure().what,
              "expected token ids like 0,5,7, found '" + std::string(found) + "'");
  }
}

/// What is shown of pieces, with a bar where the filter held something back.
static std::string shown(StopFilter filter, const std::vector<std::string> &pieces) {
  std::string text;
  for (const std::string &piece : pieces) {
    text += filter.push(piece) + "|";
  }
  return text + filter.finish() + (filter.stopped() ? "." : "");
}

TEST(StopFilter, HoldsBackWhatMayBecomeAStopText) {
  StopFilter filter({"END", "\n\n"});
  EXPECT_EQ(shown(filter, {"a", "bEN", "x"}), "a|b|ENx|");
  EXPECT_EQ(shown(filter, {"a\n", "b\n"}), "a|\nb|\n");
  EXPECT_EQ(shown(filter, {"EE", "N"}), "E||EN");
}

TEST(StopFilter, EndsBeforeTheFirstStopText) {
  StopFilter filter({"END", "\n\n"});
  EXPECT_EQ(shown(filter, {"aE", "N", "Dmore", "more"}), "a|||"
                                                         "|.");
  EXPECT_EQ(shown(filter, {"a\n\nbEND"}), "a|.");
  EXPECT_EQ(shown(filter, {"END"}), "|.");
  // One stop text begins within another.
  EXPECT_EQ(shown(StopFilter({"abcd", "bc"}), {"ab", "c"}), "|a|.");
}

TEST(StopFilter, WithoutStopTextsEverythingPasses) {
  EXPECT_EQ(shown(StopFilter({""}), {"a", "b"}), "a|b|");
}

TEST(MemoryCheck, WeightsAndArenaMustFitTheCacheMayGrow) {
  // Weights: 32 x 8 bf16, and for 2 layers 3 x 256 x 8 f8 with 3 x 2 scales in row-major
  // layout (64-byte aligned); 4096 of arena; 48 bytes of cache per token, 64 a page.
  plan::Plan plan = test::smallPlan();
  constexpr uint64_t weights = 512 + 2 * (6144 + 64), arena = 4096, page = 48 * 64;
  auto tight = checkMemory(plan, 0, 256, weights + arena + page - 1);
  ASSERT_FALSE(tight.ok());
  EXPECT_EQ(tight.failure().what, "the model needs 12.6 KiB for weights and 4.0 KiB for its "
                                  "arena, this machine has 19.6 KiB to give");
  auto some = checkMemory(plan, 0, 256, weights + arena + 48 * 100);
  ASSERT_TRUE(some.ok());
  EXPECT_NE(some->find("about 100 of the 256 tokens"), std::string::npos) << *some;
  auto all = checkMemory(plan, 0, 256, weights + arena + 48 * 256);
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(*all, "");
}
