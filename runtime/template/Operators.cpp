//===- Operators.cpp - arithmetic of values -------------------------------===//

#include "runtime/template/Operators.h"

#include "runtime/template/Print.h"
#include "runtime/template/Runtime.h"

#include <cmath>
#include <limits>

namespace dsv3::text::jinja {

[[noreturn]] static void raiseOverflow() {
  raise("OverflowError", "the result does not fit in a 64-bit integer");
}

[[noreturn]] static void raiseZero(const char *message) { raise("ZeroDivisionError", message); }

/// Floor division and its remainder, which has the sign of the divisor.
static std::pair<double, double> floorDivide(double a, double b) {
  double remainder = std::fmod(a, b);
  double quotient = (a - remainder) / b;
  if (remainder != 0) {
    if ((b < 0) != (remainder < 0)) {
      remainder += b;
      quotient -= 1;
    }
  } else {
    remainder = std::copysign(0.0, b);
  }
  double floored = quotient == 0 ? std::copysign(0.0, a / b) : std::floor(quotient);
  if (quotient - floored > 0.5) {
    floored += 1;
  }
  return {floored, remainder};
}

static Value power(int64_t base, int64_t exponent) {
  if (exponent < 0) {
    if (base == 0) {
      raiseZero("0.0 cannot be raised to a negative power");
    }
    return std::pow(double(base), double(exponent));
  }
  int64_t result = 1;
  if (base == 0 || base == 1 || base == -1) {
    return exponent == 0 ? int64_t(1) : base == -1 ? int64_t(exponent % 2 ? -1 : 1) : base;
  }
  for (; exponent > 0; --exponent) {
    if (__builtin_mul_overflow(result, base, &result)) {
      raiseOverflow();
    }
  }
  return result;
}

static Value integers(const std::string &op, int64_t a, int64_t b) {
  int64_t result = 0;
  bool overflow = false;
  if (op == "+") {
    overflow = __builtin_add_overflow(a, b, &result);
  } else if (op == "-") {
    overflow = __builtin_sub_overflow(a, b, &result);
  } else if (op == "*") {
    overflow = __builtin_mul_overflow(a, b, &result);
  } else if (op == "**") {
    return power(a, b);
  } else if (op == "/") {
    if (b == 0) {
      raiseZero("division by zero");
    }
    return double(a) / double(b);
  } else if (b == 0) {
    raiseZero(op == "//" ? "integer division or modulo by zero" : "integer modulo by zero");
  } else if (b == -1) {
    overflow = op == "//" && a == std::numeric_limits<int64_t>::min();
    result = op == "//" && !overflow ? -a : 0;
  } else {
    int64_t quotient = a / b, remainder = a % b;
    if (remainder != 0 && (remainder < 0) != (b < 0)) {
      --quotient;
      remainder += b;
    }
    result = op == "//" ? quotient : remainder;
  }
  if (overflow) {
    raiseOverflow();
  }
  return result;
}

static Value floats(const std::string &op, double a, double b) {
  if (op == "+") {
    return a + b;
  }
  if (op == "-") {
    return a - b;
  }
  if (op == "*") {
    return a * b;
  }
  if (op == "**") {
    if (a == 0 && b < 0) {
      raiseZero("0.0 cannot be raised to a negative power");
    }
    double result = std::pow(a, b);
    if (std::isinf(result) && std::isfinite(a) && std::isfinite(b)) {
      raise("OverflowError", "(34, 'Numerical result out of range')");
    }
    return result;
  }
  if (b == 0) {
    raiseZero(op == "/"    ? "float division by zero"
              : op == "//" ? "float floor division by zero"
                           : "float modulo");
  }
  return op == "/" ? a / b : op == "//" ? floorDivide(a, b).first : floorDivide(a, b).second;
}

/// `text * count` or `items * count`.
static Value repeat(Runtime &runtime, const Value &value, int64_t count) {
  size_t times = count < 0 ? 0 : size_t(count);
  if (value.isString()) {
    runtime.checkProduct(times, value.text().size());
    runtime.checkProduct(times, value.text().runCount());
    Text result;
    for (size_t i = 0; i < times && !value.text().empty(); ++i) {
      result.append(value.text());
    }
    return Value(std::move(result), value.isMarkup());
  }
  runtime.checkProduct(times, value.items().size() * 16);
  std::vector<Value> items;
  for (size_t i = 0; i < times && !value.items().empty(); ++i) {
    items.insert(items.end(), value.items().begin(), value.items().end());
  }
  return value.isTuple() ? Value::tuple(std::move(items)) : Value::list(std::move(items));
}

static Value add(Runtime &runtime, const Value &left, const Value &right) {
  if (left.isString() && right.isString()) {
    bool markup = left.isMarkup() || right.isMarkup();
    Text result = markup && !left.isMarkup() ? escapeHtml(left.text()) : left.text();
    result.append(markup && !right.isMarkup() ? escapeHtml(right.text()) : right.text());
    return Value(std::move(result), markup);
  }
  if (left.isSequence() && right.isSequence() && left.isTuple() == right.isTuple()) {
    runtime.checkProduct(left.items().size() + right.items().size(), 16);
    std::vector<Value> items = left.items();
    items.insert(items.end(), right.items().begin(), right.items().end());
    return left.isTuple() ? Value::tuple(std::move(items)) : Value::list(std::move(items));
  }
  runtime.requireDefined(left);
  runtime.requireDefined(right);
  std::string type = typeName(left);
  if (left.isString() || left.isSequence()) {
    type = left.isString() ? "str" : type;
    raiseType("can only concatenate " + type + " (not \"" + typeName(right) + "\") to " + type);
  }
  raiseType("unsupported operand type(s) for +: '" + type + "' and '" + typeName(right) + "'");
}

Value binary(Runtime &runtime, const std::string &op, const Value &left, const Value &right) {
  if (left.isNumber() && right.isNumber()) {
    auto a = left.integer(), b = right.integer();
    return a && b ? integers(op, *a, *b) : floats(op, left.number(), right.number());
  }
  if (op == "+") {
    return runtime.made(add(runtime, left, right));
  }
  bool repeatable = left.isString() || left.isSequence();
  if (op == "*" && repeatable && right.integer()) {
    return runtime.made(repeat(runtime, left, *right.integer()));
  }
  if (op == "*" && (right.isString() || right.isSequence()) && left.integer()) {
    return runtime.made(repeat(runtime, right, *left.integer()));
  }
  if (op == "%" && left.isString()) {
    return runtime.made(formatPercent(runtime, left.text(), right));
  }
  runtime.requireDefined(left);
  runtime.requireDefined(right);
  if (op == "*" && repeatable) {
    raiseType("can't multiply sequence by non-int of type '" + typeName(right) + "'");
  }
  raiseType("unsupported operand type(s) for " + (op == "**" ? "** or pow()" : op) + ": '" +
            typeName(left) + "' and '" + typeName(right) + "'");
}

Value negate(const Value &value) {
  Runtime::requireDefined(value);
  if (auto integer = value.integer()) {
    return integers("-", 0, *integer);
  }
  if (!value.isFloat()) {
    raiseType("bad operand type for unary -: '" + typeName(value) + "'");
  }
  return -value.floating();
}

Value posite(const Value &value) {
  Runtime::requireDefined(value);
  if (!value.isNumber()) {
    raiseType("bad operand type for unary +: '" + typeName(value) + "'");
  }
  return value.isFloat() ? value : Value(*value.integer());
}

Text escapeHtml(const Text &text) {
  Text result;
  size_t done = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    const char *entity = nullptr;
    switch (text.str()[at]) {
    case '&':
      entity = "&amp;";
      break;
    case '<':
      entity = "&lt;";
      break;
    case '>':
      entity = "&gt;";
      break;
    case '\'':
      entity = "&#39;";
      break;
    case '"':
      entity = "&#34;";
      break;
    default:
      continue;
    }
    result.append(text, done, at);
    result.append(entity, text.trustedAt(at));
    done = at + 1;
  }
  result.append(text, done, text.size());
  return result;
}

} // namespace dsv3::text::jinja
