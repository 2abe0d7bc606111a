//===- PromptProgress.h - how far a prompt is -------------------*- C++ -*-===//
//
// Steps of a large model, or on the reference interpreter, take long: a person sees how far
// they are by the layers that show their values.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/base/Progress.h"
#include "runtime/session/Observer.h"

#include <chrono>
#include <cstdint>
#include <string>

namespace dsv3::cli {

/// Shows progress on stderr while tokens are fed to a model of `layers` layers that has none
/// yet. Asks for values in the first step, of which nothing is known, and after a step that took
/// long: the outputs of short ones tell enough. For prompts alone: a step that shows its values
/// is not quiet.
class PromptProgress final : public runtime::Observer {
public:
  using Clock = std::chrono::steady_clock;

  PromptProgress(std::string label, int64_t tokens, int64_t layers);
  bool wantsValues() const override { return longStep; }
  void value(const runtime::ObservedValue &seen) override;
  Status outputs(const runtime::StepOutputs &step) override;
  /// A part of outputs(), at a given time.
  void stepEnded(Clock::time_point now);

private:
  runtime::Progress progress;
  /// Work is counted in tokens times layers; the head counts as one.
  int64_t tokens, perToken;
  Clock::time_point stepBegin; ///< or a little before
  bool longStep = true;        ///< the last one
};

} // namespace dsv3::cli
