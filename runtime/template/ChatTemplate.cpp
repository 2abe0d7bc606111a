//===- ChatTemplate.cpp - from messages to a prompt -----------------------===//

#include "runtime/template/ChatTemplate.h"

namespace dsv3::text {

Expected<Template> chatTemplateOf(const TokenizerConfig &config, bool tools) {
  const std::string *source = tools ? config.chatTemplate("tool_use") : nullptr;
  source = source ? source : config.chatTemplate();
  if (!source) {
    return Failure{"the checkpoint has no chat template", "tokenizer_config.json",
                   "put a chat_template.jinja beside tokenizer.json; generate takes a raw --prompt "
                   "without one"};
  }
  return Template::parse(*source);
}

Expected<Rendered> renderChat(const Template &chatTemplate, const TokenizerConfig &config,
                              const ChatRequest &request) {
  if (!request.messages.is_array()) {
    return Failure{std::string("the messages must be a list, found ") +
                   request.messages.type_name()};
  }
  if (!request.extra.is_object()) {
    return Failure{std::string("the variables of a template must be an object, found ") +
                   request.extra.type_name()};
  }
  Context context = Context::object();
  context["messages"] = request.messages;
  context["tools"] = request.tools;
  context["documents"] = nullptr;
  context["add_generation_prompt"] = request.addGenerationPrompt;
  for (const auto &[key, value] : request.extra.items()) {
    context[key] = value;
  }
  // Trusted names: a request must not be able to set them.
  context.erase("bos_token");
  context.erase("eos_token");
  if (config.bosToken) {
    context["bos_token"] = *config.bosToken;
  }
  if (config.eosToken) {
    context["eos_token"] = *config.eosToken;
  }
  return chatTemplate.render(context);
}

} // namespace dsv3::text
