//===- Lexer.h - a template as tokens ---------------------------*- C++ -*-===//
//
// Follows Jinja's lexer with trim_blocks and lstrip_blocks: white space around
// tags is settled here. A problem becomes a token of its own, so that the parser
// reports whichever error comes first in the text.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dsv3::text::jinja {

enum class TokenKind {
  Data,
  VariableBegin,
  VariableEnd,
  BlockBegin,
  BlockEnd,
  Name,
  String,
  Integer,
  Float,
  /// Punctuation; `text` is what stands in the template.
  Operator,
  /// `text` is the message.
  Error,
  End,
};

struct Token {
  TokenKind kind = TokenKind::End;
  std::string text;
  int line = 1;

  bool is(TokenKind other) const { return kind == other; }
  bool isOperator(std::string_view op) const { return kind == TokenKind::Operator && text == op; }
  bool isName(std::string_view name) const { return kind == TokenKind::Name && text == name; }
  /// As Jinja names it in messages.
  std::string describe() const;
};

/// The tokens of `source`; the last is Error or End.
std::vector<Token> tokenize(std::string_view source);

} // namespace dsv3::text::jinja
