//===- Compare.cpp - equality, order and membership -----------------------===//

#include "runtime/template/Compare.h"

#include "runtime/template/Objects.h"
#include "runtime/template/Runtime.h"

#include <algorithm>

namespace dsv3::text::jinja {

/// -1, 0, 1, or 2 where one of them is NaN. Preconditions: both are numbers.
static int compareNumbers(const Value &left, const Value &right) {
  auto a = left.integer(), b = right.integer();
  if (a && b) {
    return *a < *b ? -1 : *a > *b;
  }
  double x = left.number(), y = right.number();
  return x < y ? -1 : x > y ? 1 : x == y ? 0 : 2;
}

static bool equalDicts(Runtime &runtime, const DictData &left, const DictData &right) {
  if (left.items.size() != right.items.size()) {
    return false;
  }
  return std::all_of(left.items.begin(), left.items.end(), [&](const auto &entry) {
    const Value *other = right.find(entry.first);
    return other && equals(runtime, entry.second, *other);
  });
}

bool equals(Runtime &runtime, const Value &left, const Value &right) {
  Runtime::Descent descent(runtime);
  runtime.charge(1);
  if (left.isNumber() && right.isNumber()) {
    return compareNumbers(left, right) == 0;
  }
  if (left.isString() && right.isString()) {
    return left.str() == right.str();
  }
  if (left.isSequence() && right.isSequence()) {
    const auto &a = left.items(), &b = right.items();
    return left.isTuple() == right.isTuple() &&
           std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [&](const Value &x, const Value &y) { return equals(runtime, x, y); });
  }
  if (left.isDict() && right.isDict()) {
    return equalDicts(runtime, left.dict(), right.dict());
  }
  return (left.isUndefined() && right.isUndefined()) || (!left.isNumber() && left.sameAs(right));
}

static bool ordered(Runtime &runtime, const std::string &op, const Value &left,
                    const Value &right) {
  Runtime::Descent descent(runtime);
  auto apply = [&](int order) {
    return op == "<"    ? order == -1
           : op == "<=" ? order == -1 || order == 0
           : op == ">"  ? order == 1
                        : order == 1 || order == 0;
  };
  if (left.isNumber() && right.isNumber()) {
    return apply(compareNumbers(left, right));
  }
  if (left.isString() && right.isString()) {
    int order = left.str().compare(right.str());
    return apply(order < 0 ? -1 : order > 0);
  }
  if (left.isSequence() && right.isSequence() && left.isTuple() == right.isTuple()) {
    const auto &a = left.items(), &b = right.items();
    for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
      if (!equals(runtime, a[i], b[i])) {
        return ordered(runtime, op, a[i], b[i]);
      }
    }
    return apply(a.size() < b.size() ? -1 : a.size() > b.size());
  }
  runtime.requireDefined(left);
  runtime.requireDefined(right);
  raiseType("'" + op + "' not supported between instances of '" + typeName(left) + "' and '" +
            typeName(right) + "'");
}

bool lessThan(Runtime &runtime, const Value &left, const Value &right) {
  runtime.charge(1);
  return ordered(runtime, "<", left, right);
}

bool compare(Runtime &runtime, const std::string &op, const Value &left, const Value &right) {
  if (op == "==" || op == "!=") {
    return equals(runtime, left, right) == (op == "==");
  }
  return ordered(runtime, op, left, right);
}

bool contains(Runtime &runtime, const Value &container, const Value &item) {
  if (container.isString()) {
    if (!item.isString()) {
      runtime.requireDefined(item);
      raiseType("'in <string>' requires string as left operand, not " + typeName(item));
    }
    return container.str().find(item.str()) != std::string::npos;
  }
  if (container.isDict()) {
    return container.dict().find(item) != nullptr;
  }
  if (auto *range = container.as<RangeObject>()) {
    auto integer = item.integer();
    return integer && range->holds(*integer);
  }
  if (!container.isUndefined() && !container.isSequence() && !container.isObject()) {
    raiseType("argument of type '" + typeName(container) + "' is not iterable");
  }
  for (const Value &other : itemsOf(runtime, container)) {
    if (item.sameAs(other) || equals(runtime, other, item)) {
      return true;
    }
  }
  return false;
}

} // namespace dsv3::text::jinja
