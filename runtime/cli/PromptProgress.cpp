//===- PromptProgress.cpp - how far a prompt is ---------------------------===//
#include "runtime/cli/PromptProgress.h"

#include <cstdio>
#include <utility>

namespace dsv3::cli {

PromptProgress::PromptProgress(std::string label, int64_t tokens, int64_t layers)
    : progress(std::move(label), stderr, runtime::Progress::Amounts::Hidden), tokens(tokens),
      perToken(layers + 1) {}

void PromptProgress::value(const runtime::ObservedValue &seen) {
  if (seen.name == "hidden") {
    progress.update(uint64_t(seen.position * perToken + seen.rows * seen.layer),
                    uint64_t(tokens * perToken));
  }
}

Status PromptProgress::outputs(const runtime::StepOutputs &step) {
  progress.update(uint64_t((step.position + step.rows) * perToken), uint64_t(tokens * perToken));
  return {};
}

} // namespace dsv3::cli
