//===- Lexer.cpp - a template as tokens -----------------------------------===//

#include "runtime/template/Lexer.h"

#include "runtime/template/Characters.h"
#include "runtime/template/Print.h"
#include "runtime/template/StringLiteral.h"

#include <algorithm>
#include <optional>

namespace dsv3::text::jinja {

std::string Token::describe() const {
  switch (kind) {
  case TokenKind::Data:
    return "template data / text";
  case TokenKind::VariableBegin:
    return "begin of print statement";
  case TokenKind::VariableEnd:
    return "end of print statement";
  case TokenKind::BlockBegin:
    return "begin of statement block";
  case TokenKind::BlockEnd:
    return "end of statement block";
  case TokenKind::String:
    return "string";
  case TokenKind::Integer:
    return "integer";
  case TokenKind::Float:
    return "float";
  case TokenKind::Name:
  case TokenKind::Operator:
  case TokenKind::Error:
    return text;
  case TokenKind::End:
    break;
  }
  return "end of template";
}

/// Line ends as \n, and without the last one.
static std::string normalized(std::string_view source) {
  std::string text;
  for (size_t at = 0; at < source.size(); ++at) {
    if (source[at] == '\r') {
      at += at + 1 < source.size() && source[at + 1] == '\n' ? 1 : 0;
      text += '\n';
    } else {
      text += source[at];
    }
  }
  if (text.ends_with('\n')) {
    text.pop_back();
  }
  return text;
}

namespace {
class Lexer {
public:
  explicit Lexer(std::string source) : text(std::move(source)) {}
  std::vector<Token> run();

private:
  /// What follows the current position.
  std::string_view rest() const { return std::string_view(text).substr(at); }
  void emit(TokenKind kind, std::string value) { tokens.push_back({kind, std::move(value), line}); }
  /// Moves on, counting lines.
  void skip(size_t count);
  void skipSpace() { skip(strippedRange(rest(), "", true, false).first); }
  bool fail(std::string message) {
    emit(TokenKind::Error, std::move(message));
    return false;
  }
  void data(std::string_view piece, char sign, bool variable);
  bool root();
  std::optional<size_t> rawBegin() const;
  bool raw(size_t beginLength);
  bool comment();
  bool tag(bool block);
  size_t endLength(bool block) const;
  bool element();
  bool number();
  bool bracket(char c);

