//===- AddedTokens.cpp - tokens found before anything else ----------------===//

#include "runtime/tokenizer/AddedTokens.h"

#include "runtime/tokenizer/Utf8.h"

#include <algorithm>

namespace dsv3::text {

static Expected<AddedToken> readToken(const Json &entry) {
  AddedToken token;
  const Json *id = findField(entry, "id");
  if (!id || !id->is_number_integer() || *id < 0 || *id > maxTokenId) {
    return Failure{"`id` must be an integer from 0 to " + std::to_string(maxTokenId)};
  }
  token.id = id->get<TokenId>();
  const Json *content = findField(entry, "content");
  if (!content || !content->is_string()) {
    return Failure{"`content` must be a string"};
  }
  token.content = content->get<std::string>();
  const std::pair<const char *, bool *> flags[] = {{"special", &token.special},
                                                   {"single_word", &token.singleWord},
                                                   {"lstrip", &token.lstrip},
                                                   {"rstrip", &token.rstrip},
                                                   {"normalized", &token.normalized}};
  for (auto [key, flag] : flags) {
    Expected<bool> value = boolField(entry, key, false);
    if (!value) {
      return value.failure();
    }
    *flag = *value;
  }
  return token;
}

Expected<AddedTokens> AddedTokens::fromJson(const Json &document) {
  AddedTokens result;
  const Json *list = findField(document, "added_tokens");
  if (!list) {
    return result;
  }
  if (!list->is_array()) {
    return Failure{"`added_tokens` must be a list"};
  }
  for (const Json &entry : *list) {
    Expected<AddedToken> token = readToken(entry);
    if (!token) {
      return Failure{token.failure().what,
                     "added_tokens[" + std::to_string(result.tokens.size()) + "]"};
    }
    if (token->singleWord && !result.word) {
      Expected<Regex> word = Regex::compile("[\\w\\x{200C}\\x{200D}]");
      if (!word) {
        return word.failure();
      }
      result.word = *std::move(word);
    }
    if (!token->content.empty()) {
      (token->normalized ? result.second : result.first).push_back(uint32_t(result.tokens.size()));
    }
    result.tokens.push_back(*std::move(token));
  }
  for (Group *group : {&result.first, &result.second}) {
    std::stable_sort(group->begin(), group->end(), [&](uint32_t a, uint32_t b) {
      return result.tokens[a].content < result.tokens[b].content;
    });
  }
  return result;
}

std::unordered_set<std::string> AddedTokens::contents() const {
  std::unordered_set<std::string> result;
  for (const AddedToken &token : tokens) {
    result.insert(token.content);
  }
  return result;
}

const AddedToken *AddedTokens::longestAt(const Group &group, std::string_view text) const {
  // Sorted contents that share their first `depth` bytes with the text are
  // neighbours: narrow them down byte by byte.
  auto begin = group.begin(), end = group.end();
  const AddedToken *best = nullptr;
  auto byteAt = [&](uint32_t index, size_t depth) {
    const std::string &content = tokens[index].content;
    return depth < content.size() ? int(uint8_t(content[depth])) : -1;
  };
  for (size_t depth = 0; begin != end && depth <= text.size(); ++depth) {
    if (tokens[*begin].content.size() == depth) {
      best = &tokens[*begin];
    }
    if (depth == text.size()) {
      break;
    }
    int byte = uint8_t(text[depth]);
    begin = std::lower_bound(begin, end, byte,
                             [&](uint32_t i, int value) { return byteAt(i, depth) < value; });
    end = std::upper_bound(begin, end, byte,
                           [&](int value, uint32_t i) { return value < byteAt(i, depth); });
  }
  return best;
}

/// Unicode's White_Space.
static bool isSpace(char32_t c) {
  return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

/// Start of the last character of `text`. Precondition: not empty.
static size_t lastCharacter(std::string_view text) {
  size_t at = text.size() - 1;
  while (at > 0 && (uint8_t(text[at]) & 0xC0) == 0x80) {
    --at;
  }
  return at;
}

bool AddedTokens::isWord(std::string_view character) const {
  std::vector<Range> matches;
  Status status = word->findAll(withStandIns(character), matches);
  return status.ok() && !matches.empty();
}

bool AddedTokens::standsAlone(std::string_view text, size_t begin, size_t end) const {
  if (begin > 0 && isWord(text.substr(lastCharacter(text.substr(0, begin)),
                                      begin - lastCharacter(text.substr(0, begin))))) {
    return false;
  }
  return end == text.size() || !isWord(text.substr(end, decodeUtf8(text.substr(end)).length));
}

void AddedTokens::splitPiece(const Group &group, std::string_view text,
                             std::vector<AddedPiece> &out) const {
  size_t done = 0;
  for (size_t at = 0; at < text.size();) {
    const AddedToken *token = longestAt(group, text.substr(at));
    if (!token) {
      ++at;
      continue;
    }
    size_t begin = at, end = at + token->content.size();
    at = end;
    if (token->singleWord && !standsAlone(text, begin, end)) {
      continue;
    }
    while (token->lstrip && begin > done) {
      size_t last = lastCharacter(text.substr(0, begin));
      if (!isSpace(decodeUtf8(text.substr(last)).codePoint)) {
        break;
      }
      begin = last;
    }
    while (token->rstrip && end < text.size()) {
      Utf8Step step = decodeUtf8(text.substr(end));
      if (!isSpace(step.codePoint)) {
        break;
      }
      end += step.length;
    }
    if (begin > done) {
      out.push_back({text.substr(done, begin - done), -1});
    }
    out.push_back({text.substr(begin, end - begin), token->id});
    done = at = end;
  }
  if (done < text.size()) {
    out.push_back({text.substr(done), -1});
  }
}

std::vector<AddedPiece> AddedTokens::split(std::string_view text) const {
  std::vector<AddedPiece> pieces, result;
  splitPiece(first, text, pieces);
  if (second.empty()) {
    return pieces;
  }
  for (const AddedPiece &piece : pieces) {
    if (piece.id >= 0) {
      result.push_back(piece);
    } else {
      splitPiece(second, piece.text, result);
    }
  }
  return result;
}

} // namespace dsv3::text
