//===- Objects.cpp - ranges, views, iterators, namespaces -----------------===//

#include "runtime/template/Objects.h"

#include "runtime/template/Print.h"
#include "runtime/template/Runtime.h"

#include <utility>

namespace dsv3::text::jinja {

Text RangeObject::print(Runtime &) const {
  // The stop that was given is not kept; the one that gives the same items is.
  std::string text =
      "range(" + std::to_string(start) + ", " + std::to_string(start + step * int64_t(count));
  return Text(text + (step == 1 ? ")" : ", " + std::to_string(step) + ")"), false);
}

std::optional<std::vector<Value>> RangeObject::iterate(Runtime &runtime) {
  runtime.charge(count / 4);
  std::vector<Value> items;
  items.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    items.emplace_back(start + step * int64_t(i));
  }
  return items;
}

std::optional<Value> RangeObject::item(int64_t index) const {
  index += index < 0 ? int64_t(count) : 0;
  if (index < 0 || index >= int64_t(count)) {
    return std::nullopt;
  }
  return Value(start + step * index);
}

bool RangeObject::holds(int64_t value) const {
  __int128 offset = __int128(value) - start;
  return count != 0 && offset % step == 0 && offset / step >= 0 && offset / step < __int128(count);
}

std::optional<std::vector<Value>> IteratorObject::iterate(Runtime &) {
  std::vector<Value> rest(items.begin() + std::ptrdiff_t(at), items.end());
  at = items.size();
  return rest;
}

std::optional<Value> IteratorObject::next() {
  return at < items.size() ? std::optional(items[at++]) : std::nullopt;
}

Text ViewObject::print(Runtime &runtime) const {
  return Text(type + "(" + represent(runtime, items) + ")", false);
}

Text NamespaceObject::print(Runtime &runtime) const {
  std::string text = "<TemplateNamespace {";
  for (const auto &[name, value] : attributes) {
    text += (&name == &attributes.front().first ? "" : ", ") + representString(name) + ": " +
            represent(runtime, value);
    runtime.checkSize(text.size());
  }
  return Text(text + "}>", false);
}

std::optional<Value> NamespaceObject::attribute(Runtime &, const std::string &name) {
  for (const auto &[known, value] : attributes) {
    if (known == name) {
      return value;
    }
  }
  return std::nullopt;
}

void NamespaceObject::set(const std::string &name, const Value &value) {
  if (name.starts_with("_")) {
    raise("SecurityError", "Chat templates cannot store underscore-prefixed attributes on a "
                           "namespace, but got " +
                               representString(name) + ". Please rename the attribute.");
  }
  for (auto &[known, old] : attributes) {
    if (known == name) {
      old = value;
      return;
    }
  }
  attributes.emplace_back(name, value);
}

Text FunctionObject::print(Runtime &) const { return Text("<function " + name + ">", false); }

Value makeIterator(std::string type, std::vector<Value> items) {
  return Value(
      std::shared_ptr<Object>(std::make_shared<IteratorObject>(std::move(type), std::move(items))));
}

Value makeFunction(std::string name, FunctionObject::Body body, int held) {
  return Value(std::shared_ptr<Object>(
      std::make_shared<FunctionObject>(std::move(name), std::move(body), held)));
}

} // namespace dsv3::text::jinja
