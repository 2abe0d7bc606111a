//===- ChatTemplate.h - from messages to a prompt ---------------*- C++ -*-===//
//
// Calls a chat template with the variables that transformers'
// apply_chat_template gives it.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/template/Template.h"
#include "runtime/tokenizer/TokenizerConfig.h"

namespace dsv3::text {

/// A conversation to be rendered.
struct ChatRequest {
  /// A list of {role, content, …}.
  Context messages = Context::array();
  /// A list of tools as JSON schemas; null for none.
  Context tools = nullptr;
  /// Whether the prompt ends where the assistant begins to answer.
  bool addGenerationPrompt = true;
  /// Further variables of the template ({"thinking": true}); they win over all
  /// others but bos_token and eos_token.
  Context extra = Context::object();
};

/// The template to use: "tool_use" if there are tools and such a one, else
/// "default". Fails if the checkpoint has no chat template.
Expected<Template> chatTemplateOf(const TokenizerConfig &config, bool tools);

/// Renders a conversation with the BOS and EOS of `config`.
Expected<Rendered> renderChat(const Template &chatTemplate, const TokenizerConfig &config,
                              const ChatRequest &request);

} // namespace dsv3::text
