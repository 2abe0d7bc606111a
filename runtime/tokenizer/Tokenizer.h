//===- Tokenizer.h - text to tokens and back --------------------*- C++ -*-===//
//
// The byte-level BPE tokenizer of a checkpoint, as Hugging Face's `tokenizers`
// runs the same tokenizer.json. It adds no BOS of its own accord, and added
// tokens are parsed only where the caller says that the text may hold some.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"
#include "runtime/tokenizer/AddedTokens.h"
#include "runtime/tokenizer/Bpe.h"
#include "runtime/tokenizer/PreTokenizer.h"
#include "runtime/tokenizer/Segment.h"
#include "runtime/tokenizer/TokenizerConfig.h"

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dsv3::text {

/// Owns its tables. Immutable after loading: const functions may be called from
/// several threads.
class Tokenizer {
public:
  /// Reads a tokenizer.json, given as the file or as the directory that holds
  /// it, and the tokenizer_config.json and chat_template.jinja beside it.
  static Expected<Tokenizer> load(const std::filesystem::path &path);
  /// Reads the text of a tokenizer.json; `where` names it in failures.
  static Expected<Tokenizer> parse(const std::string &bytes, const std::string &where);

  /// The tokens of `text`, without BOS. With `parseSpecial`, added tokens that
  /// `text` spells become those tokens; without, they are text like any other.
  /// Bytes that are not UTF-8 become the tokens of these bytes. Fails only if a
  /// pattern of the file cannot cope with the text.
  Expected<std::vector<TokenId>> encode(std::string_view text, bool parseSpecial) const;

  /// The tokens of a rendered template: segment by segment, added tokens parsed
  /// in trusted segments only, so none can arise in or with untrusted text.
  Expected<std::vector<TokenId>> encodeSegments(std::span<const Segment> segments) const;

  /// The text of `ids`, with U+FFFD for what is not UTF-8. Ids that do not exist
  /// are left out, as are special tokens if `skipSpecial`.
  std::string decode(std::span<const TokenId> ids, bool skipSpecial) const;

  /// One more than the largest id.
  TokenId vocabSize() const { return TokenId(tokens.size()); }
  /// Whether there is a token of that id: ids can leave gaps.
  bool contains(TokenId id) const;
  /// The id of a token in the spelling of the file ("Ġthe", "<think>").
  std::optional<TokenId> idOf(const std::string &token) const;
  /// The spelling of a token in the file; nothing if there is none.
  std::optional<std::string_view> tokenOf(TokenId id) const;
  /// The bytes that a token adds to a text; empty if there is none.
  std::string_view bytesOf(TokenId id) const;
  /// Whether the token is marked `special`: left out by skipSpecial.
  bool isSpecial(TokenId id) const;
  /// Whether the token is one of `added_tokens`, special or not.
  bool isAdded(TokenId id) const;

  /// BOS, EOS and chat templates.
  const TokenizerConfig &config() const { return settings; }
  /// The id of config().bosToken, if it is set and exists.
  std::optional<TokenId> bosId() const;

private:
  struct Token {
    std::string spelling, bytes;
    bool known = false, special = false, added = false;
  };
  Tokenizer(AddedTokens added, Bpe bpe, PreTokenizer preTokenizer)
      : added(std::move(added)), bpe(std::move(bpe)), preTokenizer(std::move(preTokenizer)) {}
  Status fillTable();
  Status encodeRun(std::string_view text, bool parseSpecial, std::vector<TokenId> &ids) const;
  Status encodePlain(std::string_view text, std::vector<TokenId> &ids) const;

  AddedTokens added;
  Bpe bpe;
  PreTokenizer preTokenizer;
  std::vector<Token> tokens;
  std::unordered_map<std::string, TokenId> addedIds;
  TokenizerConfig settings;
};

} // namespace dsv3::text
