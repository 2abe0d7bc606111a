//===- StringSearch.cpp - methods that look into strings ------------------===//
//
// str.split, find, startswith, isdigit, … Positions are counted in characters.
//
//===----------------------------------------------------------------------===//

#include "runtime/template/Characters.h"
#include "runtime/template/Runtime.h"
#include "runtime/template/Strings.h"

#include <algorithm>

namespace dsv3::text::jinja {

std::vector<Text> linesOf(const Text &text, bool keepEnds) {
  std::vector<Text> lines;
  size_t start = 0;
  const std::string &bytes = text.str();
  forEachCharacter(bytes, [&](size_t begin, size_t end, char32_t c) {
    // The second half of \r\n was taken with the first.
    if (begin < start || !isLineEnd(c)) {
      return;
    }
    size_t after = c == '\r' && end < bytes.size() && bytes[end] == '\n' ? end + 1 : end;
    lines.push_back(text.slice(start, keepEnds ? after : begin));
    start = after;
  });
  if (start < bytes.size()) {
    lines.push_back(text.slice(start, bytes.size()));
  }
  return lines;
}

std::vector<Text> wordsOf(const Text &text, int64_t limit) {
  std::vector<Text> words;
  size_t start = std::string::npos;
  bool rest = false;
  forEachCharacter(text.str(), [&](size_t begin, size_t, char32_t c) {
    if (rest) {
      return;
    }
    if (isSpace(c)) {
      if (start != std::string::npos) {
        words.push_back(text.slice(start, begin));
        start = std::string::npos;
      }
    } else if (start == std::string::npos) {
      start = begin;
      rest = limit >= 0 && int64_t(words.size()) == limit;
    }
  });
  if (start != std::string::npos) {
    // What follows the last allowed split keeps its inner white space.
    size_t end = rest ? strippedRange(text.str(), "", false, true).second : text.size();
    words.push_back(text.slice(start, limit >= 0 && rest ? text.size() : end));
  }
  return words;
}

static Value listOf(Runtime &runtime, std::vector<Text> texts) {
  runtime.checkProduct(texts.size(), 16);
  runtime.charge(texts.size());
  std::vector<Value> items;
  for (Text &text : texts) {
    items.emplace_back(std::move(text));
  }
  return Value::list(std::move(items));
}

static std::vector<Text> splitAt(const Text &text, const std::string &separator, int64_t limit) {
  std::vector<Text> parts;
  size_t done = 0;
  for (; limit != 0; --limit) {
    size_t at = text.str().find(separator, done);
    if (at == std::string::npos) {
      break;
    }
    parts.push_back(text.slice(done, at));
    done = at + separator.size();
  }
  parts.push_back(text.slice(done, text.size()));
  return parts;
}

static std::vector<Text> splitAtBack(const Text &text, const std::string &separator,
                                     int64_t limit) {
  std::vector<Text> parts;
  size_t end = text.size();
  for (; limit != 0 && end >= separator.size(); --limit) {
    size_t at = text.str().rfind(separator, end - separator.size());
    if (at == std::string::npos) {
      break;
    }
    parts.push_back(text.slice(at + separator.size(), end));
    end = at;
  }
  parts.push_back(text.slice(0, end));
  std::reverse(parts.begin(), parts.end());
  return parts;
}

/// rsplit() at white space with a limit: words from the back.
static std::vector<Text> wordsOfBack(const Text &text, int64_t limit) {
  std::vector<Text> words;
  std::string_view bytes = text.str();
  size_t end = strippedRange(bytes, "", false, true).second;
  while (end > 0) {
    size_t begin = 0;
    bool whole = limit >= 0 && int64_t(words.size()) == limit;
    if (!whole) {
      forEachCharacter(bytes.substr(0, end),
                       [&](size_t, size_t to, char32_t c) { begin = isSpace(c) ? to : begin; });
    }
    words.push_back(text.slice(begin, end));
    end = whole ? 0 : strippedRange(bytes.substr(0, begin), "", false, true).second;
  }
  std::reverse(words.begin(), words.end());
  return words;
}

static Value split(Runtime &runtime, const Value &self, const Arguments &arguments, bool back) {
  Bound bound(back ? "rsplit" : "split", arguments, {"sep", "maxsplit"});
  int64_t limit = bound.integer(1, -1);
  if (!bound.given(0)) {
    bool limited = back && limit >= 0;
    if (limited) {
      runtime.checkProduct(size_t(std::min<int64_t>(limit, int64_t(self.text().size()))), 64);
      runtime.charge(self.text().size() / 8 * size_t(std::min<int64_t>(limit, 999) + 1));
    }
    return listOf(runtime, limited ? wordsOfBack(self.text(), limit) : wordsOf(self.text(), limit));
  }
  std::string separator = bound.text(0, "").str();
  if (separator.empty()) {
    raiseValue("empty separator");
  }
  return listOf(runtime, back ? splitAtBack(self.text(), separator, limit)
                              : splitAt(self.text(), separator, limit));
}

static Value partition(const Value &self, const Arguments &arguments, bool back) {
  Bound bound(back ? "rpartition" : "partition", arguments, {"sep"}, 1);
  Text separator = bound.text(0, "");
  if (separator.empty()) {
    raiseValue("empty separator");
  }
  const Text &text = self.text();
  size_t at = back ? text.str().rfind(separator.str()) : text.str().find(separator.str());
  if (at == std::string::npos) {
    Value none = Value(Text());
    return back ? Value::tuple({none, none, self}) : Value::tuple({self, none, none});
  }
  return Value::tuple(
      {text.slice(0, at), separator, text.slice(at + separator.size(), text.size())});
}

/// The bytes of self[start:end], and where they begin.
static std::pair<std::string_view, size_t> window(const Value &self, const Bound &bound) {
  std::string_view text = self.str();
  if (!bound.given(1) && !bound.given(2)) {
    return {text, 0};
  }
  std::vector<size_t> offsets = characterOffsets(text);
  int64_t size = int64_t(offsets.size()) - 1;
  auto place = [&](size_t index, int64_t fallback) {
    int64_t at = bound.given(index) ? bound.integer(index, 0) : fallback;
    return std::clamp<int64_t>(at < 0 ? at + size : at, 0, size);
  };
  size_t begin = offsets[size_t(place(1, 0))], end = offsets[size_t(place(2, size))];
  return {text.substr(begin, end < begin ? 0 : end - begin), begin};
}

static Value find(const char *name, const Value &self, const Arguments &arguments, bool back,
                  bool must) {
  Bound bound(name, arguments, {"sub", "start", "end"}, 1);
  std::string wanted = bound.text(0, "").str();
  auto [text, begin] = window(self, bound);
  size_t at = back ? text.rfind(wanted) : text.find(wanted);
  if (at != std::string_view::npos) {
    return int64_t(characterCount(std::string_view(self.str()).substr(0, begin + at)));
  }
  if (must) {
    raiseValue("substring not found");
  }
  return int64_t(-1);
}

static Value count(Runtime &, const Value &self, const Arguments &arguments) {
  Bound bound("count", arguments, {"sub", "start", "end"}, 1);
  std::string wanted = bound.text(0, "").str();
  std::string_view text = window(self, bound).first;
  if (wanted.empty()) {
    return int64_t(characterCount(text)) + 1;
  }
  int64_t found = 0;
  for (size_t at = text.find(wanted); at != std::string_view::npos;
       at = text.find(wanted, at + wanted.size())) {
    ++found;
  }
  return found;
}

static Value affix(const Value &self, const Arguments &arguments, bool prefix) {
  const char *name = prefix ? "startswith" : "endswith";
  Bound bound(name, arguments, {"affix", "start", "end"}, 1);
  std::string_view text = window(self, bound).first;
  auto fits = [&](const Value &value) {
    Runtime::requireDefined(value);
    if (!value.isString()) {
      raiseType(std::string(name) + " first arg must be str or a tuple of str, not " +
                typeName(value));
    }
    return prefix ? text.starts_with(value.str()) : text.ends_with(value.str());
  };
  const Value &wanted = *bound.get(0);
  if (wanted.isTuple()) {
    return std::any_of(wanted.items().begin(), wanted.items().end(), fits);
  }
  return fits(wanted);
}

static Value splitLines(Runtime &runtime, const Value &self, const Arguments &arguments) {
  Bound bound("splitlines", arguments, {"keepends"});
  return listOf(runtime, linesOf(self.text(), bound.boolean(0, false)));
}

/// Whether the string is not empty and all its characters are of a kind.
template <bool (*Kind)(char32_t)>
static Value all(Runtime &, const Value &self, const Arguments &) {
  bool result = !self.text().empty();
  forEachCharacter(self.str(), [&](size_t, size_t, char32_t c) { result = result && Kind(c); });
  return result;
}

static bool isAlphaNumeric(char32_t c) { return isAlpha(c) || isNumeric(c); }

/// Whether there are letters of case `Wanted` and none of case `Other`.
template <bool (*Wanted)(char32_t), bool (*Other)(char32_t)>
static Value allCased(Runtime &, const Value &self, const Arguments &) {
  bool some = false, other = false;
  forEachCharacter(self.str(), [&](size_t, size_t, char32_t c) {
    some = some || Wanted(c);
    other = other || Other(c);
  });
  return some && !other;
}

static Value isTitle(Runtime &, const Value &self, const Arguments &) {
  bool good = true, some = false, inWord = false;
  forEachCharacter(self.str(), [&](size_t, size_t, char32_t c) {
    bool upper = isUpper(c), lower = isLower(c);
    good = good && !(upper && inWord) && !(lower && !inWord);
    inWord = upper || lower;
    some = some || inWord;
  });
  return good && some;
}

static Value isIdentifier(Runtime &, const Value &self, const Arguments &) {
  bool good = !self.text().empty(), first = true;
  forEachCharacter(self.str(), [&](size_t, size_t, char32_t c) {
    good = good && (isAlpha(c) || c == '_' || (!first && isDecimal(c)));
    first = false;
  });
  return good;
}

static Value isAscii(Runtime &, const Value &self, const Arguments &) {
  return std::all_of(self.str().begin(), self.str().end(),
                     [](char c) { return uint8_t(c) < 0x80; });
}

static Value isPrintableMethod(Runtime &, const Value &self, const Arguments &) {
  bool result = true;
  forEachCharacter(self.str(),
                   [&](size_t, size_t, char32_t c) { result = result && isPrintable(c); });
  return result;
}

std::span<const MethodEntry> stringSearchMethods() {
  static constexpr MethodEntry methods[] = {
      {"split",
       [](Runtime &r, const Value &s, const Arguments &a) { return split(r, s, a, false); }},
      {"rsplit",
       [](Runtime &r, const Value &s, const Arguments &a) { return split(r, s, a, true); }},
      {"splitlines", splitLines},
      {"partition",
       [](Runtime &, const Value &s, const Arguments &a) { return partition(s, a, false); }},
      {"rpartition",
       [](Runtime &, const Value &s, const Arguments &a) { return partition(s, a, true); }},
      {"find", [](Runtime &, const Value &s,
                  const Arguments &a) { return find("find", s, a, false, false); }},
      {"rfind", [](Runtime &, const Value &s,
                   const Arguments &a) { return find("rfind", s, a, true, false); }},
      {"index", [](Runtime &, const Value &s,
                   const Arguments &a) { return find("index", s, a, false, true); }},
      {"rindex", [](Runtime &, const Value &s,
                    const Arguments &a) { return find("rindex", s, a, true, true); }},
      {"count", count},
      {"startswith",
       [](Runtime &, const Value &s, const Arguments &a) { return affix(s, a, true); }},
      {"endswith",
       [](Runtime &, const Value &s, const Arguments &a) { return affix(s, a, false); }},
      {"isalpha", all<isAlpha>},
      {"isdigit", all<isDigit>},
      {"isdecimal", all<isDecimal>},
      {"isnumeric", all<isNumeric>},
      {"isalnum", all<isAlphaNumeric>},
      {"isspace", all<isSpace>},
      {"isupper", allCased<isUpper, isLower>},
      {"islower", allCased<isLower, isUpper>},
      {"istitle", isTitle},
      {"isidentifier", isIdentifier},
      {"isascii", isAscii},
      {"isprintable", isPrintableMethod}};
  return methods;
}

} // namespace dsv3::text::jinja
