//===- BpeJson.cpp - vocabulary and merges from tokenizer.json ------------===//

#include "runtime/tokenizer/Bpe.h"
#include "runtime/tokenizer/ByteAlphabet.h"

namespace dsv3::text {

static Status inModel(Failure failure) {
  failure.where = failure.where.empty() ? "model" : "model, " + failure.where;
  return failure;
}

/// Refuses the options of BPE that a byte-level tokenizer does not use.
static Status checkOptions(const Json &model) {
  Expected<std::string> type = stringField(model, "type", "BPE");
  if (!type) {
    return type.status();
  }
  if (*type != "BPE") {
    return Failure{"`type` must be BPE, found `" + *type + "`"};
  }
  if (const Json *dropout = findField(model, "dropout");
      dropout && !(dropout->is_number() && dropout->get<double>() == 0)) {
    return Failure{"`dropout` makes encodings random and is not supported"};
  }
  for (const char *key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    Expected<std::string> affix = stringField(model, key, "");
    if (!affix) {
      return affix.status();
    }
    if (!affix->empty()) {
      return Failure{std::string("`") + key + "` is not supported, found `" + *affix + "`"};
    }
  }
  Expected<bool> fallback = boolField(model, "byte_fallback", false);
  if (!fallback) {
    return fallback.status();
  }
  if (*fallback) {
    return Failure{"`byte_fallback` is not supported", "", "only byte-level BPE is"};
  }
  return {};
}

Status Bpe::readVocabulary(const Json &model) {
  const Json *entries = findField(model, "vocab");
  if (!entries || !entries->is_object()) {
    return Failure{"`vocab` must be an object of token to id"};
  }
  vocab.reserve(entries->size());
  for (const auto &[token, id] : entries->items()) {
    if (!id.is_number_integer() || id < 0 || id > maxTokenId) {
      return Failure{"the id of `" + token + "` must be an integer from 0 to " +
                         std::to_string(maxTokenId) + ", found " + id.dump(),
                     "vocab"};
    }
    vocab[token] = id.get<TokenId>();
  }
  for (int byte = 0; byte < 256; ++byte) {
    auto found = vocab.find(characterOfByte(uint8_t(byte)));
    byteTokens[byte] = found == vocab.end() ? -1 : found->second;
  }
  return {};
}

/// The two halves of a merge: "a b" or ["a", "b"].
static Expected<std::pair<std::string, std::string>> halvesOf(const Json &merge) {
  if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
    return std::pair(merge[0].get<std::string>(), merge[1].get<std::string>());
  }
  if (merge.is_string()) {
    auto text = merge.get<std::string>();
    size_t space = text.find(' ');
    if (space != std::string::npos && text.find(' ', space + 1) == std::string::npos) {
      return std::pair(text.substr(0, space), text.substr(space + 1));
    }
  }
  return Failure{"expected \"left right\" or [\"left\", \"right\"], found " +
                 merge.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 100)};
}

Status Bpe::readMerges(const Json &model, const std::unordered_set<std::string> &added) {
  const Json *list = findField(model, "merges");
  if (!list || !list->is_array()) {
    return Failure{"`merges` must be a list"};
  }
  merges = MergeTable(list->size());
  uint32_t rank = 0;
  for (const Json &entry : *list) {
    // Files of old versions open with a comment.
    if (entry.is_string() && entry.get_ref<const std::string &>().starts_with("#version")) {
      continue;
    }
    std::string where = "merges[" + std::to_string(rank) + "]";
    auto halves = halvesOf(entry);
    if (!halves) {
      return Failure{halves.failure().what, where};
    }
    std::string whole = halves->first + halves->second;
    TokenId ids[3];
    int at = 0;
    for (const auto &token : {halves->first, halves->second, whole}) {
      auto found = vocab.find(token);
      if (found == vocab.end()) {
        return Failure{"`" + token + "` is not in the vocabulary", where};
      }
      ids[at++] = found->second;
    }
    if (!added.contains(whole)) {
      merges.insert(ids[0], ids[1], rank, ids[2]);
    }
    ++rank;
  }
  return {};
}

Expected<Bpe> Bpe::fromJson(const Json &document, const std::unordered_set<std::string> &added) {
  const Json *model = findField(document, "model");
  if (!model || !model->is_object()) {
    return Failure{"`model` must be an object"};
  }
  Bpe bpe;
  if (Status status = checkOptions(*model); !status) {
    return inModel(status.failure());
  }
  if (Status status = bpe.readVocabulary(*model); !status) {
    return inModel(status.failure());
  }
  if (Status status = bpe.readMerges(*model, added); !status) {
    return inModel(status.failure());
  }
  Expected<bool> fuse = boolField(*model, "fuse_unk", false);
  Expected<bool> ignoreMerges = boolField(*model, "ignore_merges", false);
  Expected<std::string> unknown = stringField(*model, "unk_token", "");
  if (!fuse || !ignoreMerges || !unknown) {
    return inModel((!fuse           ? fuse.status()
                    : !ignoreMerges ? ignoreMerges.status()
                                    : unknown.status())
                       .failure());
  }
  bpe.fuseUnknown = *fuse;
  if (!unknown->empty()) {
    auto found = bpe.vocab.find(*unknown);
    if (found == bpe.vocab.end()) {
      return inModel({"`unk_token` names `" + *unknown + "`, which is not in the vocabulary"});
    }
    bpe.unknown = found->second;
  }
  if (*ignoreMerges) {
    for (const auto &[token, id] : bpe.vocab) {
      std::optional<std::string> bytes = bytesOfToken(token);
      if (bytes && !added.contains(token)) {
        bpe.wholeWords.emplace(*std::move(bytes), id);
      }
    }
  }
  return bpe;
}

} // namespace dsv3::text
