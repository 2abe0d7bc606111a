//===- RegexSyntax.cpp - from Oniguruma's syntax to PCRE2's ---------------===//
//
// Differences that matter to pre-tokenizers: \w and \h have other meanings,
// \p{Script} means the script (not its extensions), POSIX brackets follow
// Unicode, {n,m}+ is greedy (not possessive), and a [ within a class opens a
// nested class. The last and && are refused: PCRE2 10.42 has neither.
//
//===----------------------------------------------------------------------===//

#include "runtime/tokenizer/Regex.h"
#include "runtime/tokenizer/Utf8.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace dsv3::text {

// What Oniguruma calls a word character, a symbol of punctuation, and so on.
static constexpr std::string_view wordClass = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}";
static constexpr std::string_view hexClass = "0-9a-fA-F";

static Failure refuse(std::string what, std::string_view pattern) {
  return {"a pattern uses " + std::move(what), "pattern " + std::string(pattern),
          "this tokenizer needs a regular expression that PCRE2 cannot run"};
}

/// Unicode's meaning of [:name:], or nothing.
static std::string_view posixClass(std::string_view name) {
  struct Entry {
    std::string_view name, members;
  };
  static constexpr Entry entries[] = {{"alpha", "\\p{Alphabetic}"},
                                      {"alnum", "\\p{Alphabetic}\\p{Nd}"},
                                      {"digit", "\\p{Nd}"},
                                      {"lower", "\\p{Lowercase}"},
                                      {"upper", "\\p{Uppercase}"},
                                      {"punct", "\\p{P}\\p{S}"},
                                      {"space", "\\s"},
                                      {"word", wordClass},
                                      {"xdigit", hexClass}};
  auto found = std::find_if(std::begin(entries), std::end(entries),
                            [&](const Entry &entry) { return entry.name == name; });
  return found == std::end(entries) ? std::string_view() : found->members;
}

/// \p{Name}: general categories have one or two letters, other names are scripts
/// or binary properties. Returns how much of `rest` ("{Name}…") was read.
static size_t translateProperty(std::string_view rest, char letter, std::string &out) {
  size_t close = rest.find('}');
  if (rest.empty() || rest[0] != '{' || close == std::string_view::npos) {
    out += '\\';
    out += letter;
    return 0;
  }
  std::string_view name = rest.substr(1, close - 1);
  bool negated = !name.empty() && name[0] == '^';
  std::string_view plain = negated ? name.substr(1) : name;
  static constexpr std::string_view binary[] = {"Any",       "Alphabetic",  "Lowercase",
                                                "Uppercase", "White_Space", "Emoji"};
  bool script = plain.size() > 2 &&
                std::find(std::begin(binary), std::end(binary), plain) == std::end(binary);
  out += '\\';
  out += negated == (letter == 'p') ? 'P' : 'p';
  out += script ? "{sc:" : "{";
  out += plain;
  out += '}';
  return close + 1;
}

Expected<std::string> translatePattern(std::string_view pattern) {
  std::string out;
  bool inClass = false;
  size_t classStart = 0;
  for (size_t at = 0; at < pattern.size(); ++at) {
    char c = pattern[at];
    std::string_view rest = pattern.substr(at + 1);
    if (c == '\\' && !rest.empty()) {
      char escaped = rest[0];
      ++at;
      if (escaped == 'w' || escaped == 'h') {
        std::string_view members = escaped == 'w' ? wordClass : hexClass;
        out += inClass ? std::string(members) : "[" + std::string(members) + "]";
      } else if (escaped == 'W' || escaped == 'H') {
        if (inClass) {
          return refuse(std::string("\\") + escaped + " within a class", pattern);
        }
        out += "[^" + std::string(escaped == 'W' ? wordClass : hexClass) + "]";
      } else if (escaped == 'p' || escaped == 'P') {
        at += translateProperty(rest.substr(1), escaped, out);
      } else {
        // With what is in its braces, as in \x{3000}.
        size_t close = rest.size() > 1 && rest[1] == '{' ? rest.find('}') : 0;
        size_t length = close == std::string_view::npos ? 1 : close + 1;
        out += c;
        out += rest.substr(0, length);
        at += length - 1;
      }
    } else if (inClass && c == '[') {
      size_t close = rest.find(":]");
      if (rest.empty() || rest[0] != ':' || close == std::string_view::npos) {
        return refuse("a class within a class", pattern);
      }
      std::string_view members = posixClass(rest.substr(1, close - 1));
      if (members.empty()) {
        return refuse("the class [" + std::string(rest.substr(0, close + 2)), pattern);
      }
      out += members;
      at += close + 2;
    } else if (inClass && c == '&' && !rest.empty() && rest[0] == '&') {
      return refuse("&& (an intersection of classes)", pattern);
    } else if (inClass) {
      out += c;
      inClass = c != ']' || at == classStart;
    } else if (c == '[') {
      out += c;
      if (!rest.empty() && rest[0] == '^') {
        out += '^';
        ++at;
      }
      inClass = true;
      classStart = at + 1;
    } else if (c == '}' && !rest.empty() && rest[0] == '+') {
      return refuse("a repeated repetition, {n,m}+", pattern);
    } else {
      out += c;
    }
  }
  return out;
}

namespace {
struct StandIn {
  char32_t first, last, standIn;
};
} // namespace

static constexpr StandIn standIns[] = {
#include "runtime/tokenizer/StandIns.inc"
};

std::string withStandIns(std::string_view text) {
  std::string result(text);
  std::string replacement;
  for (size_t at = 0; at < text.size();) {
    // The table starts beyond what two bytes can encode.
    if (uint8_t(text[at]) < 0xE0) {
      ++at;
      continue;
    }
    Utf8Step step = decodeUtf8(text.substr(at));
    const StandIn *found =
        std::lower_bound(std::begin(standIns), std::end(standIns), step.codePoint,
                         [](const StandIn &entry, char32_t c) { return entry.last < c; });
    if (found != std::end(standIns) && found->first <= step.codePoint) {
      replacement.clear();
      appendUtf8(replacement, found->standIn);
      result.replace(at, step.length, replacement);
    }
    at += step.length;
  }
  return result;
}

} // namespace dsv3::text
