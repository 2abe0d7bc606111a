//===- CliTest.cpp - ids, stop texts, memory and GPUs of dsv3-run ---------===//

#include "../Plan/SmallPlan.h"
#include "TemporaryDirectory.h"

#include "runtime/cli/DeviceFlag.h"
#include "runtime/cli/MemoryCheck.h"
#include "runtime/cli/PromptProgress.h"
#include "runtime/cli/StopFilter.h"
#include "runtime/cli/Streams.h"
#include "runtime/drivers/null/NullDevice.h"
#include "runtime/session/ContextRoom.h"

#include <algorithm>
#include <chrono>
#include <gtest/gtest.h>

using namespace dsv3;
using namespace dsv3::cli;

namespace {
/// A GPU that runs code for one architecture alone.
struct OneVariant : runtime::NullDevice {
  explicit OneVariant(std::string_view known) : known(known) {}
  std::optional<size_t> preferredVariant(std::span<const std::string_view> names) const override {
    auto found = std::ranges::find(names, known);
    return found == names.end() ? std::nullopt : std::optional(size_t(found - names.begin()));
  }
  std::string_view known;
};
} // namespace

TEST(GpuVariant, SuitsThePolicy) {
  EXPECT_EQ(*gpuVariant(OneVariant("sm_80"), "bf16"), "sm_80");
  EXPECT_EQ(*gpuVariant(OneVariant("sm_90a"), "w8a8"), "sm_90a");
  EXPECT_EQ(gpuVariant(OneVariant("sm_80"), "w8a8").failure().message(),
            "--policy: policy w8a8 has code for GPUs with FP8 (sm_90a, sm_100a, sm_120a), which "
            "this one is not\n  hint: give --policy=bf16");
  EXPECT_EQ(gpuVariant(OneVariant("none"), "w8a8").failure().where, "--device");
}

TEST(ParseIds, CommasSpacesLinesAndBrackets) {
  std::vector<int32_t> ids{0, 5, 2147483647};
  for (const char *text :
       {"0,5,2147483647", "0 5\n2147483647\n", " [0, 5, 2147483647]\n", "0,,5, 2147483647,"}) {
    auto parsed = parseIds(text, "stdin");
    ASSERT_TRUE(parsed.ok()) << text << ": " << parsed.failure().message();
    EXPECT_EQ(*parsed, ids) << text;
  }
  EXPECT_TRUE(parseIds("", "stdin")->empty());
  EXPECT_TRUE(parseIds("[]\n", "stdin")->empty());
  EXPECT_EQ(idsText(ids), "0,5,2147483647");
}

TEST(ParseIds, WhatIsNoIdIsNamed) {
  for (auto [text, found] :
       {std::pair("1,x2,3", "x2"), std::pair("1 -2", "-2"), std::pair("2147483648", "2147483648"),
        std::pair("7.5", "7.5"), std::pair("[1", "[1")}) {
    auto parsed = parseIds(text, "stdin");
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.failure().what,
              "expected token ids like 0,5,7, found '" + std::string(found) + "'");
  }
}

TEST(ParseIds, AFailureSaysWhichTokenOfWhichLine) {
  EXPECT_EQ(parseIds("1,2\n3 4,x\n5", "f").failure().where, "f, line 2, token 5");
  EXPECT_EQ(parseIds("[-1]", "--ids").failure().where, "--ids, line 1, token 1");
}

