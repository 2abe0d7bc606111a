//===- ParseStatements.cpp - the grammar of tags --------------------------===//

#include "runtime/template/Parser.h"

#include "runtime/template/Print.h"

#include <algorithm>

namespace dsv3::text::jinja {

/// Levels of recursion: expressions take about three for each bracket.
static constexpr int maxNesting = 400;

Parser::Nesting::Nesting(Parser &parser) : parser(parser) {
  if (parser.nesting >= maxNesting) {
    parser.fail("the template is nested too deeply");
  }
  ++parser.nesting;
}

const Token &Parser::current() {
  if (tokens[at].is(TokenKind::Error)) {
    fail(tokens[at].text, tokens[at].line);
  }
  return tokens[at];
}

const Token &Parser::lookAhead() {
  size_t ahead = std::min(at + 1, tokens.size() - 1);
  if (tokens[ahead].is(TokenKind::Error)) {
    fail(tokens[ahead].text, tokens[ahead].line);
  }
  return tokens[ahead];
}

Token Parser::next() {
  Token token = current();
  at = std::min(at + 1, tokens.size() - 1);
  current();
  return token;
}

bool Parser::skipName(std::string_view name) {
  bool found = current().isName(name);
  if (found) {
    next();
  }
  return found;
}

bool Parser::skipOperator(std::string_view op) {
  bool found = current().isOperator(op);
  if (found) {
    next();
  }
  return found;
}

void Parser::failExpected(const std::string &description) {
  std::string wanted = representString(description);
  if (current().is(TokenKind::End)) {
    fail("unexpected end of template, expected " + wanted + ".");
  }
  fail("expected token " + wanted + ", got " + representString(current().describe()));
}

void Parser::expectOperator(std::string_view op) {
  if (!skipOperator(op)) {
    failExpected(std::string(op));
  }
}

void Parser::expectKind(TokenKind kind, const char *description) {
  if (!current().is(kind)) {
    failExpected(description);
  }
  next();
}

std::string Parser::expectName() {
  if (!current().is(TokenKind::Name)) {
    failExpected("name");
  }
  return next().text;
}

void Parser::fail(std::string message, int line) {
  raise("TemplateSyntaxError", std::move(message), line == 0 ? tokens[at].line : line);
}

/// An unknown tag, or (null) the end of the template within a block.
void Parser::failTag(const std::string *tag, int line) {
  std::string message = tag ? "Encountered unknown tag " + representString(*tag) + "."
                            : "Unexpected end of template.";
  if (!endTagStack.empty()) {
    std::string looking;
    bool expected = false;
    for (const std::string &name : endTagStack.back()) {
      looking += (looking.empty() ? "" : " or ") + representString(name);
    }
    for (const EndTags &names : endTagStack) {
      expected |= tag && std::find(names.begin(), names.end(), *tag) != names.end();
    }
    message += expected ? " You probably made a nesting mistake. Jinja is expecting this tag, but "
                          "currently looking for " +
                              looking + "."
                        : " Jinja was looking for the following tags: " + looking + ".";
  }
  if (!tagStack.empty()) {
    message +=
        " The innermost block that needs to be closed is " + representString(tagStack.back()) + ".";
  }
  fail(message, line);
}

StmtList Parser::parse() {
  StmtList body = parseUntil(nullptr);
  if (unknown) {
    throw *unknown;
  }
  return body;
}

StmtList Parser::parseUntil(const EndTags *endTags) {
  Nesting guard(*this);
  StmtList body;
  if (endTags) {
    endTagStack.push_back(*endTags);
  }
  while (!current().is(TokenKind::End)) {
    auto stmt = std::make_unique<Stmt>();
    stmt->line = current().line;
    if (current().is(TokenKind::Data)) {
      stmt->text = Text(next().text, true);
    } else if (current().is(TokenKind::VariableBegin)) {
      next();
      stmt->kind = StmtKind::Output;
      stmt->expressions.push_back(parseTuple({}));
      expectKind(TokenKind::VariableEnd, "end of print statement");
    } else {
      expectKind(TokenKind::BlockBegin, "begin of statement block");
      const Token &token = current();
      if (endTags && token.is(TokenKind::Name) &&
          std::find(endTags->begin(), endTags->end(), token.text) != endTags->end()) {
        break;
      }
      stmt = parseStatement();
      expectKind(TokenKind::BlockEnd, "end of statement block");
    }
    body.push_back(std::move(stmt));
  }
  if (endTags) {
    endTagStack.pop_back();
  }
  return body;
}

StmtList Parser::parseBody(const EndTags &endTags, bool dropTag) {
  skipOperator(":");
  expectKind(TokenKind::BlockEnd, "end of statement block");
  StmtList body = parseUntil(&endTags);
  if (current().is(TokenKind::End)) {
    endTagStack.push_back(endTags);
    failTag(nullptr, 0);
  }
  if (dropTag) {
    next();
  }
  return body;
}

std::unique_ptr<Stmt> Parser::parseStatement() {
  Token token = current();
  if (!token.is(TokenKind::Name)) {
    fail("tag name expected", token.line);
  }
  tagStack.push_back(token.text);
  auto stmt = parseTag(token.text, token.line);
  tagStack.pop_back();
  return stmt;
}

static std::unique_ptr<Stmt> makeStmt(StmtKind kind, int line) {
  auto stmt = std::make_unique<Stmt>();
  stmt->kind = kind;
  stmt->line = line;
  return stmt;
}

std::unique_ptr<Stmt> Parser::parseTag(const std::string &tag, int line) {
  // A block with variables of its own checks its filters at once.
  bool outer = soft;
  auto scoped = [&](std::unique_ptr<Stmt> stmt) {
    soft = outer;
    return stmt;
  };
  for (const char *other : {"include", "import", "from", "extends", "block", "autoescape"}) {
    if (tag == other) {
      fail("the tag '" + tag + "' is not supported: a chat template stands alone", line);
    }
  }
  using Parse = std::unique_ptr<Stmt> (Parser::*)(int);
  static constexpr std::pair<const char *, Parse> parsers[] = {
      {"for", &Parser::parseFor},        {"if", &Parser::parseIf},
      {"set", &Parser::parseSet},        {"macro", &Parser::parseMacro},
      {"call", &Parser::parseCallBlock}, {"filter", &Parser::parseFilterBlock},
      {"with", &Parser::parseWith}};
  for (auto [name, parser] : parsers) {
    if (tag == name) {
      next();
      return scoped((this->*parser)(line));
    }
  }
  if (tag == "generation") {
    next();
    auto stmt = makeStmt(StmtKind::Generation, line);
    stmt->body = parseBody({"endgeneration"}, true);
    return stmt;
  }
  if (tag == "break" || tag == "continue") {
    next();
    if (loops == 0) {
      fail("'" + tag + "' outside loop", line);
    }
    return makeStmt(tag == "break" ? StmtKind::Break : StmtKind::Continue, line);
  }
  if (tag == "print") {
    next();
    auto stmt = makeStmt(StmtKind::Output, line);
    while (!current().is(TokenKind::BlockEnd)) {
      if (!stmt->expressions.empty()) {
        expectOperator(",");
      }
      stmt->expressions.push_back(parseExpression());
    }
    return stmt;
  }
  tagStack.pop_back();
  failTag(&tag, line);
}

/// Raises unless something can be assigned to `target`.
ExprPtr Parser::parseTarget(const EndTags &ends, bool withNamespace) {
  ExprPtr target = parseTuple({.simplified = true, .withNamespace = withNamespace, .ends = ends});
  static constexpr std::pair<ExprKind, const char *> names[] = {
      {ExprKind::Constant, "const"}, {ExprKind::List, "list"}, {ExprKind::Dict, "dict"}};
  auto assignable = [](auto self, const Expr &expr) -> bool {
    return expr.kind == ExprKind::Name || expr.kind == ExprKind::NamespaceTarget ||
           (expr.kind == ExprKind::Tuple &&
            std::all_of(expr.children.begin(), expr.children.end(),
                        [&](const ExprPtr &child) { return self(self, *child); }));
  };
  if (!assignable(assignable, *target)) {
    std::string name = target->kind == ExprKind::Tuple ? "tuple" : "expression";
    for (auto [kind, text] : names) {
      name = kind == target->kind ? text : name;
    }
    fail("can't assign to '" + name + "'", target->line);
  }
  return target;
}

std::unique_ptr<Stmt> Parser::parseFor(int line) {
  auto stmt = makeStmt(StmtKind::For, line);
  stmt->targets.push_back(parseTarget({"in"}, false));
  if (!skipName("in")) {
    failExpected("in");
  }
  stmt->expressions.push_back(parseTuple({.conditional = false, .ends = {"recursive"}}));
  soft = false;
  stmt->expressions.push_back(skipName("if") ? parseExpression() : nullptr);
  stmt->recursive = skipName("recursive");
  ++loops;
  stmt->body = parseBody({"endfor", "else"}, false);
  --loops;
  if (next().text == "else") {
    stmt->otherwise = parseBody({"endfor"}, true);
  }
  return stmt;
}

std::unique_ptr<Stmt> Parser::parseIf(int line) {
  auto stmt = makeStmt(StmtKind::If, line);
  soft = true;
  while (true) {
    stmt->expressions.push_back(parseTuple({.conditional = false}));
    stmt->branches.push_back(parseBody({"elif", "else", "endif"}, false));
    std::string tag = next().text;
    if (tag == "else") {
      stmt->otherwise = parseBody({"endif"}, true);
    }
    if (tag != "elif") {
      return stmt;
    }
  }
}

std::unique_ptr<Stmt> Parser::parseSet(int line) {
  auto stmt = makeStmt(StmtKind::Set, line);
  stmt->targets.push_back(parseTarget({}, true));
  if (skipOperator("=")) {
    stmt->expressions.push_back(parseTuple({}));
    return stmt;
  }
  stmt->kind = StmtKind::SetBlock;
  stmt->expressions.push_back(parseFilters(nullptr, false));
  soft = false;
  stmt->body = parseBody({"endset"}, true);
  return stmt;
}

void Parser::parseSignature(Stmt &stmt) {
  expectOperator("(");
  while (!current().isOperator(")")) {
    if (!stmt.parameters.empty()) {
      expectOperator(",");
    }
    std::string name = expectName();
    if (skipOperator("=")) {
      stmt.defaults.push_back(parseExpression());
    } else if (!stmt.defaults.empty()) {
      fail("non-default argument follows default argument");
    }
    stmt.parameters.push_back(name);
  }
  expectOperator(")");
}

void Parser::parseMacroBody(Stmt &stmt, const char *endTag) {
  // A loop around a macro is not a loop within it.
  int outer = std::exchange(loops, 0);
  soft = false;
  macros.push_back(&stmt);
  stmt.body = parseBody({endTag}, true);
  macros.pop_back();
  loops = outer;
}

std::unique_ptr<Stmt> Parser::parseMacro(int line) {
  auto stmt = makeStmt(StmtKind::Macro, line);
  stmt->name = expectName();
  parseSignature(*stmt);
  parseMacroBody(*stmt, "endmacro");
  return stmt;
}

std::unique_ptr<Stmt> Parser::parseCallBlock(int line) {
  auto stmt = makeStmt(StmtKind::CallBlock, line);
  if (current().isOperator("(")) {
    parseSignature(*stmt);
  }
  stmt->expressions.push_back(parseExpression());
  if (stmt->expressions[0]->kind != ExprKind::Call) {
    fail("expected call", line);
  }
  parseMacroBody(*stmt, "endcall");
  return stmt;
}

std::unique_ptr<Stmt> Parser::parseFilterBlock(int line) {
  auto stmt = makeStmt(StmtKind::FilterBlock, line);
  soft = false;
  stmt->expressions.push_back(parseFilters(nullptr, true));
  stmt->body = parseBody({"endfilter"}, true);
  return stmt;
}

std::unique_ptr<Stmt> Parser::parseWith(int line) {
  auto stmt = makeStmt(StmtKind::With, line);
  soft = false;
  while (!current().is(TokenKind::BlockEnd)) {
    if (!stmt->targets.empty()) {
      expectOperator(",");
    }
    stmt->targets.push_back(parseTarget({}, false));
    expectOperator("=");
    stmt->expressions.push_back(parseExpression());
  }
  stmt->body = parseBody({"endwith"}, true);
  return stmt;
}

} // namespace dsv3::text::jinja
