//===- TokenizerConfig.cpp - what stands beside tokenizer.json ------------===//

#include "runtime/tokenizer/TokenizerConfig.h"

#include "runtime/tokenizer/JsonFields.h"

namespace dsv3::text {

static constexpr size_t configLimit = size_t(64) << 20;
static constexpr size_t templateLimit = size_t(4) << 20;

const std::string *TokenizerConfig::chatTemplate(const std::string &name) const {
  for (const auto &[known, source] : chatTemplates) {
    if (known == name) {
      return &source;
    }
  }
  return nullptr;
}

/// A token given as its text or as an object with a `content`.
static Expected<std::optional<std::string>> tokenField(const Json &object, const char *key) {
  const Json *field = findField(object, key);
  if (!field) {
    return std::optional<std::string>();
  }
  if (field->is_object()) {
    field = findField(*field, "content");
  }
  if (!field || !field->is_string()) {
    return Failure{std::string("`") + key + "` must be a string or an object with `content`"};
  }
  return std::optional(field->get<std::string>());
}

static Status readTemplates(const Json &object, TokenizerConfig &config) {
  const Json *field = findField(object, "chat_template");
  if (!field) {
    return {};
  }
  if (field->is_string()) {
    config.chatTemplates.emplace_back("default", field->get<std::string>());
    return {};
  }
  Failure wrong{"`chat_template` must be a string or a list of {name, template}"};
  if (!field->is_array()) {
    return wrong;
  }
  for (const Json &entry : *field) {
    const Json *name = findField(entry, "name"), *source = findField(entry, "template");
    if (!name || !source || !name->is_string() || !source->is_string()) {
      return wrong;
    }
    config.chatTemplates.emplace_back(name->get<std::string>(), source->get<std::string>());
  }
  return {};
}

Expected<TokenizerConfig> TokenizerConfig::parse(const std::string &bytes,
                                                 const std::string &where) {
  Expected<Json> document = checkpoint::parseJson(bytes, where);
  if (!document) {
    return document.failure();
  }
  if (!document->is_object()) {
    return Failure{"expected a JSON object", where};
  }
  TokenizerConfig config;
  auto addBos = boolField(*document, "add_bos_token", false);
  auto bos = tokenField(*document, "bos_token");
  auto eos = tokenField(*document, "eos_token");
  Status templates = readTemplates(*document, config);
  for (const Status &status : {addBos.status(), bos.status(), eos.status(), templates}) {
    if (!status) {
      return Failure{status.failure().what, where};
    }
  }
  config.addBosToken = *addBos;
  config.bosToken = *std::move(bos);
  config.eosToken = *std::move(eos);
  return config;
}

Expected<TokenizerConfig> TokenizerConfig::load(const std::filesystem::path &directory) {
  TokenizerConfig config;
  std::error_code error;
  auto path = directory / "tokenizer_config.json";
  if (std::filesystem::exists(path, error)) {
    Expected<std::string> bytes = readFile(path, configLimit);
    if (!bytes) {
      return bytes.failure();
    }
    Expected<TokenizerConfig> parsed = parse(*bytes, path.string());
    if (!parsed) {
      return parsed;
    }
    config = *std::move(parsed);
  }
  path = directory / "chat_template.jinja";
  if (std::filesystem::exists(path, error)) {
    Expected<std::string> source = readFile(path, templateLimit);
    if (!source) {
      return source.failure();
    }
    std::erase_if(config.chatTemplates, [](const auto &entry) { return entry.first == "default"; });
    config.chatTemplates.emplace_back("default", *std::move(source));
  }
  return config;
}

} // namespace dsv3::text
