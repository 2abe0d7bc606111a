//===- SmallTokenizer.h - a tokenizer.json of a few tokens ------*- C++ -*-===//
//
// The 256 bytes as ids 0-255 in the order of the bytes, then one token per
// merge, then added tokens. Tests change fields before they parse it.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/tokenizer/ByteAlphabet.h"
#include "runtime/tokenizer/Tokenizer.h"

#include <gtest/gtest.h>

namespace dsv3::text {

/// DeepSeek-V3's three patterns.
inline std::vector<std::string> deepseekPatterns() {
  return {R"(\p{N}{1,3})", "[一-龥぀-ゟ゠-ヿ]+",
          R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|)"
          R"( ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
}

inline Json splitStep(const std::string &pattern, const char *behavior = "Isolated") {
  return {{"type", "Split"},
          {"pattern", {{"Regex", pattern}}},
          {"behavior", behavior},
          {"invert", false}};
}

inline Json byteLevelStep(bool useRegex = false, bool prefixSpace = false) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", prefixSpace},
          {"trim_offsets", true},
          {"use_regex", useRegex}};
}

inline Json addedToken(int id, const std::string &content, bool special) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", special}};
}

/// Merges are "a b", in the spelling of the file; merge i makes id 256 + i.
inline Json smallTokenizer(const std::vector<std::string> &merges = {}) {
  Json vocabulary = Json::object(), steps = Json::array();
  for (int byte = 0; byte < 256; ++byte) {
    vocabulary[characterOfByte(uint8_t(byte))] = byte;
  }
  int next = 256;
  for (std::string merge : merges) {
    merge.erase(merge.find(' '), 1);
    vocabulary[merge] = next++;
  }
  for (const std::string &pattern : deepseekPatterns()) {
    steps.push_back(splitStep(pattern));
  }
  steps.push_back(byteLevelStep());
  return {{"version", "1.0"},
          {"added_tokens",
           {addedToken(1000, "<s>", true), addedToken(1001, "</s>", true),
            addedToken(1002, "<think>", false), addedToken(1003, "<｜User｜>", true)}},
          {"normalizer", nullptr},
          {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", steps}}},
          {"decoder", {{"type", "ByteLevel"}}},
          {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", merges}}}};
}

inline Tokenizer parsed(const Json &document) {
  auto tokenizer = Tokenizer::parse(document.dump(), "tokenizer.json");
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.failure().message();
  return *std::move(tokenizer);
}

/// The failure that reading `document` must give.
inline std::string refusal(const Json &document) {
  auto tokenizer = Tokenizer::parse(document.dump(), "tokenizer.json");
  EXPECT_FALSE(tokenizer.ok());
  return tokenizer.ok() ? "" : tokenizer.failure().message();
}

/// Tokens of `text` in the spelling of the file.
inline std::vector<std::string> spelled(const Tokenizer &tokenizer, std::string_view text,
                                        bool parseSpecial = true) {
  std::vector<std::string> result;
  auto ids = tokenizer.encode(text, parseSpecial);
  EXPECT_TRUE(ids.ok());
  for (TokenId id : *ids) {
    result.emplace_back(tokenizer.tokenOf(id).value_or("?"));
  }
  return result;
}

} // namespace dsv3::text
