//===- CompareTest.cpp - how far two models are apart ---------------------===//
#include "runtime/cli/Compare.h"

#include "dsv3/Plan/Names.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

using namespace dsv3;
using namespace dsv3::cli;

namespace {

/// Says the same at every position, or something else at one; two columns of hidden values.
class Fixed final : public runtime::LanguageModel {
public:
  explicit Fixed(std::vector<float> usual) : usual(usual), unusual(std::move(usual)) {}

  int64_t vocabulary() const override { return int64_t(usual.size()); }
  int64_t context() const override { return 1000; }
  int64_t position() const override { return tokens; }
  bool cancelled() const override { return false; }
  Status append(std::span<const int32_t> ids, runtime::OutputRows,
                runtime::Observer *observer) override {
    for (size_t i = 0; i < ids.size(); ++i, ++tokens) { // a step for each
      for (int64_t layer = 0; observer->wantsValues() && layer < 2; ++layer) {
        runtime::ObservedValue seen{.name = plan::observedHidden, .layer = layer};
        seen.position = tokens, seen.rows = 1, seen.columns = 2, seen.data = hidden.data();
        observer->value(seen);
      }
      const std::vector<float> &row = tokens == unusualAt ? unusual : usual;
      if (Status status = observer->outputs({tokens, 1, row, {}, nullptr}); !status) {
        return status;
      }
    }
    return {};
  }
  std::span<const float> logits() const override { return usual; }
  Expected<int32_t> appendSampled(std::span<const int32_t>, const SamplingOptions &, int64_t,
                                  runtime::Observer *) override {
    return Failure{"none"};
  }
  bool hasMtp() const override { return false; }
  Status appendMtp(std::span<const int32_t>, std::span<const float>, runtime::OutputRows,
                   runtime::Observer *) override {
    return Failure{"none"};
  }

  std::vector<float> usual, unusual, hidden{3, 4};
  int64_t unusualAt = -1, tokens = 0;
};

} // namespace

TEST(Compare, AModelIsNotFarFromItself) {
  Fixed model({0, 1, 2}), reference({0, 1, 2});
  auto result = compareModels(model, reference, std::vector<int32_t>(300, 2), true);
  ASSERT_TRUE(result.ok()) << result.failure().message();
  EXPECT_EQ(result->positions, 300);
  EXPECT_EQ(result->meanDivergence, 0);
  EXPECT_EQ(result->sameBest, 300);
  EXPECT_EQ(result->layers, (std::vector<double>{0, 0}));
  EXPECT_NEAR(result->nll, std::log(1 + std::exp(-1) + std::exp(-2)), 1e-6);
}

// p = (1/2, 1/2) and q = (1/4, 3/4) at one of 200 positions: ln(4/3) / 2.
TEST(Compare, DivergenceIsThatOfTheReference) {
  Fixed model({0, 0}), reference({0, 0});
  model.unusual = {0, std::log(3.0F)}, model.unusualAt = 150;
  model.hidden = {3, 4.5};
  auto result = compareModels(model, reference, std::vector<int32_t>(200, 0), true);
  ASSERT_TRUE(result.ok());
  EXPECT_NEAR(result->largestDivergence, std::log(4.0 / 3) / 2, 1e-6);
  EXPECT_EQ(result->largestAt, 150);
  EXPECT_NEAR(result->meanDivergence * 200, result->largestDivergence, 1e-6);
  EXPECT_EQ(result->sameBest, 199);
  EXPECT_NEAR(result->layers.at(1), 0.1, 1e-6);
  EXPECT_NEAR(result->referenceNll, std::log(2), 1e-6);
  EXPECT_NEAR(result->nll - result->referenceNll, std::log(2) / 199, 1e-6);
  auto json = nlohmann::json::parse(comparisonJson(*result));
  EXPECT_EQ(json["kl"]["position"], 150);
  EXPECT_NEAR(double(json["same_best"]), 0.995, 1e-9);
  EXPECT_NE(comparisonText(*result).find("at position 150"), std::string::npos);
}

TEST(Compare, LogitsThatAreNoNumbersAreRefused) {
  for (bool ofModel : {true, false}) {
    for (float wrong : {NAN, INFINITY, -INFINITY}) {
      Fixed model({0, 0}), reference({0, 0});
      Fixed &damaged = ofModel ? model : reference;
      damaged.unusual = {0, wrong}, damaged.unusualAt = 150;
      auto result = compareModels(model, reference, std::vector<int32_t>(200, 0), false);
      ASSERT_FALSE(result.ok());
      EXPECT_EQ(result.failure().what,
                std::string(ofModel ? "the model" : "the reference") +
                    "'s answer is no number: a logit at position 150 is NaN or infinite");
      EXPECT_NE(result.failure().hint.find("weights may be damaged"), std::string::npos);
    }
  }
}

TEST(Compare, TheNegativeLogLikelihoodIsCalledThat) {
  Comparison comparison;
  comparison.positions = 1, comparison.nll = 12.19;
  EXPECT_NE(comparisonText(comparison)
                .find("nll         12.19000 nats a token (negative log-likelihood)"),
            std::string::npos);
}

TEST(Compare, OtherModelsAreRefused) {
  Fixed model({0, 0}), reference({0, 0, 0});
  auto result = compareModels(model, reference, std::vector<int32_t>{0}, false);
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.failure().what.find("other vocabularies"), std::string::npos);
}
