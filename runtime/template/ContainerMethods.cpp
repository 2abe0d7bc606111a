//===- ContainerMethods.cpp - methods of lists, dictionaries, numbers -----===//

#include "runtime/template/Compare.h"
#include "runtime/template/Objects.h"
#include "runtime/template/Print.h"
#include "runtime/template/Runtime.h"

#include <bit>
#include <cmath>

namespace dsv3::text::jinja {

static Value countItems(Runtime &runtime, const Value &self, const Arguments &arguments) {
  Bound bound("count", arguments, {"value"}, 1);
  int64_t found = 0;
  for (const Value &item : self.items()) {
    found += equals(runtime, item, *bound.get(0)) ? 1 : 0;
  }
  return found;
}

static Value indexOf(Runtime &runtime, const Value &self, const Arguments &arguments) {
  Bound bound("index", arguments, {"value"}, 1);
  for (size_t i = 0; i < self.items().size(); ++i) {
    if (equals(runtime, self.items()[i], *bound.get(0))) {
      return int64_t(i);
    }
  }
  raiseValue(self.isTuple() ? "tuple.index(x): x not in tuple"
                            : represent(runtime, *bound.get(0)) + " is not in list");
}

static Value copy(Runtime &, const Value &self, const Arguments &) {
  return self.isDict() ? self : Value::list(self.items());
}

static Value get(Runtime &, const Value &self, const Arguments &arguments) {
  Bound bound("get", arguments, {"key", "default"}, 1);
  const Value *found = self.dict().find(*bound.get(0));
  return found ? *found : bound.get(1) ? *bound.get(1) : Value();
}

static Value view(const Value &self, const char *type,
                  Value (*pick)(const std::pair<Value, Value> &)) {
  std::vector<Value> items;
  for (const auto &entry : self.dict().items) {
    items.push_back(pick(entry));
  }
  return Value(std::shared_ptr<Object>(std::make_shared<ViewObject>(type, std::move(items))));
}

static Value keys(Runtime &, const Value &self, const Arguments &) {
  return view(self, "dict_keys", [](const auto &entry) { return entry.first; });
}

static Value values(Runtime &, const Value &self, const Arguments &) {
  return view(self, "dict_values", [](const auto &entry) { return entry.second; });
}

static Value items(Runtime &runtime, const Value &self, const Arguments &) {
  runtime.charge(self.dict().items.size());
  return view(self, "dict_items",
              [](const auto &entry) { return Value::tuple({entry.first, entry.second}); });
}

static Value isInteger(Runtime &, const Value &self, const Arguments &) {
  return std::floor(self.number()) == self.number();
}

static Value bitLength(Runtime &, const Value &self, const Arguments &) {
  int64_t value = self.integer().value_or(0);
  return int64_t(std::bit_width(value < 0 ? 0 - uint64_t(value) : uint64_t(value)));
}

std::span<const MethodEntry> listMethods() {
  static constexpr MethodEntry methods[] = {
      {"count", countItems}, {"index", indexOf}, {"copy", copy}};
  return methods;
}

std::span<const MethodEntry> dictMethods() {
  static constexpr MethodEntry methods[] = {
      {"get", get}, {"keys", keys}, {"values", values}, {"items", items}, {"copy", copy}};
  return methods;
}

std::span<const MethodEntry> numberMethods() {
  static constexpr MethodEntry methods[] = {{"is_integer", isInteger}, {"bit_length", bitLength}};
  return methods;
}

} // namespace dsv3::text::jinja