  std::string text;
  size_t at = 0;
  int line = 1;
  bool lineStarting = true;
  std::string open;
  std::vector<Token> tokens;
};
} // namespace

void Lexer::skip(size_t count) {
  line += int(std::count(text.begin() + std::ptrdiff_t(at),
                         text.begin() + std::ptrdiff_t(at + count), '\n'));
  at += count;
  if (count > 0) {
    lineStarting = text[at - 1] == '\n';
  }
}

/// Emits the text before a tag whose sign is `sign`, stripped as that asks for.
void Lexer::data(std::string_view piece, char sign, bool variable) {
  if (sign == '-') {
    piece = piece.substr(0, strippedRange(piece, "", false, true).second);
  } else if (sign != '+' && !variable) {
    size_t newline = piece.rfind('\n');
    size_t from = newline == std::string_view::npos ? 0 : newline + 1;
    bool blank = strippedRange(piece.substr(from), "", true, false).first == piece.size() - from;
    if ((from > 0 || lineStarting) && blank) {
      piece = piece.substr(0, from);
    }
  }
  if (!piece.empty()) {
    emit(TokenKind::Data, std::string(piece));
  }
}

static bool isSign(char c) { return c == '-' || c == '+'; }

/// Length of `{% raw %}` at the current position, if it stands there.
std::optional<size_t> Lexer::rawBegin() const {
  std::string_view tail = rest();
  auto space = [&] { tail.remove_prefix(strippedRange(tail, "", true, false).first); };
  tail.remove_prefix(2);
  if (!tail.empty() && isSign(tail[0])) {
    tail.remove_prefix(1);
  }
  space();
  if (!tail.starts_with("raw")) {
    return std::nullopt;
  }
  tail.remove_prefix(3);
  space();
  if (tail.starts_with("-%}")) {
    tail.remove_prefix(3);
    space();
  } else if (tail.starts_with("%}")) {
    tail.remove_prefix(2);
  } else {
    return std::nullopt;
  }
  return text.size() - tail.size() - at;
}

/// Text up to the next tag, and the tag. Returns false at the end or an error.
bool Lexer::root() {
  size_t tagAt = at;
  for (;; ++tagAt) {
    tagAt = text.find('{', tagAt);
    if (tagAt == std::string::npos || tagAt + 1 == text.size()) {
      if (at < text.size()) {
        emit(TokenKind::Data, text.substr(at));
      }
      skip(text.size() - at);
      emit(TokenKind::End, "");
      return false;
    }
    char second = text[tagAt + 1];
    if (second == '{' || second == '%' || second == '#') {
      break;
    }
  }
  char kind = text[tagAt + 1];
  char sign = tagAt + 2 < text.size() && isSign(text[tagAt + 2]) ? text[tagAt + 2] : char(0);
  data(std::string_view(text).substr(at, tagAt - at), sign, kind == '{');
  skip(tagAt - at);
  if (kind == '%') {
    if (auto length = rawBegin()) {
      return raw(*length);
    }
  }
  size_t length = sign != 0 ? 3 : 2;
  if (kind == '#') {
    skip(length);
    return comment();
  }
  emit(kind == '{' ? TokenKind::VariableBegin : TokenKind::BlockBegin, "");
  skip(length);
  return tag(kind == '%');
}

/// Everything up to `{% endraw %}` is text.
bool Lexer::raw(size_t beginLength) {
  skip(beginLength);
  for (size_t end = text.find("{%", at); end != std::string::npos; end = text.find("{%", end + 1)) {
    std::string_view tail = std::string_view(text).substr(end + 2);
    char sign = !tail.empty() && isSign(tail[0]) ? tail[0] : char(0);
    tail.remove_prefix(sign != 0 ? 1 : 0);
    tail.remove_prefix(strippedRange(tail, "", true, false).first);
    if (!tail.starts_with("endraw")) {
      continue;
    }
    tail.remove_prefix(6);
    tail.remove_prefix(strippedRange(tail, "", true, false).first);
    bool minus = tail.starts_with("-%}"), plus = tail.starts_with("+%}");
    if (!minus && !plus && !tail.starts_with("%}")) {
      continue;
    }
    data(std::string_view(text).substr(at, end - at), sign, false);
    tail.remove_prefix(minus || plus ? 3 : 2);
    skip(text.size() - tail.size() - at);
    if (minus) {
      skipSpace();
    } else if (!plus && rest().starts_with('\n')) {
      skip(1);
    }
    return true;
  }
  if (at < text.size()) {
    return fail("Missing end of raw directive");
  }
  emit(TokenKind::End, "");
  return false;
}

bool Lexer::comment() {
  size_t end = text.find("#}", at);
  if (end == std::string::npos) {
    if (at < text.size()) {
      return fail("Missing end of comment tag");
    }
    emit(TokenKind::End, "");
    return false;
  }
  char sign = end > at && isSign(text[end - 1]) ? text[end - 1] : char(0);
  skip(end + 2 - at);
  if (sign == '-') {
    skipSpace();
  } else if (sign == 0 && rest().starts_with('\n')) {
    skip(1);
  }
  return true;
}

/// Length of the end of a tag at the current position, or 0.
size_t Lexer::endLength(bool block) const {
  std::string_view end = block ? "%}" : "}}", tail = rest();
  if (tail.starts_with(end)) {
    return 2;
  }
  bool sign = !tail.empty() && (tail[0] == '-' || (block && tail[0] == '+'));
  return sign && tail.substr(1).starts_with(end) ? 3 : 0;
}

/// The inside of a tag, up to and with its end.
bool Lexer::tag(bool block) {
  open.clear();
  while (at < text.size()) {
    size_t length = endLength(block);
    if (length != 0 && open.empty()) {
      char sign = text[at];
      emit(block ? TokenKind::BlockEnd : TokenKind::VariableEnd, "");
      skip(length);
      if (sign == '-') {
        skipSpace();
      } else if (block && sign == '%' && rest().starts_with('\n')) {
        skip(1);
      }
      return true;
    }
    size_t blank = strippedRange(rest(), "", true, false).first;
    if (blank > 0) {
      skip(blank);
    } else if (!element()) {
      return false;
    }
  }
  emit(TokenKind::End, "");
  return false;
}

static bool isDigit(char c) { return c >= '0' && c <= '9'; }

/// Length of digits, single underscores allowed between them.
static size_t digitRun(std::string_view text, bool (*digit)(char)) {
  size_t length = 0;
  while (length < text.size() &&
         (digit(text[length]) || (length > 0 && text[length] == '_' && length + 1 < text.size() &&
                                  digit(text[length + 1]) && text[length - 1] != '_'))) {
    ++length;
  }
  return length;
}

bool Lexer::number() {
  std::string_view tail = rest();
  auto finish = [&](TokenKind kind, size_t length) {
    std::string digits(tail.substr(0, length));
    std::erase(digits, '_');
    emit(kind, digits);
    skip(length);
    return true;
  };
  size_t whole = digitRun(tail, isDigit);
  size_t length = whole;
  bool afterDot = at > 0 && text[at - 1] == '.';
  if (!afterDot) {
    if (length < tail.size() && tail[length] == '.') {
      size_t fraction = digitRun(tail.substr(length + 1), isDigit);
      length += fraction > 0 ? fraction + 1 : 0;
    }
    if (length < tail.size() && (tail[length] == 'e' || tail[length] == 'E')) {
      size_t sign = length + 1 < tail.size() && isSign(tail[length + 1]) ? 1 : 0;
      size_t exponent = digitRun(tail.substr(std::min(length + 1 + sign, tail.size())), isDigit);
      length += exponent > 0 ? 1 + sign + exponent : 0;
    }
    if (length > whole) {
      return finish(TokenKind::Float, length);
    }
  }
  if (tail.size() > 2 && tail[0] == '0') {
    char mark = char(tail[1] | 0x20);
    bool (*digit)(char) =
        mark == 'b'   ? [](char c) { return c == '0' || c == '1'; }
        : mark == 'o' ? [](char c) { return c >= '0' && c <= '7'; }
        : mark == 'x'
            ? [](char c) { return isDigit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); }
            : static_cast<bool (*)(char)>(nullptr);
    size_t digits = digit ? digitRun(tail.substr(tail[2] == '_' ? 3 : 2), digit) : 0;
    if (digits > 0) {
      return finish(TokenKind::Integer, digits + (tail[2] == '_' ? 3 : 2));
    }
  }
  if (tail[0] == '0') { // zeros only: 01 is two numbers
    whole = digitRun(tail, [](char c) { return c == '0'; });
  }
  return finish(TokenKind::Integer, whole);
}

