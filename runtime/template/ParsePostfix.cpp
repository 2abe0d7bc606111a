//===- ParsePostfix.cpp - subscripts, calls, filters and tests ------------===//

#include "runtime/template/Parser.h"

#include "runtime/template/Print.h"
#include "runtime/template/Runtime.h"

namespace dsv3::text::jinja {

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
