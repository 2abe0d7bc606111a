//===- ToyModel.h - a model whose logits are easily known -------*- C++ -*-===//
//
// A plan with everything that a real one has (layer bodies, cache, observations,
// MTP), over kernels written by hand, and the same model in a few lines of C++:
//   h_0[t] = table[id_t]
//   h_l+1[t] = h_l[t] + weight_l × sum over p ≤ t of h_l[p] (p mod 3 + 1)
//   normed[t] = h_last[t] / 2,  logits[t][v] = normed[t] · ((7v + 3j) mod 11 − 5)_j
//   tokens[t] = the first of the largest logits[t][v], v < limit; with another scale than 0 what
//               toyDraw says
// The MTP module is layer 2 on table[id_t+1] + normed[t].
//
//===----------------------------------------------------------------------===//
#pragma once

#include "ToyShape.h"
#include "dsv3/Plan/Plan.h"
#include "runtime/plan/Resolve.h"
#include "runtime/session/Session.h"

#include <array>
#include <span>
#include <vector>

namespace dsv3::test {

using ToyRow = std::array<float, toyHidden>;
using ToyLogits = std::array<float, toyVocabulary>;

/// What the model gives for a text.
struct ToyAnswer {
  std::vector<std::vector<ToyRow>> hidden; ///< [layers + 1][tokens]
  std::vector<ToyRow> normed;
  std::vector<ToyLogits> logits;
};

/// A token that depends on all words of the row.
int32_t toyDraw(const SamplingRow &row);

class ToyModel {
public:
  ToyModel();

  /// Entries decode (1), rows (2 to 3), prefill (1 to 8) and mtp (1 to 8).
  plan::Plan plan;
  runtime::SessionKernels kernels;
  /// The model must stay where it is while they are used.
  runtime::ParameterAddresses parameters() const;

  ToyAnswer answer(std::span<const int32_t> ids) const;
  /// MTP logits of the positions before the last.
  std::vector<ToyLogits> mtpAnswer(std::span<const int32_t> ids) const;
  /// Some ids, the same for the same length.
  static std::vector<int32_t> text(size_t length);

private:
  std::array<ToyRow, toyVocabulary> table;
  std::array<ToyRow, toyLayers + 1> weights; ///< the last of the MTP module

  std::vector<ToyRow> runLayer(std::span<const ToyRow> hidden, size_t layer) const;
};

} // namespace dsv3::test