TEST(IdsOfFlag, AtSignNamesAFile) {
  test::TemporaryDirectory directory;
  EXPECT_EQ(*idsOfFlag("0,5", "--ids"), (std::vector<int32_t>{0, 5}));
  // Longer than an argument can be (MAX_ARG_STRLEN is 128 KiB).
  std::string text;
  for (int id = 0; id < 100'000; ++id) {
    text += std::to_string(id) + (id % 3 == 0 ? "\n" : ", ");
  }
  auto ids = idsOfFlag("@" + directory.write("ids", text).string(), "--ids");
  ASSERT_TRUE(ids.ok()) << ids.failure().message();
  ASSERT_EQ(ids->size(), 100'000U);
  EXPECT_EQ(ids->back(), 99'999);
  auto bad = idsOfFlag("@" + directory.write("bad", "0\n1,two").string(), "--ids");
  ASSERT_FALSE(bad.ok());
  EXPECT_NE(bad.failure().message().find(
                "bad, line 2, token 3: expected token ids like 0,5,7, found 'two'"),
            std::string::npos)
      << bad.failure().message();
  auto absent = idsOfFlag("@" + (directory.path() / "none").string(), "--ids");
  ASSERT_FALSE(absent.ok());
  EXPECT_EQ(absent.failure().message(),
            "--ids @" + (directory.path() / "none").string() + ": there is no such file");
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

TEST(MemoryCheck, WeightsAndStepMustFitTheCacheMayGrow) {
  plan::Cache cache = test::smallPlan().cache; // 48 bytes a token, 64 tokens a page
  constexpr uint64_t kib = 1024, fixed = (12 + 4 + 2 + 3 * 4) * kib, page = 48 * 64;
  plan::MemoryNeeds needs{12 * kib, 4 * kib, 2 * kib, 4 * kib};
  auto check = [&](uint64_t available) {
    return checkMemory(needs, cache, {.context = 256, .threads = 3, .available = available});
  };
  auto tight = check(fixed + page - 1);
  ASSERT_FALSE(tight.ok());
  EXPECT_EQ(tight.failure().what, "the model needs 12.0 KiB for weights and 18.0 KiB for the "
                                  "values of a step, this machine has 33.0 KiB to give");
  auto some = check(fixed + 2 * page - 1);
  ASSERT_TRUE(some.ok());
  EXPECT_NE(some->find("the cache of 64 of the 256 tokens"), std::string::npos) << *some;
  auto all = check(fixed + 4 * page);
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(*all, "");
}

TEST(MemoryCheck, MappedWeightsNeedNotFit) {
  plan::Cache cache = test::smallPlan().cache;
  constexpr uint64_t kib = 1024, step = (4 + 2 + 3 * 4) * kib, page = 48 * 64;
  plan::MemoryNeeds needs{12 * kib, 4 * kib, 2 * kib, 4 * kib};
  auto check = [&](uint64_t available) {
    return checkMemory(
        needs, cache,
        {.context = 256, .threads = 3, .available = available, .mappedBytes = needs.weights});
  };
  EXPECT_FALSE(check(step + page - 1).ok());
  auto tight = check(step + page);
  ASSERT_TRUE(tight.ok());
  EXPECT_NE(tight->find("does not hold all 12.0 KiB of mapped weights"), std::string::npos)
      << *tight;
  EXPECT_EQ(*check(12 * kib + step + 4 * page), "");
}

TEST(MemoryCheck, TheHostHoldsExpertsAndWhatPassesThroughIt) {
  constexpr uint64_t kib = 1024;
  plan::MemoryNeeds needs;
  needs.weights = 12 * kib, needs.experts = 8 * kib;
  auto check = [&](uint64_t available, bool expertsOnHost, bool mapped) {
    return checkHostMemory(needs, {available, expertsOnHost, mapped ? 0 : UINT64_MAX});
  };
  EXPECT_TRUE(check(12 * kib, true, false).ok());
  Status both = check(12 * kib - 1, true, false);
  ASSERT_FALSE(both.ok());
  EXPECT_EQ(
      both.failure().what,
      "the model needs 8.0 KiB of the host's memory for weights of routed experts and 4.0 KiB "
      "for weights on their way to the device, this machine has 12.0 KiB to give");
  EXPECT_TRUE(check(8 * kib, true, true).ok()) << "a mapped file needs no memory of its own";
  Status experts = check(8 * kib - 1, true, true);
  ASSERT_FALSE(experts.ok());
  EXPECT_EQ(experts.failure().what.find("way"), std::string::npos) << experts.failure().what;
  EXPECT_TRUE(check(12 * kib, false, false).ok());
  EXPECT_FALSE(check(12 * kib - 1, false, false).ok());
  EXPECT_TRUE(check(0, false, true).ok());
  EXPECT_TRUE(checkHostMemory(needs, {10 * kib, true, 2 * kib}).ok()) << "a part at a time";
  EXPECT_FALSE(checkHostMemory(needs, {10 * kib - 1, true, 2 * kib}).ok());
}

TEST(PromptProgress, QuickStepsShowNoValues) {
  PromptProgress progress("reading", 2, 1);
  EXPECT_TRUE(progress.wantsValues()) << "nothing is known of the first step";
  auto end = PromptProgress::Clock::now() + std::chrono::seconds(1);
  progress.stepEnded(end);
  EXPECT_TRUE(progress.wantsValues());
  progress.stepEnded(end + std::chrono::milliseconds(100));
  EXPECT_FALSE(progress.wantsValues());
}

TEST(ContextRoom, HintsNameTheNextLimit) {
  using runtime::ContextRoom;
  EXPECT_EQ((ContextRoom{4, 8, 16}.hint("wait")), "wait, or give --context more tokens, up to 8");
  EXPECT_EQ((ContextRoom{8, 8, 16}.hint("wait")),
            "wait, or compile the model for more: dsv3-compile --context N, up to 16");
  EXPECT_EQ((ContextRoom{16, 16, 16}.hint("wait")), "wait; the model has positions for no more");
  EXPECT_EQ((ContextRoom{8, 8, std::nullopt}.hint("wait")),
            "wait, or compile the model for more: dsv3-compile --context N");
}
