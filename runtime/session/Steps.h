//===- Steps.h - a prompt as steps ------------------------------*- C++ -*-===//
//
// Cuts tokens into steps, each for an entry that admits it. The session and the
// reference interpreter run the same steps, so that their results can be compared.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace dsv3::runtime {

/// The tokens of a step that an entry admits.
struct StepRange {
  int64_t minTokens = 1, maxTokens = 1;
};

struct ChosenStep {
  size_t entry = 0; ///< index into the ranges
  int64_t tokens = 0;
};
/// The first of the entries that admits a step of `wanted` tokens; if none does, the one
/// for the most tokens that are fewer. Fails if there is neither.
Expected<ChosenStep> chooseStep(std::span<const StepRange> entries, int64_t wanted);

/// Calls step(entry, first, tokens) for consecutive steps of at most `chunk` of `tokens`
/// tokens. Ends with the first failure. Allocates nothing.
template <typename Step>
Status forEachStep(std::span<const StepRange> entries, int64_t chunk, int64_t tokens, Step step) {
  for (int64_t first = 0; first < tokens;) {
    Expected<ChosenStep> chosen = chooseStep(entries, std::min(chunk, tokens - first));
    if (!chosen) {
      return chosen.status();
    }
    if (Status done = step(chosen->entry, first, chosen->tokens); !done) {
      return done;
    }
    first += chosen->tokens;
  }
  return {};
}

} // namespace dsv3::runtime
