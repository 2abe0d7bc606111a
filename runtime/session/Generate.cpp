//===- Generate.cpp - continue a prompt -----------------------------------===//

#include "runtime/session/Generate.h"

#include <algorithm>
#include <chrono>
#include <string>

using namespace dsv3;
using namespace dsv3::runtime;

using Clock = std::chrono::steady_clock;

static double secondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

static Status checkOptions(std::span<const int32_t> prompt, const GenerateOptions &options) {
  if (prompt.empty()) {
    return Failure{"expected a prompt of 1 or more tokens, found none"};
  }
  if (options.maxTokens < 0) {
    return Failure{"expected 1 or more tokens to generate, or 0 for as many as the context holds, "
                   "found " +
                       std::to_string(options.maxTokens),
                   "--max-tokens"};
  }
  return validate(options.sampling);
}

Expected<Generation> runtime::generate(LanguageModel &model, std::span<const int32_t> prompt,
                                       const GenerateOptions &options,
                                       const std::function<bool(int32_t)> &onToken) {
  if (Status status = checkOptions(prompt, options); !status) {
    return status;
  }
  int64_t vocabulary = model.vocabulary();
  int64_t limit = options.limit == 0 ? vocabulary : std::min(options.limit, vocabulary);
  auto feed = [&](std::span<const int32_t> ids, Observer *observer) {
    return model.appendSampled(ids, options.sampling, limit, observer);
  };
  Generation result;
  auto begin = Clock::now();
  int64_t first = model.position();
  Expected<int32_t> next = feed(prompt, options.prompt);
  result.promptTokens = model.position() - first;
  result.promptTime = secondsSince(begin);
  begin = Clock::now();
  auto stop = [&](StopReason reason) {
    result.reason = reason;
    result.time = secondsSince(begin);
    return result;
  };
  for (;;) {
    if (model.cancelled()) {
      return stop(StopReason::Cancelled);
    }
    if (!next) {
      return next.failure();
    }
    int32_t id = *next;
    if (id == noToken) {
      return Failure{"the model's answer is no number: the largest logit at position " +
                         std::to_string(model.position()) + " is infinite, or all are NaN",
                     "", damagedAnswerHint};
    }
    if (!options.ignoreEnds && std::ranges::find(options.ends, id) != options.ends.end()) {
      return stop(StopReason::End);
    }
    ++result.tokens;
    if (!onToken(id)) {
      return stop(StopReason::Caller);
    }
    if (result.tokens == options.maxTokens) {
      return stop(StopReason::MaxTokens);
    }
    if (model.position() == model.context()) {
      return stop(StopReason::Context);
    }
    next = feed(std::span(&id, 1), nullptr);
  }
}
