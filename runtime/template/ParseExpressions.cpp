//===- ParseExpressions.cpp - the grammar of expressions ------------------===//
//
// From conditionals down to literals. What may follow a literal or a name is in
// ParsePostfix.cpp.
//
//===----------------------------------------------------------------------===//

#include "runtime/template/Parser.h"

#include "runtime/template/Print.h"
#include "runtime/template/Runtime.h"

#include <charconv>

namespace dsv3::text::jinja {

/// Levels of a tree; the interpreter descends it by recursion.
static constexpr int maxTree = 250;

ExprPtr Parser::make(ExprKind kind, int line, std::vector<ExprPtr> children) {
  auto node = std::make_unique<Expr>();
  node->kind = kind;
  node->line = line;
  node->children = std::move(children);
  return sealed(std::move(node));
}

ExprPtr Parser::sealed(ExprPtr node) {
  int inner = 0;
  auto look = [&](const ExprPtr &child) { inner = std::max(inner, child ? child->depth : 0); };
  for (const ExprPtr &child : node->children) {
    look(child);
  }
  for (const ExprPtr &child : node->positional) {
    look(child);
  }
  for (const auto &[name, child] : node->named) {
    look(child);
  }
  look(node->spread);
  look(node->namedSpread);
  node->depth = inner + 1;
  if (node->depth > maxTree) {
    fail("an expression is nested more than " + std::to_string(maxTree) + " deep", node->line);
  }
  return node;
}

ExprPtr Parser::parseExpression(bool conditional) {
  Nesting guard(*this);
  return conditional ? parseConditional() : parseOr();
}

ExprPtr Parser::parseConditional() {
  Nesting guard(*this);
  int line = current().line;
  bool outer = soft;
  std::optional<Raised> before = unknown;
  ExprPtr node = parseOr();
  while (skipName("if")) {
    // An unknown filter in any of the three parts is no error until it is reached.
    soft = true;
    unknown = before;
    ExprPtr condition = parseOr(), otherwise;
    if (skipName("else")) {
      otherwise = parseConditional();
    }
    node = make(ExprKind::Conditional, line,
                nodes(std::move(node), std::move(condition), std::move(otherwise)));
    line = current().line;
  }
  soft = outer;
  return node;
}

ExprPtr Parser::parseOr() {
  int line = current().line;
  ExprPtr left = parseAnd();
  while (skipName("or")) {
    left = make(ExprKind::Or, line, nodes(std::move(left), parseAnd()));
    line = current().line;
  }
  return left;
}

ExprPtr Parser::parseAnd() {
  int line = current().line;
  ExprPtr left = parseNot();
  while (skipName("and")) {
    left = make(ExprKind::And, line, nodes(std::move(left), parseNot()));
    line = current().line;
  }
  return left;
}

ExprPtr Parser::parseNot() {
  if (!current().isName("not")) {
    return parseCompare();
  }
  Nesting guard(*this);
  int line = next().line;
  return make(ExprKind::Not, line, nodes(parseNot()));
}

ExprPtr Parser::parseCompare() {
  int line = current().line;
  std::vector<ExprPtr> operands = nodes(parseSum());
  std::vector<std::string> operators;
  while (true) {
    const Token &token = current();
    bool symbol = token.isOperator("==") || token.isOperator("!=") || token.isOperator("<") ||
                  token.isOperator("<=") || token.isOperator(">") || token.isOperator(">=");
    if (symbol) {
      operators.push_back(next().text);
    } else if (skipName("in")) {
      operators.emplace_back("in");
    } else if (token.isName("not") && lookAhead().isName("in")) {
      next();
      next();
      operators.emplace_back("not in");
    } else {
      break;
    }
    operands.push_back(parseSum());
    line = current().line;
  }
  if (operators.empty()) {
    return std::move(operands.front());
  }
  ExprPtr node = make(ExprKind::Compare, line, std::move(operands));
  node->operators = std::move(operators);
  return node;
}

ExprPtr Parser::parseSum() {
  int line = current().line;
  ExprPtr left = parseConcat();
  while (current().isOperator("+") || current().isOperator("-")) {
    std::string op = next().text;
    left = make(ExprKind::Binary, line, nodes(std::move(left), parseConcat()));
    left->name = op;
    line = current().line;
  }
  return left;
}

ExprPtr Parser::parseConcat() {
  int line = current().line;
  std::vector<ExprPtr> parts = nodes(parseProduct());
  while (skipOperator("~")) {
    parts.push_back(parseProduct());
  }
  return parts.size() == 1 ? std::move(parts.front())
                           : make(ExprKind::Concat, line, std::move(parts));
}

ExprPtr Parser::parseProduct() {
  int line = current().line;
  ExprPtr left = parsePower();
  while (current().isOperator("*") || current().isOperator("/") || current().isOperator("//") ||
         current().isOperator("%")) {
    std::string op = next().text;
    left = make(ExprKind::Binary, line, nodes(std::move(left), parsePower()));
    left->name = op;
    line = current().line;
  }
  return left;
}

ExprPtr Parser::parsePower() {
  int line = current().line;
  ExprPtr left = parseUnary();
  while (skipOperator("**")) {
    left = make(ExprKind::Binary, line, nodes(std::move(left), parseUnary()));
    left->name = "**";
    line = current().line;
  }
  return left;
}

ExprPtr Parser::parseUnary(bool withFilter) {
  Nesting guard(*this);
  int line = current().line;
  ExprPtr node;
  if (skipOperator("-")) {
    node = make(ExprKind::Negative, line, nodes(parseUnary(false)));
  } else if (skipOperator("+")) {
    node = make(ExprKind::Positive, line, nodes(parseUnary(false)));
  } else {
    node = parsePrimary();
  }
  node = parsePostfix(std::move(node));
  return withFilter ? parseFilterChain(std::move(node)) : std::move(node);
}

Value numberOf(const Token &token) {
  std::string digits = token.text;
  if (token.is(TokenKind::Float)) {
    return std::strtod(digits.c_str(), nullptr);
  }
  int base = 10;
  if (digits.size() > 2 && digits[0] == '0' && (digits[1] < '0' || digits[1] > '9')) {
    char mark = char(digits[1] | 0x20);
    base = mark == 'x' ? 16 : mark == 'o' ? 8 : 2;
    digits.erase(0, 2);
  }
  int64_t value = 0;
  auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (result.ec != std::errc()) {
    raise("TemplateSyntaxError", "the integer " + token.text + " does not fit in 64 bits",
          token.line);
  }
  return value;
}

ExprPtr Parser::parsePrimary(bool withNamespace) {
  Token token = current();
  auto constant = [&](Value value) {
    ExprPtr node = make(ExprKind::Constant, token.line);
    node->value = std::move(value);
    return node;
  };
  if (token.is(TokenKind::Name)) {
    next();
    if (token.text == "true" || token.text == "True" || token.text == "false" ||
        token.text == "False") {
      return constant(Value(token.text[0] == 't' || token.text[0] == 'T'));
    }
    if (token.text == "none" || token.text == "None") {
      return constant(Value());
    }
    if (withNamespace && skipOperator(".")) {
      ExprPtr node = make(ExprKind::NamespaceTarget, token.line);
      node->name = token.text;
      node->operators = {expectName()};
      return node;
    }
    for (Stmt *macro : macros) {
      macro->usesCaller |= token.text == "caller";
      macro->usesVarargs |= token.text == "varargs";
      macro->usesKwargs |= token.text == "kwargs";
    }
    ExprPtr node = make(ExprKind::Name, token.line);
    node->name = token.text;
    return node;
  }
  if (token.is(TokenKind::String)) {
    std::string text;
    while (current().is(TokenKind::String)) {
      text += next().text;
    }
    return constant(literal(text));
  }
  if (token.is(TokenKind::Integer) || token.is(TokenKind::Float)) {
    next();
    return constant(numberOf(token));
  }
  if (token.isOperator("(")) {
    next();
    ExprPtr node = parseTuple({.parentheses = true});
    expectOperator(")");
    return node;
  }
  if (token.isOperator("[")) {
    return parseList();
  }
  if (token.isOperator("{")) {
    return parseDict();
  }
  fail("unexpected " + representString(token.describe()), token.line);
}

ExprPtr Parser::parseTuple(const TupleOptions &options) {
  Nesting guard(*this);
  int line = current().line;
  std::vector<ExprPtr> items;
  bool tuple = false;
  auto atEnd = [&] {
    const Token &token = current();
    bool end =
        token.is(TokenKind::VariableEnd) || token.is(TokenKind::BlockEnd) || token.isOperator(")");
    for (const std::string &name : options.ends) {
      end |= token.isName(name);
    }
    return end;
  };
  while (true) {
    if (!items.empty()) {
      expectOperator(",");
    }
    if (atEnd()) {
      break;
    }
    items.push_back(options.simplified ? parsePrimary(options.withNamespace)
                                       : parseExpression(options.conditional));
    if (!current().isOperator(",")) {
      break;
    }
    tuple = true;
    line = current().line;
  }
  if (!tuple && !items.empty()) {
    return std::move(items.front());
  }
  if (!tuple && !options.parentheses) {
    fail("Expected an expression, got " + representString(current().describe()));
  }
  return make(ExprKind::Tuple, line, std::move(items));
}

ExprPtr Parser::parseList() {
  int line = next().line;
  std::vector<ExprPtr> items;
  while (!current().isOperator("]")) {
    if (!items.empty()) {
      expectOperator(",");
    }
    if (current().isOperator("]")) {
      break;
    }
    items.push_back(parseExpression());
  }
  expectOperator("]");
  return make(ExprKind::List, line, std::move(items));
}

ExprPtr Parser::parseDict() {
  int line = next().line;
  std::vector<ExprPtr> items;
  while (!current().isOperator("}")) {
    if (!items.empty()) {
      expectOperator(",");
    }
    if (current().isOperator("}")) {
      break;
    }
    items.push_back(parseExpression());
    expectOperator(":");
    items.push_back(parseExpression());
  }
  expectOperator("}");
  return make(ExprKind::Dict, line, std::move(items));
}

} // namespace dsv3::text::jinja
