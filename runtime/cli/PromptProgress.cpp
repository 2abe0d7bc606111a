//===- PromptProgress.cpp - how far a prompt is ---------------------------===//
#include "runtime/cli/PromptProgress.h"

#include "dsv3/Plan/Names.h"

#include <cstdio>
#include <utility>

namespace dsv3::cli {

/// As often as Progress writes on a terminal.
static constexpr std::chrono::milliseconds quickStep{200};

PromptProgress::PromptProgress(std::string label, int64_t tokens, int64_t layers)
    : progress(std::move(label), stderr, runtime::Progress::Amounts::Hidden), tokens(tokens),
      perToken(layers + 1), stepBegin(Clock::now()) {}

void PromptProgress::value(const runtime::ObservedValue &seen) {
  if (seen.name == plan::observedHidden) {
    progress.update(uint64_t(seen.position * perToken + seen.rows * seen.layer),
                    uint64_t(tokens * perToken));
  }
}

Status PromptProgress::outputs(const runtime::StepOutputs &step) {
  progress.update(uint64_t((step.position + step.rows) * perToken), uint64_t(tokens * perToken));
  stepEnded(Clock::now());
  return {};
}

void PromptProgress::stepEnded(Clock::time_point now) {
  longStep = now - std::exchange(stepBegin, now) > quickStep;
}

} // namespace dsv3::cli
