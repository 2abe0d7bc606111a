//===- Prompt.cpp - from flags to token ids -------------------------------===//
#include "runtime/cli/Prompt.h"

#include "runtime/cli/Streams.h"
#include "runtime/template/ChatTemplate.h"

#include <CLI/CLI.hpp>

namespace dsv3::cli {

static constexpr const char *noTokens = "expected a prompt of 1 or more tokens, found none";

/// What is wrong with the value of --ids, as far as no file need be read.
static std::string refuseIds(const std::string &value) {
  if (value.starts_with('@')) {
    return "";
  }
  Expected<std::vector<int32_t>> ids = parseIds(value, "the list");
  if (!ids) {
    return ids.failure().what + " (" + ids.failure().where + ")";
  }
  return ids->empty() ? noTokens : "";
}

void addPromptFlags(CLI::App &command, PromptFlags &flags, bool withChat) {
  auto *group = command.add_option_group("prompt", "one of these");
  auto *text = group->add_option("--prompt", flags.text, "text, as it is");
  text->each([&flags](const std::string &) { flags.hasText = true; });
  if (withChat) {
    group->add_option("--chat", flags.chat, "a user's message, through the chat template")
        ->each([&flags](const std::string &) { flags.hasChat = true; });
  }
  group
      ->add_option("--ids", flags.ids,
                   "token ids, for example 0,5,7, or @FILE that holds them; @- is stdin")
      ->check(refuseIds)
      ->each([&flags](const std::string &) { flags.hasIds = true; });
  group->require_option(1);
  command
      .add_flag("--parse-special", flags.parseSpecial,
                "added tokens that --prompt spells are those tokens")
      ->needs(text);
}

static Expected<std::vector<int32_t>> encodeText(const PromptFlags &flags,
                                                 const text::Tokenizer &tokenizer) {
  Expected<std::vector<int32_t>> ids = tokenizer.encode(flags.text, flags.parseSpecial);
  if (ids && tokenizer.config().addBosToken && tokenizer.bosId()) {
    ids->insert(ids->begin(), *tokenizer.bosId());
  }
  return ids;
}

static Expected<std::vector<int32_t>> encodeChat(const PromptFlags &flags,
                                                 const text::Tokenizer &tokenizer) {
  Expected<text::Template> chatTemplate = text::chatTemplateOf(tokenizer.config(), false);
  if (!chatTemplate) {
    return chatTemplate.failure();
  }
  text::ChatRequest request;
  request.messages.push_back({{"role", "user"}, {"content", flags.chat}});
  Expected<text::Rendered> rendered = text::renderChat(*chatTemplate, tokenizer.config(), request);
  return rendered ? tokenizer.encodeSegments(rendered->segments)
                  : Expected<std::vector<int32_t>>(rendered.failure());
}

static Expected<std::vector<int32_t>> encode(const PromptFlags &flags, const ModelTexts &texts) {
  if (flags.hasIds) {
    return idsOfFlag(flags.ids, "--ids");
  }
  if (!texts.tokenizer) {
    return Failure{"the model has no tokenizer.json, so it cannot read text", "",
                   "give token ids: --ids 0,5,7"};
  }
  return flags.hasChat ? encodeChat(flags, *texts.tokenizer) : encodeText(flags, *texts.tokenizer);
}

Expected<std::vector<int32_t>> promptIds(const PromptFlags &flags, const ModelTexts &texts,
                                         runtime::ContextRoom room) {
  Expected<std::vector<int32_t>> ids = encode(flags, texts);
  if (!ids) {
    return ids;
  }
  if (ids->empty()) {
    return Failure{noTokens};
  }
  int64_t vocabulary = texts.config.vocabSize;
  for (int32_t id : *ids) {
    if (id >= vocabulary) {
      return Failure{"expected ids from 0 to " + std::to_string(vocabulary - 1) + ", found " +
                     std::to_string(id)};
    }
  }
  if (int64_t(ids->size()) > room.tokens) {
    return Failure{"the prompt has " + std::to_string(ids->size()) + " tokens, the context holds " +
                       std::to_string(room.tokens),
                   "", room.hint("shorten the prompt")};
  }
  return ids;
}

} // namespace dsv3::cli
