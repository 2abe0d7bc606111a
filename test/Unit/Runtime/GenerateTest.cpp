//===- GenerateTest.cpp - the loop of generation --------------------------===//

#include "runtime/session/Generate.h"
#include "ToyModel.h"
#include "runtime/drivers/cpu/CpuDevice.h"

#include <algorithm>
#include <gtest/gtest.h>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::test;

namespace {

struct Generate : testing::Test {
  ToyModel model;
  std::unique_ptr<Device> device = std::move(*createCpuDevice({1, false, {}}));
  std::atomic<bool> cancel = false;
  std::unique_ptr<Session> session = std::move(
      *Session::create(*device, model.plan, model.kernels, model.parameters(), {0, 0, &cancel}));
  std::vector<int32_t> prompt{3, 8, 2};
  std::vector<int32_t> tokens;
  GenerateOptions options;

  Generate() { options.maxTokens = 10; }

  Generation run() {
    SessionModel running(*session);
    auto generation = generate(running, prompt, options, [this](int32_t id) {
      tokens.push_back(id);
      return true;
    });
    EXPECT_TRUE(generation) << generation.failure().message();
    return generation ? *generation : Generation();
  }
  /// The best tokens below `limit`, each chosen after all before it.
  std::vector<int32_t> expected(size_t count, size_t limit = toyVocabulary) const {
    std::vector<int32_t> ids = prompt;
    for (size_t i = 0; i < count; ++i) {
      ToyLogits logits = model.answer(ids).logits.back();
      ids.push_back(argmax(logits, int64_t(limit)));
    }
    return {ids.begin() + int64_t(prompt.size()), ids.end()};
  }
};

} // namespace

TEST_F(Generate, GreedyTakesTheBestTokens) {
  Generation generation = run();
  EXPECT_EQ(tokens, expected(10));
  EXPECT_EQ(generation.reason, StopReason::MaxTokens);
  EXPECT_EQ(generation.tokens, 10);
  EXPECT_EQ(generation.promptTokens, 3);
  EXPECT_EQ(session->position(), 12) << "the last token is not fed";
}

TEST_F(Generate, EndStopsAndIsNotHandedOver) {
  std::vector<int32_t> all = expected(10);
  size_t last = all.size() - 1;
  while (std::ranges::count(std::span(all).first(last), all[last]) > 0) {
    --last; // the first place of this token
  }
  options.ends = {all[last]};
  EXPECT_EQ(run().reason, StopReason::End);
  all.resize(last);
  EXPECT_EQ(tokens, all);
}

TEST_F(Generate, EndsCanBeIgnored) {
  options.ends = expected(1);
  options.ignoreEnds = true;
  EXPECT_EQ(run().reason, StopReason::MaxTokens);
  EXPECT_EQ(tokens, expected(10));
}

TEST_F(Generate, StopsWhenTheContextIsFull) {
  options.maxTokens = 0;
  EXPECT_EQ(run().reason, StopReason::Context);
  // The token that no longer fits has still been chosen.
  EXPECT_EQ(tokens, expected(toyMaxContext - 3 + 1));
}

TEST_F(Generate, LimitMasksIds) {
  std::vector<int32_t> all = expected(10);
  auto limit = size_t(*std::ranges::max_element(all));
  ASSERT_GT(limit, 0U);
  options.limit = int64_t(limit);
  run();
  EXPECT_EQ(tokens, expected(10, limit));
  EXPECT_NE(tokens, all);
}

TEST_F(Generate, SamplesWithTheSeed) {
  options.sampling.temperature = 3;
  options.sampling.seed = 5;
  run();
  std::vector<int32_t> first = tokens;
  tokens.clear();
  ASSERT_TRUE(session->rewind(0));
  run();
  EXPECT_EQ(tokens, first);

  auto position = int64_t(prompt.size());
  std::vector<int32_t> drawn;
  for (size_t i = 0; i < first.size(); ++i) {
    drawn.push_back(toyDraw(samplingRow(options.sampling, toyVocabulary, position++)));
  }
  EXPECT_EQ(first, drawn) << "each with the random number of its position";
}

TEST_F(Generate, CallerAndCancelStopIt) {
  for (bool flag : {false, true}) {
    ASSERT_TRUE(session->rewind(0));
    int calls = 0;
    SessionModel running(*session);
    auto generation = generate(running, prompt, options, [&](int32_t) {
      cancel = flag && calls == 3;
      return ++calls < 4 || flag;
    });
    ASSERT_TRUE(generation);
    EXPECT_EQ(generation->reason, flag ? StopReason::Cancelled : StopReason::Caller);
    EXPECT_EQ(generation->tokens, 4);
    EXPECT_EQ(calls, 4);
  }
}

TEST_F(Generate, CancelBeforeThePromptIsNoFailure) {
  cancel = true;
  Generation generation = run();
  EXPECT_EQ(generation.reason, StopReason::Cancelled);
  EXPECT_EQ(generation.promptTokens, 0);
  EXPECT_TRUE(tokens.empty());
}

TEST_F(Generate, RefusesBadRequestsBeforeComputing) {
  auto refused = [&] {
    SessionModel running(*session);
    auto generation = generate(running, prompt, options, [](int32_t) { return true; });
    EXPECT_EQ(session->position(), 0);
    return !generation;
  };
  options.sampling.topP = 2;
  EXPECT_TRUE(refused());
  options.sampling.topP = 1;
  options.maxTokens = -1;
  EXPECT_TRUE(refused());
  options.maxTokens = 1;
  prompt = ToyModel::text(toyMaxContext + 1);
  EXPECT_TRUE(refused());
  prompt.clear();
  EXPECT_TRUE(refused());
}

namespace {
/// A model whose weights are damaged: it feeds what it gets and answers no numbers.
class Damaged final : public LanguageModel {
public:
  int64_t vocabulary() const override { return int64_t(values.size()); }
  int64_t context() const override { return 16; }
  int64_t position() const override { return fed; }
  bool cancelled() const override { return false; }
  Status append(std::span<const int32_t> ids, OutputRows, Observer *) override {
    fed += int64_t(ids.size());
    return {};
  }
  std::span<const float> logits() const override { return values; }
  Expected<int32_t> appendSampled(std::span<const int32_t> ids, const SamplingOptions &sampling,
                                  int64_t limit, Observer *observer) override {
    static_cast<void>(append(ids, OutputRows::Last, observer));
    return sample(values, samplingRow(sampling, limit, fed));
  }
  bool hasMtp() const override { return false; }
  Status appendMtp(std::span<const int32_t>, std::span<const float>, OutputRows,
                   Observer *) override {
    return {};
  }

private:
  int64_t fed = 0;
  std::vector<float> values = std::vector<float>(8, std::numeric_limits<float>::quiet_NaN());
};
} // namespace

TEST(GenerateDamaged, LogitsThatAreNoNumbersAreRefused) {
  for (double temperature : {0.0, 1.0}) {
    Damaged model;
    GenerateOptions options;
    options.sampling.temperature = temperature;
    auto generation = generate(model, std::vector<int32_t>{1, 2}, options, [](int32_t id) {
      ADD_FAILURE() << "token " << id;
      return true;
    });
    ASSERT_FALSE(generation);
    EXPECT_NE(generation.failure().message().find(
                  "the largest logit at position 2 is infinite, or all are NaN"),
              std::string::npos)
        << generation.failure().message();
  }
}
