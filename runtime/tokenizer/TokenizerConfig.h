//===- TokenizerConfig.h - what stands beside tokenizer.json ----*- C++ -*-===//
//
// Reads tokenizer_config.json (BOS, EOS, chat templates) and, as newer
// checkpoints have it, chat_template.jinja, which wins over the former. Both
// may be absent.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace dsv3::text {

/// Owned by value.
struct TokenizerConfig {
  /// Whether a raw prompt gets a BOS.
  bool addBosToken = false;
  std::optional<std::string> bosToken, eosToken;
  /// Name and source; the one that is given without a name is "default".
  std::vector<std::pair<std::string, std::string>> chatTemplates;

  /// The source of the template of that name, or null.
  const std::string *chatTemplate(const std::string &name = "default") const;

  /// Reads the files in `directory`.
  static Expected<TokenizerConfig> load(const std::filesystem::path &directory);
  /// Reads the text of a tokenizer_config.json.
  static Expected<TokenizerConfig> parse(const std::string &bytes, const std::string &where);
};

} // namespace dsv3::text
