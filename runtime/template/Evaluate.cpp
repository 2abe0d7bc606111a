//===- Evaluate.cpp - the values of expressions ---------------------------===//

#include "runtime/template/Access.h"
#include "runtime/template/Compare.h"
#include "runtime/template/Interpreter.h"
#include "runtime/template/Operators.h"
#include "runtime/template/Print.h"

namespace dsv3::text::jinja {

Value Interpreter::lookUp(const std::string &name) {
  for (const Scope *block = scope; block; block = block->parent) {
    for (const auto &[known, value] : block->variables) {
      if (known == name) {
        return value;
      }
    }
  }
  if (const Value *value = context.find(name)) {
    return *value;
  }
  if (auto global = findGlobal(name)) {
    return *global;
  }
  return Value::undefined(representString(name) + " is undefined");
}

std::vector<Value> Interpreter::evaluateAll(const std::vector<ExprPtr> &exprs) {
  std::vector<Value> values;
  values.reserve(exprs.size());
  for (const ExprPtr &expr : exprs) {
    values.push_back(evaluate(*expr));
  }
  return values;
}

Arguments Interpreter::evaluateArguments(const Expr &call) {
  Arguments arguments;
  arguments.positional = evaluateAll(call.positional);
  for (const auto &[name, expr] : call.named) {
    for (const auto &[known, value] : arguments.named) {
      if (known == name) {
        raise("SyntaxError", "keyword argument repeated: " + name);
      }
    }
    arguments.named.emplace_back(name, evaluate(*expr));
  }
  if (call.spread) {
    for (Value &item : itemsOf(runtime, evaluate(*call.spread))) {
      arguments.positional.push_back(std::move(item));
    }
    runtime.charge(arguments.positional.size());
  }
  if (call.namedSpread) {
    Value named = evaluate(*call.namedSpread);
    if (!named.isDict()) {
      raiseType("argument after ** must be a mapping, not " + typeName(named));
    }
    for (const auto &[key, value] : named.dict().items) {
      if (!key.isString()) {
        raiseType("keywords must be strings");
      }
      arguments.named.emplace_back(key.str(), value);
    }
    runtime.charge(arguments.named.size());
  }
  return arguments;
}

Value Interpreter::evaluateDict(const Expr &expr) {
  auto dict = std::make_shared<DictData>();
  for (size_t i = 0; i + 1 < expr.children.size(); i += 2) {
    Value key = evaluate(*expr.children[i]);
    dict->set(key, evaluate(*expr.children[i + 1]));
  }
  return Value(std::shared_ptr<const DictData>(std::move(dict)));
}

Value Interpreter::evaluateCompare(const Expr &expr) {
  Value left = evaluate(*expr.children[0]);
  for (size_t i = 0; i < expr.operators.size(); ++i) {
    const std::string &op = expr.operators[i];
    Value right = evaluate(*expr.children[i + 1]);
    bool holds = op == "in"       ? contains(runtime, right, left)
                 : op == "not in" ? !contains(runtime, right, left)
                                  : compare(runtime, op, left, right);
    if (!holds) {
      return false;
    }
    left = std::move(right);
  }
  return true;
}

Value Interpreter::evaluateConcat(const Expr &expr) {
  Text text;
  for (const ExprPtr &child : expr.children) {
    text.append(toText(runtime, evaluate(*child)));
    runtime.checkSize(text.size());
  }
  return runtime.made(Value(std::move(text)));
}

Value Interpreter::applyFilter(const Expr &expr, const Value &subject) {
  if (!findFilter(expr.name)) {
    raise("TemplateRuntimeError", "No filter named " + representString(expr.name) + " found.");
  }
  return runtime.callFilter(expr.name, subject, evaluateArguments(expr));
}

Value Interpreter::evaluate(const Expr &expr) {
  Runtime::Descent descent(runtime);
  runtime.charge(1);
  auto child = [&](size_t index) { return evaluate(*expr.children[index]); };
  auto optional = [&](size_t index) { return expr.children[index] ? child(index) : Value(); };
  switch (expr.kind) {
  case ExprKind::Constant:
    return expr.value;
  case ExprKind::Name:
    return lookUp(expr.name);
  case ExprKind::List:
    return runtime.made(Value::list(evaluateAll(expr.children)));
  case ExprKind::Tuple:
    return runtime.made(Value::tuple(evaluateAll(expr.children)));
  case ExprKind::Dict:
    return evaluateDict(expr);
  case ExprKind::Attribute:
    return attributeOf(runtime, child(0), expr.name);
  case ExprKind::Item: {
    Value value = child(0);
    return itemOf(runtime, value, child(1));
  }
  case ExprKind::Slice: {
    Value value = child(0), start = optional(1), stop = optional(2);
    return sliceOf(runtime, value, start, stop, optional(3));
  }
  case ExprKind::Call: {
    Value callee = child(0);
    return runtime.call(callee, evaluateArguments(expr));
  }
  case ExprKind::Filter:
    return applyFilter(expr, child(0));
  case ExprKind::Test: {
    Value subject = child(0);
    if (!findTest(expr.name)) {
      raise("TemplateRuntimeError", "No test named " + representString(expr.name) + " found.");
    }
    return runtime.callTest(expr.name, subject, evaluateArguments(expr));
  }
  case ExprKind::Binary: {
    Value left = child(0);
    return binary(runtime, expr.name, left, child(1));
  }
  case ExprKind::Compare:
    return evaluateCompare(expr);
  case ExprKind::Concat:
    return evaluateConcat(expr);
  case ExprKind::And: {
    Value left = child(0);
    return truthy(left) ? child(1) : left;
  }
  case ExprKind::Or: {
    Value left = child(0);
    return truthy(left) ? left : child(1);
  }
  case ExprKind::Not:
    return !truthy(child(0));
  case ExprKind::Negative:
    return negate(child(0));
  case ExprKind::Positive:
    return posite(child(0));
  case ExprKind::Conditional:
    if (truthy(child(1))) {
      return child(0);
    }
    return expr.children[2]
               ? child(2)
               : Value::undefined("the inline if-expression on line " + std::to_string(expr.line) +
                                  " evaluated to false and no else section was "
                                  "defined.");
  case ExprKind::NamespaceTarget:
    break;
  }
  raise("TemplateRuntimeError", "a namespace target has no value");
}

} // namespace dsv3::text::jinja
