//===- Compare.h - how far two models are apart on a text -------*- C++ -*-===//
//
// Feeds one text to two models, some tokens at a time to each in turn, and compares what
// they say at every position. What is held in memory does not grow with the text.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"
#include "runtime/session/LanguageModel.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace dsv3::cli {

/// Of a model to a reference. Divergence is that of Kullback and Leibler (1951) in nats:
/// sum over all tokens of p ln(p / q), p being the reference's probabilities.
struct Comparison {
  int64_t positions = 0;
  double meanDivergence = 0, largestDivergence = 0;
  int64_t largestAt = 0; ///< position of the largest
  int64_t sameBest = 0;  ///< positions where both find the same token most likely
  /// Negative log-likelihood: mean of -ln(probability) of the text's next token, of all positions
  /// that have one.
  double nll = 0, referenceNll = 0;
  /// For the embedding and the output of each layer |hidden - reference| / |reference|, in the
  /// Euclidean norm over all positions; empty if not asked for.
  std::vector<double> layers;
};

/// Precondition: both models are fresh and have room for `ids`, of which there is one at least.
/// Fails if they have other vocabularies or layers, if a logit is NaN or infinite, or if a step
/// fails. Shows progress on stderr.
Expected<Comparison> compareModels(runtime::LanguageModel &model, runtime::LanguageModel &reference,
                                   std::span<const int32_t> ids, bool layers);

/// For people.
std::string comparisonText(const Comparison &comparison);
/// One JSON object: positions, kl.mean, kl.largest, kl.position, same_best, nll.model,
/// nll.reference and, if they were asked for, layers.
std::string comparisonJson(const Comparison &comparison);

} // namespace dsv3::cli
