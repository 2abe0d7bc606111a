//===- Bpe.h - byte-pair encoding of one word -------------------*- C++ -*-===//
//
// The `model` of a tokenizer.json: vocabulary and merges. A word starts as its
// bytes; the merge of the lowest rank is applied, the leftmost first, until none
// applies. A heap keeps this at O(n log n) for words of any length.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"
#include "runtime/tokenizer/JsonFields.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace dsv3::text {

/// The number of a token: its row in the embedding.
using TokenId = int32_t;

/// Ids are rows of an embedding; a file that asks for more rows than this is
/// wrong (and would make tables of that size).
constexpr TokenId maxTokenId = (1 << 24) - 1;

/// Token text to id, in the spelling of the file.
using Vocabulary = std::unordered_map<std::string, TokenId>;

/// A pair of neighbours that becomes one token, hashed by both ids.
class MergeTable {
public:
  struct Entry {
    uint64_t pair = 0;
    uint32_t rank = 0;
    /// -1 marks an empty slot.
    TokenId merged = -1;
  };
  /// Makes room for `count` merges.
  explicit MergeTable(size_t count = 0);
  /// A merge of the same pair is overwritten.
  void insert(TokenId left, TokenId right, uint32_t rank, TokenId merged);
  /// Null if the two do not merge.
  const Entry *find(TokenId left, TokenId right) const;

private:
  size_t slotOf(uint64_t pair) const;
  std::vector<Entry> slots;
};

/// Immutable after reading; safe to use from several threads.
class Bpe {
public:
  /// Reads the field `model`. Tokens whose text is in `added` are never the
  /// result of a merge or of `ignore_merges`: text must not turn into them.
  static Expected<Bpe> fromJson(const Json &document, const std::unordered_set<std::string> &added);

  /// Appends the tokens of `word` (raw bytes) to `ids`. Bytes that have no
  /// token become the unknown token or, without one, are left out.
  void encode(std::string_view word, std::vector<TokenId> &ids) const;

  const Vocabulary &vocabulary() const { return vocab; }

private:
  Status readVocabulary(const Json &model);
  Status readMerges(const Json &model, const std::unordered_set<std::string> &added);
  void encodeBytes(std::string_view word, std::vector<TokenId> &ids) const;

  Vocabulary vocab;
  /// By raw bytes; filled only if `ignore_merges`.
  std::unordered_map<std::string, TokenId> wholeWords;
  MergeTable merges;
  std::array<TokenId, 256> byteTokens{};
  TokenId unknown = -1;
  bool fuseUnknown = false;
};

} // namespace dsv3::text
