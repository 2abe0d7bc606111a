//===- SessionTest.cpp - prompts, steps and cache of the toy model --------===//

#include "ToyModel.h"
#include "dsv3/Plan/PlanFile.h"
#include "dsv3/Support/Sampling.h"
#include "runtime/drivers/cpu/CpuDevice.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::test;

namespace {

/// The toy model on the CPU, with as many threads as the parameter says.
class ToySession : public testing::TestWithParam<int> {
protected:
  ToyModel model;
  std::unique_ptr<Device> device =
      std::move(*createCpuDevice({GetParam(), false, std::chrono::microseconds(50'000)}));

  std::unique_ptr<Session> start(const SessionOptions &options = {}) {
    auto session = Session::create(*device, model.plan, model.kernels, model.parameters(), options);
    EXPECT_TRUE(session) << session.failure().message();
    return std::move(*session);
  }
};

/// Keeps copies of all that it is shown.
struct Collector final : Observer {
  std::map<std::pair<std::string, int64_t>, std::vector<ToyRow>> values;
  std::vector<ToyLogits> logits;
  std::vector<ToyRow> normed;
  std::vector<int64_t> positions; ///< of the first rows of steps
  bool wanted = true;

  bool wantsValues() const override { return wanted; }
  void value(const ObservedValue &value) override {
    EXPECT_EQ(value.type, DType::F32);
    EXPECT_EQ(value.columns, toyHidden);
    auto *rows = static_cast<const ToyRow *>(value.data);
    auto &all = values[{std::string(value.name), value.layer}];
    EXPECT_EQ(value.position, int64_t(all.size()));
    all.insert(all.end(), rows, rows + value.rows);
  }
  Status outputs(const StepOutputs &step) override {
    positions.push_back(step.position);
    for (int64_t row = 0; row < step.rows; ++row) {
      std::ranges::copy(step.logitsOf(row), logits.emplace_back().begin());
      std::ranges::copy(step.normed.subspan(size_t(row) * toyHidden, toyHidden),
                        normed.emplace_back().begin());
    }
    return {};
  }
};

ToyLogits lastLogits(const Session &session) {
  ToyLogits logits{};
  std::ranges::copy(session.outputs().logitsOf(session.outputs().rows - 1), logits.begin());
  return logits;
}

} // namespace

TEST(ToyModel, PlanIsValid) {
  Status status = plan::validate(ToyModel().plan);
  EXPECT_TRUE(status) << status.failure().message();
}

TEST_P(ToySession, DecodesTokenByToken) {
  auto session = start();
  std::vector<int32_t> ids = ToyModel::text(toyMaxContext);
  ToyAnswer answer = model.answer(ids);
  for (size_t i = 0; i < ids.size(); ++i) {
    Status status = session->append(std::span(ids).subspan(i, 1));
    ASSERT_TRUE(status) << status.failure().message();
    ASSERT_EQ(lastLogits(*session), answer.logits[i]) << "token " << i;
    ASSERT_EQ(session->position(), int64_t(i) + 1);
  }
}

TEST_P(ToySession, PromptInChunksOfAnySizeGivesTheSame) {
  std::vector<int32_t> ids = ToyModel::text(29);
  ToyAnswer answer = model.answer(ids);
  for (int64_t chunk = 0; chunk <= toyPrefill + 1; ++chunk) {
    SessionOptions options;
    options.chunk = chunk;
    auto session = start(options);
    Collector seen;
    Status status = session->append(ids, OutputRows::All, &seen);
    ASSERT_TRUE(status) << status.failure().message();
    EXPECT_EQ(seen.logits, answer.logits) << "chunk " << chunk;
    EXPECT_EQ(seen.normed, answer.normed);
    for (int64_t layer = 0; layer <= toyLayers; ++layer) {
      EXPECT_EQ((seen.values[{"hidden", layer}]), answer.hidden[size_t(layer)]);
    }
    for (int64_t layer = 0; layer < toyLayers; ++layer) {
      EXPECT_EQ((seen.values[{"router.weights", layer}]), answer.hidden[size_t(layer)]);
    }
  }
}

TEST_P(ToySession, LastRowAloneIsTheSame) {
  std::vector<int32_t> ids = ToyModel::text(11);
  auto session = start();
  Collector seen;
  seen.wanted = false;
  ASSERT_TRUE(session->append(ids, OutputRows::Last, &seen));
  EXPECT_TRUE(seen.values.empty());
  EXPECT_EQ(seen.positions, (std::vector<int64_t>{7, 10}));
  EXPECT_EQ(session->outputs().rows, 1);
  EXPECT_EQ(lastLogits(*session), model.answer(ids).logits.back());
}

namespace {
struct Tokens final : Observer {
  std::vector<int32_t> all;
  Status outputs(const StepOutputs &step) override {
    all.insert(all.end(), step.tokens.begin(), step.tokens.end());
    return {};
  }
};
} // namespace

TEST_P(ToySession, GreedyTokensAreThoseOfTheLogits) {
  std::vector<int32_t> ids = ToyModel::text(21);
  ToyAnswer answer = model.answer(ids);
  auto session = start();
  for (int64_t limit :
       {int64_t(toyVocabulary), int64_t(5), int64_t(toyVocabulary + 1), int64_t(0)}) {
    ASSERT_TRUE(session->rewind(0));
    Tokens seen;
    ASSERT_TRUE(session->appendSampled(ids, {}, limit, OutputRows::All, &seen));
    std::vector<int32_t> expected;
    for (const ToyLogits &logits : answer.logits) {
      expected.push_back(argmax(logits, limit));
    }
    EXPECT_EQ(seen.all, expected) << "limit " << limit;
  }
}

// In steps of any size, between greedy ones, which find their rows on the device again.
TEST_P(ToySession, TokensAreDrawnByTheirPositions) {
  constexpr int64_t limit = 11;
  SamplingOptions drawn{.temperature = 0.7, .topK = 4, .topP = 0.9, .minP = 0.01, .seed = 3};
  std::vector<int32_t> ids = ToyModel::text(21);
  ToyAnswer answer = model.answer(ids);
  auto session = start();
  Tokens seen;
  std::vector<int32_t> expected;
  for (auto [begin, end] : {std::pair<size_t, size_t>{0, 1}, {1, 3}, {3, 19}, {19, 20}, {20, 21}}) {
    bool greedy = begin == 1 || begin == 19;
    auto part = std::span(ids).subspan(begin, end - begin);
    ASSERT_TRUE(session->appendSampled(part, greedy ? SamplingOptions{} : drawn, limit,
                                       OutputRows::All, &seen));
    for (size_t i = begin; i < end; ++i) {
      expected.push_back(greedy ? argmax(answer.logits[i], limit)
                                : toyDraw(samplingRow(drawn, limit, int64_t(i) + 1)));
    }
  }
  EXPECT_EQ(seen.all, expected);
}

TEST_P(ToySession, RewindForgets) {
  auto session = start();
  std::vector<int32_t> ids = ToyModel::text(20), other{3, 1, 4, 1, 5, 9};
  ASSERT_TRUE(session->append(ids));
  ASSERT_TRUE(session->rewind(6));
  EXPECT_EQ(session->position(), 6);
  ASSERT_TRUE(session->append(other));
  ids.resize(6);
  ids.insert(ids.end(), other.begin(), other.end());
  EXPECT_EQ(lastLogits(*session), model.answer(ids).logits.back());
  EXPECT_FALSE(session->rewind(13));
  EXPECT_FALSE(session->rewind(-1));
  EXPECT_EQ(session->position(), 12);
}

TEST_P(ToySession, SkipsTokensThatAreNotThere) {
  SessionOptions options;
  options.context = 9;
  auto session = start(options);
  ASSERT_TRUE(session->skipTo(7));
  EXPECT_EQ(session->position(), 7);
  EXPECT_TRUE(session->append(ToyModel::text(1)));
  EXPECT_EQ(session->outputs().position, 7);
  EXPECT_FALSE(session->skipTo(10));
  ASSERT_TRUE(session->skipTo(2));
  EXPECT_EQ(session->position(), 2);
}

TEST_P(ToySession, MtpFollowsTheModel) {
  std::vector<int32_t> ids = ToyModel::text(23);
  auto session = start();
  ASSERT_TRUE(session->hasMtp());
  Collector main;
  ASSERT_TRUE(session->append(ids, OutputRows::All, &main));
  std::vector<float> normed;
  for (const ToyRow &row : main.normed) {
    normed.insert(normed.end(), row.begin(), row.end());
  }
  // In two calls, each of several steps.
  Collector mtp;
  for (auto [first, count] : {std::pair<size_t, size_t>{0, 10}, {10, 12}}) {
    Status status = session->appendMtp(
        std::span(ids).subspan(first + 1, count),
        std::span(normed).subspan(first * toyHidden, count * toyHidden), OutputRows::All, &mtp);
    ASSERT_TRUE(status) << status.failure().message();
  }
  EXPECT_EQ(mtp.logits, model.mtpAnswer(ids));

  ASSERT_TRUE(session->rewind(5));
  // Not further than the model itself, and with all of the hidden values.
  EXPECT_FALSE(session->appendMtp(std::span(ids).first(1), std::span(normed).first(toyHidden)));
  ASSERT_TRUE(session->append(std::span(ids).subspan(5, 1)));
  EXPECT_FALSE(session->appendMtp(std::span(ids).first(1), std::span(normed).first(1)));
  EXPECT_TRUE(session->appendMtp(std::span(ids).first(1), std::span(normed).first(toyHidden)));
}

TEST_P(ToySession, ContextIsALimitAndAFailureSaysHowFar) {
  SessionOptions options;
  options.context = 9; // in the middle of a page
  auto session = start(options);
  ASSERT_TRUE(session->append(ToyModel::text(7)));
  ToyLogits before = lastLogits(*session);
  Status status = session->append(ToyModel::text(3));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.failure().what, "expected at most 9 tokens of context, found 10");
  EXPECT_EQ(status.failure().hint, "feed fewer tokens, or give --context more tokens, up to 38");
  EXPECT_EQ(session->position(), 7);
  EXPECT_EQ(lastLogits(*session), before) << "nothing has run";
  EXPECT_TRUE(session->append(ToyModel::text(2)));
  status = start()->append(ToyModel::text(toyMaxContext + 1));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.failure().hint,
            "feed fewer tokens, or compile the model for more: dsv3-compile --context N");
}

TEST_P(ToySession, RefusesIdsOutsideOfTheVocabulary) {
  auto session = start();
  for (int32_t id : {-1, int(toyVocabulary)}) {
    Status status = session->append(std::vector<int32_t>{1, id});
    ASSERT_FALSE(status);
    EXPECT_EQ(status.failure().what, "expected ids from 0 to 15, found " + std::to_string(id));
    EXPECT_EQ(session->position(), 0);
  }
}

TEST_P(ToySession, CancelStopsBetweenSteps) {
  std::atomic<bool> cancel = false;
  SessionOptions options;
  options.cancel = &cancel;
  auto session = start(options);
  struct Canceller final : Observer {
    std::atomic<bool> &cancel;
    explicit Canceller(std::atomic<bool> &cancel) : cancel(cancel) {}
    Status outputs(const StepOutputs &) override {
      cancel = true;
      return {};
    }
  } canceller(cancel);
  EXPECT_FALSE(session->append(ToyModel::text(20), OutputRows::Last, &canceller));
  EXPECT_EQ(session->position(), toyPrefill);
}

TEST_P(ToySession, AFailureOfTheObserverEndsTheAppend) {
  auto session = start();
  struct Full final : Observer {
    Status outputs(const StepOutputs &) override { return Failure{"the disk is full"}; }
  } full;
  Status status = session->append(ToyModel::text(20), OutputRows::All, &full);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.failure().what, "the disk is full");
  EXPECT_EQ(session->position(), toyPrefill);
}

INSTANTIATE_TEST_SUITE_P(Threads, ToySession, testing::Values(1, 2, 3));
