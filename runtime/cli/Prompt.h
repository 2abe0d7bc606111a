//===- Prompt.h - from flags to token ids -----------------------*- C++ -*-===//
#pragma once

#include "runtime/cli/Model.h"

#include <string>
#include <vector>

namespace dsv3::cli {

/// Exactly one of the first three is given.
struct PromptFlags {
  std::string text, chat, ids;
  bool hasText = false, hasChat = false, hasIds = false;
  bool parseSpecial = false;
};
/// Adds --prompt, --ids, --parse-special and, if `withChat`, --chat.
void addPromptFlags(CLI::App &command, PromptFlags &flags, bool withChat);

/// The ids of a prompt: text with one BOS if the tokenizer wants one, a message through
/// the checkpoint's chat template, or ids as they are. Fails if there are none, one is
/// not of the vocabulary, or there is no room for them.
Expected<std::vector<int32_t>> promptIds(const PromptFlags &flags, const ModelTexts &texts,
                                         runtime::ContextRoom room);

} // namespace dsv3::cli
