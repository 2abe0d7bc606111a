//===- TextGeneration.h - generation as a command shows it ------*- C++ -*-===//
//
// Flags, streaming output and summary of `generate`, for whatever computes the logits:
// dsv3-run's session or the reference interpreter.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/cli/Prompt.h"
#include "runtime/session/Generate.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace dsv3::cli {

/// What is not given is as generation_config.json says.
struct TextFlags {
  PromptFlags prompt;
  std::optional<int64_t> maxTokens; ///< 1024
  std::optional<double> temperature, topP, minP;
  std::optional<int64_t> topK;
  std::optional<uint64_t> seed;
  std::vector<std::string> stops;
  bool printIds = false, ignoreEos = false;
};
void addTextFlags(CLI::App &command, TextFlags &flags);

/// The ids of the prompt. Fails too if the other flags cannot be right for this model, so that
/// nobody waits for a compiler and weights in vain; says on stderr if the context has less
/// room than they ask for, or a flag changes nothing.
Expected<std::vector<int32_t>> generationPrompt(const TextFlags &flags, const ModelTexts &texts,
                                                runtime::ContextRoom room);

/// Continues the prompt: text or ids on stdout as they come, a summary on stderr.
Status generateText(runtime::LanguageModel &model, std::span<const int32_t> prompt,
                    const TextFlags &flags, const ModelTexts &texts);

} // namespace dsv3::cli
