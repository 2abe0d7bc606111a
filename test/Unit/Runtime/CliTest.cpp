//===- CliTest.cpp - ids and stop texts of dsv3-run -----------------------===//

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
