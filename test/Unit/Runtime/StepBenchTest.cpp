//===- StepBenchTest.cpp - when a bench looks at the machine, and its shares ===//

#include "runtime/bench/StepBench.h"

#include "ToyModel.h"
#include "dsv3/Plan/StepCost.h"
#include "runtime/drivers/cpu/CpuDevice.h"

#include <algorithm>
#include <gtest/gtest.h>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::test;

namespace {

/// Counts what it is asked for.
struct CountingProbe final : LimitProbe {
  int looks = 0, peaks = 0;
  std::vector<double> readRates() override {
    ++looks;
    return {1e9, 2e9};
  }
  double peak() override {
    ++peaks;
    return 1e9;
  }
};

struct StepBenchTest : testing::Test {
  ToyModel model;
  std::unique_ptr<Device> device =
      std::move(*createCpuDevice({1, false, std::chrono::microseconds(50)}));
  std::unique_ptr<Session> session = std::move(
      *Session::create(*device, model.plan, model.kernels, model.parameters(), SessionOptions()));
  CountingProbe probe;
  std::vector<std::pair<uint64_t, uint64_t>> progress;

  StepBenchOptions options(int64_t batch, double secondsBetweenLooks) {
    return {.generateTokens = 6,
            .batch = batch,
            .repeats = 2,
            .secondsBetweenLooks = secondsBetweenLooks,
            .progress = [&](std::string_view, uint64_t done, uint64_t total) {
              progress.emplace_back(done, total);
            }};
  }
};

} // namespace

TEST_F(StepBenchTest, LooksAtMemoryBetweenSteps) {
  for (int64_t batch : {1, 2}) {
    probe = CountingProbe();
    progress.clear();
    StepBench bench(*session, probe, 0, 0, options(batch, 0));
    auto found = bench.decode();
    ASSERT_TRUE(found) << found.failure().message();
    // Before the first repeat, and after each of its steps, which are as many for several rows.
    EXPECT_EQ(probe.looks, 1 + 2 * 6);
    EXPECT_EQ(probe.peaks, 2 * 3) << "of two measurements each the better one";
    EXPECT_EQ(bench.machine().readBandwidth.least, 2e9) << "the way that is faster on average";
    EXPECT_TRUE(std::ranges::is_sorted(progress));
    auto tokens = uint64_t(18 * batch);
    EXPECT_EQ(progress.back(), std::pair(tokens, tokens));
  }
}

TEST_F(StepBenchTest, LooksOnceARepeatIfStepsAreShort) {
  StepBench bench(*session, probe, 0, 0, options(1, 1e6));
  auto found = bench.decode();
  ASSERT_TRUE(found) << found.failure().message();
  EXPECT_EQ(probe.looks, 1 + 2);
  EXPECT_GT(found->bandwidthFraction.least, 0);
}

/// With a machine of 2e9 bytes and 1e9 operations a second, shares follow from the rate.
TEST_F(StepBenchTest, SharesAreWhatIsNeededOverWhatTheMachineGives) {
  constexpr double attentionFlops = 1e4;
  for (int64_t batch : {1, 2}) {
    StepBench bench(*session, probe, 0, attentionFlops, options(batch, 0));
    auto decode = bench.decode();
    ASSERT_TRUE(decode) << decode.failure().message();
    double tokensPerSecond = decode->tokensPerSecond.least;
    EXPECT_EQ(decode->bandwidth.median, 2e9);
    EXPECT_DOUBLE_EQ(decode->bandwidthFraction.least,
                     decode->bytesPerToken * tokensPerSecond / 2e9);

    const plan::Entry &entry = *session->outputs().entry;
    plan::StepShape shape{batch, batch, 0, decode->expertsTouched};
    double weights = 6 * plan::weightSeconds(model.plan, 0, entry, shape, {2e9, 1e9});
    // A row sees itself and every earlier one.
    double keys = 6.0 * double(batch) * (6.0 * double(batch) + 1) / 2;
    double limit = weights + attentionFlops * keys / 1e9;
    EXPECT_NEAR(decode->limitFraction.least, limit * tokensPerSecond / double(6 * batch),
                1e-9 * decode->limitFraction.least);

    StepBenchOptions prompt = options(batch, 0);
    prompt.promptTokens = 5;
    StepBench other(*session, probe, 0, attentionFlops, prompt);
    auto prefill = other.prefill();
    ASSERT_TRUE(prefill) << prefill.failure().message();
    EXPECT_EQ(prefill->peak.median, 1e9);
    EXPECT_DOUBLE_EQ(prefill->peakFraction.least,
                     prefill->flopsPerToken * prefill->tokensPerSecond.least / 1e9);
  }
}
