//===- Characters.cpp - the characters of a string ------------------------===//

#include "runtime/template/Characters.h"

#include "runtime/tokenizer/Regex.h"

#include <algorithm>
#include <iterator>

namespace dsv3::text::jinja {

namespace {
struct CaseRange {
  char32_t first, last;
  uint8_t step;
  int32_t difference;
};
struct CaseSpecial {
  char32_t from;
  char32_t to[3];
};
} // namespace

#include "runtime/template/CaseTables.inc"

size_t characterCount(std::string_view text) {
  size_t count = 0;
  forEachCharacter(text, [&](size_t, size_t, char32_t) { ++count; });
  return count;
}

std::vector<size_t> characterOffsets(std::string_view text) {
  std::vector<size_t> offsets;
  forEachCharacter(text, [&](size_t begin, size_t, char32_t) { offsets.push_back(begin); });
  offsets.push_back(text.size());
  return offsets;
}

/// Whether `c` belongs to a class of PCRE2. The pattern is compiled once.
static bool matches(const Expected<Regex> &regex, char32_t c) {
  std::string text;
  appendUtf8(text, c);
  std::vector<Range> found;
  return regex.ok() && regex->findAll(text, found).ok() && !found.empty();
}

bool isSpace(char32_t c) {
  return (c >= 9 && c <= 13) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

bool isAlpha(char32_t c) {
  if (c < 0x80) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  }
  static const Expected<Regex> regex = Regex::compile("\\p{L}");
  return matches(regex, c);
}

bool isDecimal(char32_t c) {
  if (c < 0x80) {
    return c >= '0' && c <= '9';
  }
  static const Expected<Regex> regex = Regex::compile("\\p{Nd}");
  return matches(regex, c);
}

bool isDigit(char32_t c) {
  // Superscripts and circled digits are digits without being decimal.
  return isDecimal(c) || c == 0xB2 || c == 0xB3 || c == 0xB9 || c == 0x2070 ||
         (c >= 0x2074 && c <= 0x2079) || (c >= 0x2080 && c <= 0x2089) ||
         (c >= 0x2460 && c <= 0x2468);
}

bool isNumeric(char32_t c) {
  static const Expected<Regex> regex = Regex::compile("\\p{N}");
  return matches(regex, c);
}

bool isPrintable(char32_t c) {
  if (c < 0x80) {
    return c >= 0x20 && c < 0x7F;
  }
  static const Expected<Regex> regex = Regex::compile("[\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}]");
  return matches(regex, c);
}

bool isUpper(char32_t c) {
  if (c < 0x80) {
    return c >= 'A' && c <= 'Z';
  }
  static const Expected<Regex> regex = Regex::compile("\\p{Uppercase}");
  return matches(regex, c);
}

bool isLower(char32_t c) {
  if (c < 0x80) {
    return c >= 'a' && c <= 'z';
  }
  static const Expected<Regex> regex = Regex::compile("\\p{Lowercase}");
  return matches(regex, c);
}

bool isLineEnd(char32_t c) {
  return (c >= 10 && c <= 13) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 ||
         c == 0x2029;
}

template <size_t N, size_t M>
static void appendMapped(std::string &out, char32_t c, const CaseRange (&ranges)[N],
                         const CaseSpecial (&specials)[M]) {
  for (const CaseSpecial &special : specials) {
    if (special.from == c) {
      for (char32_t to : special.to) {
        if (to != 0) {
          appendUtf8(out, to);
        }
      }
      return;
    }
  }
  auto found = std::lower_bound(std::begin(ranges), std::end(ranges), c,
                                [](const CaseRange &range, char32_t x) { return range.last < x; });
  bool mapped =
      found != std::end(ranges) && found->first <= c && (c - found->first) % found->step == 0;
  appendUtf8(out, mapped ? char32_t(int32_t(c) + found->difference) : c);
}

void appendCased(std::string &out, char32_t c, Case wanted) {
  if (c < 0x80) {
    bool lower = c >= 'a' && c <= 'z', upper = c >= 'A' && c <= 'Z';
    out += char(wanted == Case::Lower ? (upper ? c + 32 : c) : (lower ? c - 32 : c));
  } else if (wanted == Case::Upper) {
    appendMapped(out, c, upperRanges, upperSpecial);
  } else if (wanted == Case::Lower) {
    appendMapped(out, c, lowerRanges, lowerSpecial);
  } else {
    appendMapped(out, c, titleRanges, titleSpecial);
  }
}

/// Appends one character of `text` in another case; broken UTF-8 stays.
static void appendOne(Text &out, const Text &text, size_t begin, size_t end, char32_t c,
                      Case wanted) {
  if (!decodeUtf8(std::string_view(text.str()).substr(begin)).valid) {
    out.append(text, begin, end);
    return;
  }
  std::string bytes;
  appendCased(bytes, c, wanted);
  out.append(bytes, text.trustedAt(begin));
}

Text cased(const Text &text, Case wanted) {
  Text result;
  bool afterLetter = false;
  forEachCharacter(text.str(), [&](size_t begin, size_t end, char32_t c) {
    bool inner = wanted == Case::Title && afterLetter;
    // Sigma at the end of a word has a form of its own.
    if ((wanted == Case::Lower || inner) && c == 0x3A3 && afterLetter) {
      std::string_view rest = std::string_view(text.str()).substr(end);
      bool final = rest.empty() || !isAlpha(decodeUtf8(rest).codePoint);
      result.append(final ? "ς" : "σ", text.trustedAt(begin));
    } else {
      appendOne(result, text, begin, end, c, inner ? Case::Lower : wanted);
    }
    afterLetter = isAlpha(c);
  });
  return result;
}

Text capitalized(const Text &text) {
  if (text.empty()) {
    return text;
  }
  size_t first = decodeUtf8(text.str()).length;
  Text result = cased(text.slice(0, first), Case::Title);
  result.append(cased(text.slice(first, text.size()), Case::Lower));
  return result;
}

std::pair<size_t, size_t> strippedRange(std::string_view text, std::string_view characters,
                                        bool left, bool right) {
  auto drops = [&](size_t begin, size_t end, char32_t c) {
    if (characters.empty()) {
      return isSpace(c);
    }
    bool found = false;
    forEachCharacter(characters, [&](size_t from, size_t to, char32_t) {
      found |= characters.substr(from, to - from) == text.substr(begin, end - begin);
    });
    return found;
  };
  // From the ends inwards: the lexer asks at every token of a long text.
  size_t from = 0, to = text.size();
  while (left && from < to) {
    Utf8Step step = decodeUtf8(text.substr(from));
    if (!drops(from, from + step.length, step.codePoint)) {
      break;
    }
    from += step.length;
  }
  while (right && to > from) {
    size_t begin = to - 1;
    while (begin > from && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) {
      --begin;
    }
    if (!drops(begin, to, decodeUtf8(text.substr(begin, to - begin)).codePoint)) {
      break;
    }
    to = begin;
  }
  return {from, to};
}

} // namespace dsv3::text::jinja
