//===- AddedTokens.h - tokens found before anything else --------*- C++ -*-===//
//
// The `added_tokens` of a tokenizer.json (<think>, <｜User｜>, …): they are cut out
// of trusted text before it is split into words. Where several match, the
// leftmost wins, then the longest. Those with `normalized` set are looked for
// only in what the others left.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"
#include "runtime/tokenizer/Bpe.h"
#include "runtime/tokenizer/JsonFields.h"
#include "runtime/tokenizer/Regex.h"

#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace dsv3::text {

/// One entry of `added_tokens`.
struct AddedToken {
  TokenId id = 0;
  std::string content;
  bool special = false;
  bool singleWord = false;
  bool lstrip = false;
  bool rstrip = false;
  bool normalized = false;
};

/// A piece of text that is either one added token or plain (`id` -1).
struct AddedPiece {
  std::string_view text;
  TokenId id = -1;
};

/// Immutable after reading; safe to use from several threads.
class AddedTokens {
public:
  /// Reads the field `added_tokens`, which may be absent.
  static Expected<AddedTokens> fromJson(const Json &document);

  /// Cuts `text` into added tokens and what lies between them. The pieces
  /// are slices of `text`. Precondition: valid UTF-8.
  std::vector<AddedPiece> split(std::string_view text) const;

  const std::vector<AddedToken> &all() const { return tokens; }
  /// The texts of all of them.
  std::unordered_set<std::string> contents() const;

private:
  /// Indices into `tokens`, sorted by content.
  using Group = std::vector<uint32_t>;
  const AddedToken *longestAt(const Group &group, std::string_view text) const;
  void splitPiece(const Group &group, std::string_view text, std::vector<AddedPiece> &out) const;
  bool isWord(std::string_view character) const;
  bool standsAlone(std::string_view text, size_t begin, size_t end) const;

  std::vector<AddedToken> tokens;
  Group first, second;
  std::optional<Regex> word;
};

} // namespace dsv3::text
