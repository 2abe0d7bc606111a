//===- Tokenizer.cpp - text to tokens and back ----------------------------===//

#include "runtime/tokenizer/Tokenizer.h"

#include "runtime/tokenizer/ByteAlphabet.h"
#include "runtime/tokenizer/Utf8.h"

#include <algorithm>

namespace dsv3::text {

static constexpr size_t tokenizerLimit = size_t(512) << 20;
/// Ids may leave gaps, but not so many that the table of tokens is mostly air.
static constexpr size_t maxGaps = size_t(1) << 20;

/// The normalizer must do nothing: null, or a sequence of no steps.
static Status checkNormalizer(const Json &document) {
  const Json *normalizer = findField(document, "normalizer");
  if (!normalizer) {
    return {};
  }
  auto type = stringField(*normalizer, "type", "");
  const Json *steps = findField(*normalizer, "normalizers");
  if (type && *type == "Sequence" && steps && steps->is_array() && steps->empty()) {
    return {};
  }
  std::string name = type ? *type : std::string("?");
  if (type && *type == "Sequence" && steps && steps->is_array()) {
    auto inner = stringField(steps->front(), "type", "?");
    name = inner ? *inner : name;
  }
  return Failure{"the normalizer `" + name + "` is not supported", "normalizer",
                 "byte-level tokenizers of this family have none"};
}

/// The decoder must be ByteLevel, alone or in a sequence of one.
static Status checkDecoder(const Json &document) {
  const Json *decoder = findField(document, "decoder");
  if (decoder) {
    const Json *steps = findField(*decoder, "decoders");
    if (steps && steps->is_array() && steps->size() == 1) {
      decoder = &steps->front();
    }
  }
  auto type = decoder ? stringField(*decoder, "type", "?") : Expected<std::string>("null");
  if (type && *type == "ByteLevel") {
    return {};
  }
  return Failure{"expected ByteLevel, found " + (type ? "`" + *type + "`" : "something else"),
                 "decoder"};
}

Expected<Tokenizer> Tokenizer::parse(const std::string &bytes, const std::string &where) {
  auto fail = [&](Failure failure) {
    failure.where = failure.where.empty() ? where : where + ": " + failure.where;
    return failure;
  };
  Expected<Json> document = checkpoint::parseJson(bytes, where);
  if (!document) {
    return document.failure();
  }
  if (!document->is_object()) {
    return Failure{"expected a JSON object", where};
  }
  for (const Status &status : {checkNormalizer(*document), checkDecoder(*document)}) {
    if (!status) {
      return fail(status.failure());
    }
  }
  Expected<AddedTokens> added = AddedTokens::fromJson(*document);
  if (!added) {
    return fail(added.failure());
  }
  Expected<Bpe> bpe = Bpe::fromJson(*document, added->contents());
  if (!bpe) {
    return fail(bpe.failure());
  }
  Expected<PreTokenizer> preTokenizer = PreTokenizer::fromJson(*document);
  if (!preTokenizer) {
    return fail(preTokenizer.failure());
  }
  Tokenizer tokenizer(*std::move(added), *std::move(bpe), *std::move(preTokenizer));
  if (Status status = tokenizer.fillTable(); !status) {
    return fail(status.failure());
  }
  return tokenizer;
}

Status Tokenizer::fillTable() {
  TokenId largest = -1;
  size_t count = bpe.vocabulary().size() + added.all().size();
  for (const auto &[spelling, id] : bpe.vocabulary()) {
    largest = std::max(largest, id);
  }
  for (const AddedToken &token : added.all()) {
    largest = std::max(largest, token.id);
  }
  if (size_t(largest + 1) > count + maxGaps) {
    return Failure{"the largest id is " + std::to_string(largest) + ", but there are only " +
                   std::to_string(count) + " tokens"};
  }
  tokens.resize(size_t(largest + 1));
  auto put = [&](const std::string &spelling, TokenId id) -> Status {
    Token &token = tokens[id];
    if (token.known && token.spelling != spelling) {
      return Failure{"`" + token.spelling + "` and `" + spelling + "` have the same id " +
                     std::to_string(id)};
    }
    // What is not written in the alphabet of bytes stands for itself.
    token.bytes = bytesOfToken(spelling).value_or(spelling);
    token.spelling = spelling;
    token.known = true;
    return {};
  };
  for (const auto &[spelling, id] : bpe.vocabulary()) {
    if (Status status = put(spelling, id); !status) {
      return status;
    }
  }
  for (const AddedToken &token : added.all()) {
    auto found = bpe.vocabulary().find(token.content);
    if (found != bpe.vocabulary().end() && found->second != token.id) {
      return Failure{"`" + token.content + "` has the id " + std::to_string(token.id) +
                     " in added_tokens and " + std::to_string(found->second) +
                     " in the vocabulary"};
    }
    if (Status status = put(token.content, token.id); !status) {
      return status;
    }
    tokens[token.id].added = true;
    tokens[token.id].special |= token.special;
    addedIds[token.content] = token.id;
  }
  return {};
}

Expected<Tokenizer> Tokenizer::load(const std::filesystem::path &path) {
  std::error_code error;
  bool isDirectory = std::filesystem::is_directory(path, error);
  std::filesystem::path directory = isDirectory ? path : path.parent_path();
  std::filesystem::path file = isDirectory ? path / "tokenizer.json" : path;
  if (!std::filesystem::exists(file, error)) {
    if (std::filesystem::exists(directory / "tiktoken.model", error)) {
      return Failure{"the checkpoint has a tiktoken.model and no tokenizer.json, and tiktoken "
                     "vocabularies are not supported",
                     directory.string(),
                     "convert the tokenizer to tokenizer.json; generate and score take token ids "
                     "without one, with --ids"};
    }
    return Failure{"there is no tokenizer.json", path.string(),
                   "fetch it from where the checkpoint was published; generate and score take "
                   "token ids without one, with --ids"};
  }
  Expected<std::string> bytes = readFile(file, tokenizerLimit);
  if (!bytes) {
    return bytes.failure();
  }
  Expected<Tokenizer> tokenizer = parse(*bytes, file.string());
  if (!tokenizer) {
    return tokenizer;
  }
  Expected<TokenizerConfig> config = TokenizerConfig::load(directory);
  if (!config) {
    return config.failure();
  }
  tokenizer->settings = *std::move(config);
  return tokenizer;
}

Status Tokenizer::encodePlain(std::string_view text, std::vector<TokenId> &ids) const {
  Expected<std::vector<std::string>> words = preTokenizer.split(text);
  if (!words) {
    return words.status();
  }
  for (const std::string &word : *words) {
    bpe.encode(word, ids);
  }
  return {};
}

Status Tokenizer::encodeRun(std::string_view text, bool parseSpecial,
                            std::vector<TokenId> &ids) const {
  if (!parseSpecial) {
    return encodePlain(text, ids);
  }
  for (const AddedPiece &piece : added.split(text)) {
    if (piece.id >= 0) {
      ids.push_back(piece.id);
    } else if (Status status = encodePlain(piece.text, ids); !status) {
      return status;
    }
  }
  return {};
}

Expected<std::vector<TokenId>> Tokenizer::encode(std::string_view text, bool parseSpecial) const {
  std::vector<TokenId> ids;
  while (!text.empty()) {
    size_t good = validUtf8Prefix(text);
    if (good > 0) {
      if (Status status = encodeRun(text.substr(0, good), parseSpecial, ids); !status) {
        return status;
      }
      text.remove_prefix(good);
    }
    // Patterns see characters only; a run of stray bytes is a word by itself.
    size_t bad = 0;
    while (bad < text.size() && !decodeUtf8(text.substr(bad)).valid) {
      bad += decodeUtf8(text.substr(bad)).length;
    }
    if (bad > 0) {
      bpe.encode(text.substr(0, bad), ids);
      text.remove_prefix(bad);
    }
  }
  return ids;
}

Expected<std::vector<TokenId>> Tokenizer::encodeSegments(std::span<const Segment> segments) const {
  std::vector<TokenId> ids;
  for (const Segment &segment : segments) {
    Expected<std::vector<TokenId>> piece = encode(segment.text, segment.trusted);
    if (!piece) {
      return piece;
    }
    ids.insert(ids.end(), piece->begin(), piece->end());
  }
  return ids;
}

std::string Tokenizer::decode(std::span<const TokenId> ids, bool skipSpecial) const {
  std::string bytes;
  for (TokenId id : ids) {
    if (!(skipSpecial && isSpecial(id))) {
      bytes += bytesOf(id);
    }
  }
  return replaceInvalidUtf8(bytes);
}

bool Tokenizer::contains(TokenId id) const {
  return id >= 0 && size_t(id) < tokens.size() && tokens[id].known;
}

std::optional<TokenId> Tokenizer::idOf(const std::string &token) const {
  if (auto found = addedIds.find(token); found != addedIds.end()) {
    return found->second;
  }
  auto found = bpe.vocabulary().find(token);
  return found == bpe.vocabulary().end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::string_view> Tokenizer::tokenOf(TokenId id) const {
  return contains(id) ? std::optional<std::string_view>(tokens[id].spelling) : std::nullopt;
}

std::string_view Tokenizer::bytesOf(TokenId id) const {
  return contains(id) ? std::string_view(tokens[id].bytes) : std::string_view();
}

bool Tokenizer::isSpecial(TokenId id) const { return contains(id) && tokens[id].special; }

bool Tokenizer::isAdded(TokenId id) const { return contains(id) && tokens[id].added; }

std::optional<TokenId> Tokenizer::bosId() const {
  return settings.bosToken ? idOf(*settings.bosToken) : std::nullopt;
}

} // namespace dsv3::text
