//===- Parser.h - from tokens to a syntax tree ------------------*- C++ -*-===//
//
// Jinja's grammar by recursive descent, with Jinja's messages. Nesting is
// bounded: neither parsing nor evaluating a tree can exhaust the stack. Tags
// that need other templates are refused by name.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/template/Ast.h"
#include "runtime/template/Lexer.h"
#include "runtime/template/Raise.h"

#include <optional>

namespace dsv3::text::jinja {

/// The value of a number's token; raises if it does not fit.
Value numberOf(const Token &token);

/// The list of an expression's children.
template <typename... Nodes>
std::vector<ExprPtr> nodes(Nodes... children) {
  std::vector<ExprPtr> list;
  (list.push_back(std::move(children)), ...);
  return list;
}

/// Used once, for one template. Raises on a syntax error.
class Parser {
public:
  explicit Parser(std::vector<Token> tokens) : tokens(std::move(tokens)) {}
  StmtList parse();

private:
  // Tokens.
  const Token &current();
  const Token &lookAhead();
  Token next();
  bool skipName(std::string_view name);
  bool skipOperator(std::string_view op);
  void expectOperator(std::string_view op);
  void expectKind(TokenKind kind, const char *description);
  std::string expectName();
  [[noreturn]] void failExpected(const std::string &description);
  [[noreturn]] void fail(std::string message, int line = 0);

  // Statements (ParseStatements.cpp).
  using EndTags = std::vector<std::string>;
  StmtList parseUntil(const EndTags *endTags);
  StmtList parseBody(const EndTags &endTags, bool dropTag);
  std::unique_ptr<Stmt> parseStatement();
  std::unique_ptr<Stmt> parseTag(const std::string &tag, int line);
  std::unique_ptr<Stmt> parseFor(int line);
  std::unique_ptr<Stmt> parseIf(int line);
  std::unique_ptr<Stmt> parseSet(int line);
  std::unique_ptr<Stmt> parseMacro(int line);
  std::unique_ptr<Stmt> parseCallBlock(int line);
  std::unique_ptr<Stmt> parseFilterBlock(int line);
  std::unique_ptr<Stmt> parseWith(int line);
  void parseSignature(Stmt &stmt);
  void parseMacroBody(Stmt &stmt, const char *endTag);
  ExprPtr parseTarget(const EndTags &ends, bool withNamespace);
  [[noreturn]] void failTag(const std::string *tag, int line);

  // Expressions (ParseExpressions.cpp, and ParsePostfix.cpp from parsePostfix on).
  ExprPtr make(ExprKind kind, int line, std::vector<ExprPtr> children = {});
  /// Computes the depth of a complete node; raises if it is too deep.
  ExprPtr sealed(ExprPtr node);
  ExprPtr parseExpression(bool conditional = true);
  ExprPtr parseConditional();
  ExprPtr parseOr();
  ExprPtr parseAnd();
  ExprPtr parseNot();
  ExprPtr parseCompare();
  ExprPtr parseSum();
  ExprPtr parseConcat();
  ExprPtr parseProduct();
  ExprPtr parsePower();
  ExprPtr parseUnary(bool withFilter = true);
  ExprPtr parsePrimary(bool withNamespace = false);
  struct TupleOptions {
    bool simplified = false;
    bool conditional = true;
    bool parentheses = false;
    bool withNamespace = false;
    EndTags ends = {};
  };
  ExprPtr parseTuple(const TupleOptions &options);
  ExprPtr parseList();
  ExprPtr parseDict();
  ExprPtr parsePostfix(ExprPtr node);
  ExprPtr parseFilterChain(ExprPtr node);
  ExprPtr parseSubscript(ExprPtr node);
  ExprPtr parseSubscribed();
  void parseArguments(Expr &call);
  ExprPtr parseCall(ExprPtr callee);
  ExprPtr parseFilters(ExprPtr node, bool inlineFirst);
  ExprPtr parseTest(ExprPtr node);
  void checkKnown(const char *kind, const std::string &name, bool known, int line);

  /// One level of recursion of the parser.
  class Nesting {
  public:
    explicit Nesting(Parser &parser);
    ~Nesting() { --parser.nesting; }
    Nesting(const Nesting &) = delete;
    Nesting &operator=(const Nesting &) = delete;

  private:
    Parser &parser;
  };

  std::vector<Token> tokens;
  size_t at = 0;
  int nesting = 0;
  int loops = 0;
  /// Within an `if`, an unknown filter is an error only when it is reached.
  bool soft = false;
  /// The first unknown filter or test: reported after all syntax errors.
  std::optional<Raised> unknown;
  std::vector<EndTags> endTagStack;
  std::vector<std::string> tagStack;
  /// Macros around the current position, innermost last.
  std::vector<Stmt *> macros;
};

} // namespace dsv3::text::jinja
