//===- Compare.cpp - how far two models are apart on a text ---------------===//
#include "runtime/cli/Compare.h"

#include "dsv3/Plan/Names.h"
#include "runtime/base/Progress.h"
#include "runtime/session/Generate.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iterator>

namespace dsv3::cli {

/// Tokens that one model is fed before the other: a row of logits of the largest models is
/// half a megabyte.
static constexpr size_t tokensAtOnce = 128;

namespace {

/// Keeps what a model shows of some tokens.
class Recorder final : public runtime::Observer {
public:
  Recorder(std::string which, int64_t first, bool hidden)
      : which(std::move(which)), first(first), hidden(hidden) {}

  bool wantsValues() const override { return hidden; }
  void value(const runtime::ObservedValue &seen) override {
    if (seen.name != plan::observedHidden) {
      return;
    }
    auto layer = size_t(seen.layer);
    layers.resize(std::max(layers.size(), layer + 1));
    auto *values = static_cast<const float *>(seen.data);
    put(layers[layer], seen.position, {values, size_t(seen.rows * seen.columns)}, seen.rows);
  }
  Status outputs(const runtime::StepOutputs &step) override {
    int64_t columns = int64_t(step.logits.size()) / step.rows;
    for (size_t i = 0; i < step.logits.size(); ++i) {
      if (!std::isfinite(step.logits[i])) {
        return Failure{"the " + which + "'s answer is no number: a logit at position " +
                           std::to_string(step.position + int64_t(i) / columns) +
                           " is NaN or infinite",
                       "", runtime::damagedAnswerHint};
      }
    }
    put(logits, step.position, step.logits, step.rows);
    return {};
  }

  std::vector<float> logits;              ///< [tokens, vocabulary]
  std::vector<std::vector<float>> layers; ///< [tokens, hidden size] each

private:
  void put(std::vector<float> &to, int64_t position, std::span<const float> rows, int64_t count) {
    size_t at = size_t(position - first) * (rows.size() / size_t(count));
    to.resize(std::max(to.size(), at + rows.size()));
    std::copy(rows.begin(), rows.end(), to.begin() + ptrdiff_t(at));
  }

  std::string which; ///< of the two models
  int64_t first;
  bool hidden;
};

/// Sums over all positions so far.
class Sums {
public:
  explicit Sums(std::span<const int32_t> ids) : ids(ids) {}

  void add(size_t first, size_t count, const Recorder &model, const Recorder &reference);
  Comparison result() const;

private:
  void addPosition(size_t position, std::span<const float> model, std::span<const float> reference);