/// Checks that brackets pair up. Returns false on an error.
bool Lexer::bracket(char c) {
  if (c == '{' || c == '(' || c == '[') {
    open += c == '{' ? '}' : c == '(' ? ')' : ']';
  } else if (c == '}' || c == ')' || c == ']') {
    if (open.empty()) {
      return fail(std::string("unexpected '") + c + "'");
    }
    char expected = open.back();
    open.pop_back();
    if (expected != c) {
      return fail(std::string("unexpected '") + c + "', expected '" + expected + "'");
    }
  }
  return true;
}

/// One number, name, string or operator.
bool Lexer::element() {
  std::string_view tail = rest();
  if (isDigit(tail[0])) {
    return number();
  }
  size_t length = 0;
  bool identifier = true;
  while (length < tail.size()) {
    Utf8Step step = decodeUtf8(tail.substr(length));
    char32_t c = step.codePoint;
    if (!step.valid || !(isAlpha(c) || isNumeric(c) || c == '_')) {
      break;
    }
    identifier = identifier && (isAlpha(c) || c == '_' || (length > 0 && isDecimal(c)));
    length += step.length;
  }
  if (length > 0) {
    if (!identifier) {
      return fail("Invalid character in identifier");
    }
    emit(TokenKind::Name, std::string(tail.substr(0, length)));
    skip(length);
    return true;
  }
  if (tail[0] == '\'' || tail[0] == '"') {
    size_t end = 1;
    while (end < tail.size() && tail[end] != tail[0]) {
      end += tail[end] == '\\' ? 2 : 1;
    }
    if (end < tail.size()) {
      Expected<std::string> value = unescapeLiteral(tail.substr(1, end - 1));
      if (!value) {
        return fail(value.failure().what);
      }
      emit(TokenKind::String, *std::move(value));
      skip(end + 1);
      return true;
    }
  }
  static constexpr std::string_view operators[] = {
      "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[",
      "]",  "(",  ")",  "{",  "}",  ">",  "<", "=", ".", ":", "|", ",", ";"};
  for (std::string_view op : operators) {
    if (tail.starts_with(op)) {
      if (!bracket(op[0])) {
        return false;
      }
      emit(TokenKind::Operator, std::string(op));
      skip(op.size());
      return true;
    }
  }
  std::string character(tail.substr(0, decodeUtf8(tail).length));
  return fail("unexpected char " + representString(character) + " at " +
              std::to_string(characterCount(std::string_view(text).substr(0, at))));
}

std::vector<Token> Lexer::run() {
  while (root()) {
  }
  // Where the template ends within a tag, Jinja names the line of what came last.
  if (tokens.size() > 1 && tokens.back().is(TokenKind::End)) {
    tokens.back().line = tokens[tokens.size() - 2].line;
  }
  return std::move(tokens);
}

std::vector<Token> tokenize(std::string_view source) { return Lexer(normalized(source)).run(); }

} // namespace dsv3::text::jinja
