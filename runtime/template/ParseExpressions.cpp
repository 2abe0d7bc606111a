//===- ParseExpressions.cpp - the grammar of expressions ------------------===//

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

template <typename... Nodes>
static std::vector<ExprPtr> nodes(Nodes... children) {
  std::vector<ExprPtr> list;
  (list.push_back(std::move(children)), ...);
  return list;
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

/// The value of a number; raises if it does not fit.
static Value numberOf(const Token &token) {
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

ExprPtr Parser::parsePostfix(ExprPtr node) {
  while (true) {
    if (current().isOperator(".") || current().isOperator("[")) {
      node = parseSubscript(std::move(node));
    } else if (current().isOperator("(")) {
      node = parseCall(std::move(node));
    } else {
      return node;
    }
  }
}

ExprPtr Parser::parseFilterChain(ExprPtr node) {
  while (true) {
    if (current().isOperator("|")) {
      node = parseFilters(std::move(node), false);
    } else if (current().isName("is")) {
      node = parseTest(std::move(node));
    } else if (current().isOperator("(")) {
      node = parseCall(std::move(node));
    } else {
      return node;
    }
  }
}

ExprPtr Parser::parseSubscript(ExprPtr node) {
  Token token = next();
  if (token.text == ".") {
    Token name = next();
    if (name.is(TokenKind::Name)) {
      ExprPtr result = make(ExprKind::Attribute, token.line, nodes(std::move(node)));
      result->name = name.text;
      return result;
    }
    if (!name.is(TokenKind::Integer)) {
      fail("expected name or number", name.line);
    }
    ExprPtr index = make(ExprKind::Constant, name.line);
    index->value = numberOf(name);
    return make(ExprKind::Item, token.line, nodes(std::move(node), std::move(index)));
  }
  std::vector<ExprPtr> keys;
  while (!current().isOperator("]")) {
    if (!keys.empty()) {
      expectOperator(",");
    }
    keys.push_back(parseSubscribed());
  }
  expectOperator("]");
  if (keys.size() == 1 && keys[0]->kind == ExprKind::Slice) {
    keys[0]->children[0] = std::move(node);
    return sealed(std::move(keys[0]));
  }
  for (const ExprPtr &key : keys) {
    if (key->kind == ExprKind::Slice) {
      fail("a slice within several subscripts is not supported", token.line);
    }
  }
  ExprPtr key =
      keys.size() == 1 ? std::move(keys[0]) : make(ExprKind::Tuple, token.line, std::move(keys));
  return make(ExprKind::Item, token.line, nodes(std::move(node), std::move(key)));
}

/// A key, or a slice whose first child is still to be filled in.
ExprPtr Parser::parseSubscribed() {
  int line = current().line;
  ExprPtr start, stop, step;
  if (!current().isOperator(":")) {
    start = parseExpression();
    if (!current().isOperator(":")) {
      return start;
    }
  }
  next();
  auto stands = [&] { return !current().isOperator("]") && !current().isOperator(","); };
  if (stands() && !current().isOperator(":")) {
    stop = parseExpression();
  }
  if (skipOperator(":") && stands()) {
    step = parseExpression();
  }
  return make(ExprKind::Slice, line,
              nodes(ExprPtr(), std::move(start), std::move(stop), std::move(step)));
}

void Parser::parseArguments(Expr &call) {
  int line = current().line;
  expectOperator("(");
  auto ensure = [&](bool good) {
    if (!good) {
      fail("invalid syntax for function call expression", line);
    }
  };
  bool comma = false;
  while (!current().isOperator(")")) {
    if (comma) {
      expectOperator(",");
      if (current().isOperator(")")) {
        break;
      }
    }
    if (skipOperator("*")) {
      ensure(!call.spread && !call.namedSpread);
      call.spread = parseExpression();
    } else if (skipOperator("**")) {
      ensure(!call.namedSpread);
      call.namedSpread = parseExpression();
    } else if (current().is(TokenKind::Name) && lookAhead().isOperator("=")) {
      ensure(!call.namedSpread);
      std::string name = next().text;
      next();
      call.named.emplace_back(name, parseExpression());
    } else {
      ensure(!call.spread && !call.namedSpread && call.named.empty());
      call.positional.push_back(parseExpression());
    }
    comma = true;
  }
  expectOperator(")");
}

ExprPtr Parser::parseCall(ExprPtr callee) {
  Nesting guard(*this);
  ExprPtr node = make(ExprKind::Call, current().line, nodes(std::move(callee)));
  parseArguments(*node);
  return sealed(std::move(node));
}

void Parser::checkKnown(const char *kind, const std::string &name, bool known, int line) {
  if (!known && !soft && !unknown) {
    unknown = Raised{"TemplateAssertionError",
                     std::string("No ") + kind + " named " + representString(name) + ".", line};
  }
}

ExprPtr Parser::parseFilters(ExprPtr node, bool inlineFirst) {
  while (current().isOperator("|") || inlineFirst) {
    if (!inlineFirst) {
      next();
    }
    inlineFirst = false;
    int line = current().line;
    std::string name = expectName();
    while (skipOperator(".")) {
      name += "." + expectName();
    }
    node = make(ExprKind::Filter, line, nodes(std::move(node)));
    node->name = name;
    if (current().isOperator("(")) {
      parseArguments(*node);
    }
    node = sealed(std::move(node));
    checkKnown("filter", name, findFilter(name) != nullptr, line);
  }
  return node;
}

ExprPtr Parser::parseTest(ExprPtr node) {
  int line = next().line;
  bool negated = skipName("not");
  std::string name = expectName();
  while (skipOperator(".")) {
    name += "." + expectName();
  }
  ExprPtr test = make(ExprKind::Test, line, nodes(std::move(node)));
  test->name = name;
  const Token &token = current();
  bool value = token.is(TokenKind::Name) || token.is(TokenKind::String) ||
               token.is(TokenKind::Integer) || token.is(TokenKind::Float) ||
               token.isOperator("[") || token.isOperator("{");
  if (token.isOperator("(")) {
    parseArguments(*test);
  } else if (value && !token.isName("else") && !token.isName("or") && !token.isName("and")) {
    if (token.isName("is")) {
      fail("You cannot chain multiple tests with is");
    }
    test->positional.push_back(parsePostfix(parsePrimary()));
  }
  test = sealed(std::move(test));
  checkKnown("test", name, findTest(name) != nullptr, line);
  return negated ? make(ExprKind::Not, line, nodes(std::move(test))) : std::move(test);
}

} // namespace dsv3::text::jinja
