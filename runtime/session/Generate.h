//===- Generate.h - continue a prompt ---------------------------*- C++ -*-===//
//
// The loop of generation: feed the prompt, choose a token, feed it, choose the
// next. What the ids mean is the caller's business.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Sampling.h"
#include "runtime/session/LanguageModel.h"

#include <functional>
#include <span>
#include <vector>

namespace dsv3::runtime {

/// What to do where a model's answer is no number.
inline constexpr const char *damagedAnswerHint =
    "weights may be damaged: dsv3-run score --hidden shows the layer that it begins in";

struct GenerateOptions {
  SamplingOptions sampling;
  std::vector<int32_t> ends;  ///< tokens that end a text
  bool ignoreEnds = false;    ///< treat them like any other
  int64_t maxTokens = 0;      ///< 0: as many as the context holds
  int64_t limit = 0;          ///< ids from here on are never chosen; 0: all of the vocabulary
  Observer *prompt = nullptr; ///< sees the steps of the prompt; may be null
};

enum class StopReason : uint8_t {
  End,       ///< one of `ends` was chosen; it is not handed over
  MaxTokens, ///< as many tokens as were asked for
  Context,   ///< the context is full
  Caller,    ///< onToken returned false
  Cancelled, ///< the session's cancel flag
};

/// What a generation did. Times in seconds.
struct Generation {
  StopReason reason = StopReason::End;
  int64_t promptTokens = 0;
  double promptTime = 0;
  int64_t tokens = 0; ///< handed over to onToken
  double time = 0;    ///< from the end of the prompt on
};

/// Appends `prompt` to the model and generates. `onToken` gets each token as soon as it
/// is chosen and returns whether to go on. The last token that it got is not in the
/// model. Fails if the prompt is empty, the options are out of range or a step fails; a
/// cancelled model is no failure.
Expected<Generation> generate(LanguageModel &model, std::span<const int32_t> prompt,
                              const GenerateOptions &options,
                              const std::function<bool(int32_t)> &onToken);

} // namespace dsv3::runtime
