//===- StringLiteral.cpp - escapes in string literals ---------------------===//

#include "runtime/template/StringLiteral.h"

#include "runtime/tokenizer/Utf8.h"

#include <cstdio>

namespace dsv3::text::jinja {

/// Value of a hexadecimal digit, or -1.
static int hexDigit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  char lower = char(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// Reads `count` digits after \x, \u or \U at `at`, and moves behind them.
static Status appendHex(std::string_view text, size_t &at, char mark, size_t count,
                        std::string &out) {
  char32_t c = 0;
  for (size_t i = 0; i < count; ++i, ++at) {
    int digit = at < text.size() ? hexDigit(text[at]) : -1;
    if (digit < 0) {
      return Failure{std::string("truncated \\") + mark + std::string(count, 'X') + " escape"};
    }
    c = c << 4 | char32_t(digit);
  }
  if (c > 0x10FFFF) {
    return Failure{"illegal Unicode character"};
  }
  appendUtf8(out, c);
  return {};
}

/// The character that a letter after a backslash stands for, or -1.
static int simpleEscape(char c) {
  switch (c) {
  case '\\':
  case '\'':
  case '"':
    return c;
  case 'a':
    return 7;
  case 'b':
    return 8;
  case 'f':
    return 12;
  case 'n':
    return 10;
  case 'r':
    return 13;
  case 't':
    return 9;
  case 'v':
    return 11;
  default:
    return -1;
  }
}

Expected<std::string> unescapeLiteral(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    if (text[at] != '\\' || at + 1 == text.size()) {
      out += text[at++];
      continue;
    }
    char mark = text[at + 1];
    at += 2;
    if (int simple = simpleEscape(mark); simple >= 0) {
      out += char(simple);
    } else if (mark >= '0' && mark <= '7') {
      char32_t c = char32_t(mark - '0');
      for (int i = 0; i < 2 && at < text.size() && text[at] >= '0' && text[at] <= '7'; ++i) {
        c = c * 8 + char32_t(text[at++] - '0');
      }
      appendUtf8(out, c);
    } else if (mark == 'x' || mark == 'u' || mark == 'U') {
      if (Status status = appendHex(text, at, mark,
                                    mark == 'x'   ? 2
                                    : mark == 'u' ? 4
                                                  : 8,
                                    out);
          !status) {
        return status;
      }
    } else if (mark == 'N') {
      return Failure{"the escape \\N{name} is not supported"};
    } else if (mark == '\n') {
      // A line that is continued.
    } else if (uint8_t(mark) >= 0x80) {
      // Jinja turns what is not ASCII into an escape first, and the backslash
      // before it then escapes that escape.
      Utf8Step step = decodeUtf8(text.substr(at - 1));
      char buffer[16];
      std::snprintf(buffer, sizeof buffer,
                    step.codePoint < 0x100     ? "\\x%02x"
                    : step.codePoint < 0x10000 ? "\\u%04x"
                                               : "\\U%08x",
                    unsigned(step.codePoint));
      out += buffer;
      at += step.length - 1U;
    } else {
      out += '\\';
      out += mark;
    }
  }
  return out;
}

} // namespace dsv3::text::jinja