  std::span<const int32_t> ids;
  Comparison sums;
  std::vector<double> distances, norms; ///< squared, by layer
};

} // namespace

/// ln of the sum of e^x.
static double logOfSum(std::span<const float> logits) {
  double largest = *std::max_element(logits.begin(), logits.end()), sum = 0;
  for (float logit : logits) {
    sum += std::exp(double(logit) - largest);
  }
  return largest + std::log(sum);
}

static int64_t indexOfLargest(std::span<const float> logits) {
  return std::max_element(logits.begin(), logits.end()) - logits.begin();
}

void Sums::addPosition(size_t position, std::span<const float> model,
                       std::span<const float> reference) {
  double ofModel = logOfSum(model), ofReference = logOfSum(reference), divergence = 0;
  for (size_t i = 0; i < model.size(); ++i) {
    double p = double(reference[i]) - ofReference, q = double(model[i]) - ofModel;
    divergence += std::exp(p) * (p - q);
  }
  ++sums.positions;
  sums.meanDivergence += divergence;
  if (divergence > sums.largestDivergence) {
    sums.largestDivergence = divergence, sums.largestAt = int64_t(position);
  }
  sums.sameBest += indexOfLargest(model) == indexOfLargest(reference) ? 1 : 0;
  if (position + 1 < ids.size()) {
    auto next = size_t(ids[position + 1]);
    sums.nll += ofModel - double(model[next]);
    sums.referenceNll += ofReference - double(reference[next]);
  }
}

void Sums::add(size_t first, size_t count, const Recorder &model, const Recorder &reference) {
  size_t vocabulary = model.logits.size() / count;
  for (size_t i = 0; i < count; ++i) {
    auto row = [&](const Recorder &of) {
      return std::span(of.logits).subspan(i * vocabulary, vocabulary);
    };
    addPosition(first + i, row(model), row(reference));
  }
  distances.resize(model.layers.size()), norms.resize(model.layers.size());
  for (size_t layer = 0; layer < model.layers.size(); ++layer) {
    for (size_t i = 0; i < model.layers[layer].size(); ++i) {
      double expected = reference.layers[layer][i], error = model.layers[layer][i] - expected;
      distances[layer] += error * error, norms[layer] += expected * expected;
    }
  }
}

Comparison Sums::result() const {
  Comparison mean = sums;
  mean.meanDivergence /= double(sums.positions);
  auto followed = double(std::max<int64_t>(1, sums.positions - 1));
  mean.nll /= followed, mean.referenceNll /= followed;
  for (size_t layer = 0; layer < norms.size(); ++layer) {
    mean.layers.push_back(std::sqrt(distances[layer] / norms[layer]));
  }
  return mean;
}

/// Whether both recorded values of the same sizes.
static bool alike(const Recorder &model, const Recorder &reference) {
  auto sizes = [](const auto &a, const auto &b) { return a.size() == b.size(); };
  return model.logits.size() == reference.logits.size() &&
         std::ranges::equal(model.layers, reference.layers, sizes);
}

Expected<Comparison> compareModels(runtime::LanguageModel &model, runtime::LanguageModel &reference,
                                   std::span<const int32_t> ids, bool layers) {
  Sums sums(ids);
  runtime::Progress progress("comparing", stderr, runtime::Progress::Amounts::Hidden);
  for (size_t first = 0; first < ids.size(); first += tokensAtOnce) {
    auto part = ids.subspan(first, std::min(tokensAtOnce, ids.size() - first));
    Recorder ofReference("reference", int64_t(first), layers);
    Recorder ofModel("model", int64_t(first), layers);
    for (auto [fedModel, recorder] :
         {std::pair(&reference, &ofReference), std::pair(&model, &ofModel)}) {
      if (Status fed = fedModel->append(part, runtime::OutputRows::All, recorder); !fed) {
        return fed;
      }
    }
    if (!alike(ofModel, ofReference)) {
      return Failure{"the two models have other vocabularies, layers or hidden sizes",
                     "--reference", "compare encodings of one checkpoint"};
    }
    sums.add(first, part.size(), ofModel, ofReference);
    progress.update(first + part.size(), ids.size());
  }
  return sums.result();
}

std::string comparisonText(const Comparison &c) {
  std::string text;
  auto out = std::back_inserter(text);
  fmt::format_to(out, "positions   {}\n", c.positions);
  fmt::format_to(out, "divergence  {:.3e} nats on average, {:.3e} at most, at position {}\n",
                 c.meanDivergence, c.largestDivergence, c.largestAt);
  fmt::format_to(out, "best token  the same at {:.2f} % of the positions\n",
                 100 * double(c.sameBest) / double(c.positions));
  fmt::format_to(
      out, "nll         {:.5f} nats a token (negative log-likelihood), the reference {:.5f}\n",
      c.nll, c.referenceNll);
  for (size_t layer = 0; layer < c.layers.size(); ++layer) {
    std::string name = layer == 0 ? "embedding" : fmt::format("layer {}", layer - 1);
    fmt::format_to(out, "{:<12}{:.3e} of its norm away\n", name, c.layers[layer]);
  }
  return text;
}

std::string comparisonJson(const Comparison &c) {
  nlohmann::ordered_json json;
  json["positions"] = c.positions;
  json["kl"] = {
      {"mean", c.meanDivergence}, {"largest", c.largestDivergence}, {"position", c.largestAt}};
  json["same_best"] = double(c.sameBest) / double(c.positions);
  json["nll"] = {{"model", c.nll}, {"reference", c.referenceNll}};
  if (!c.layers.empty()) {
    json["layers"] = c.layers;
  }
  return json.dump(2) + "\n";
}

} // namespace dsv3::cli
