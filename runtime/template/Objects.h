//===- Objects.h - ranges, views, iterators, namespaces ---------*- C++ -*-===//
//
// Values with behaviour that do not depend on the interpreter.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/template/Value.h"

#include <functional>
#include <string>
#include <vector>

namespace dsv3::text::jinja {

/// range(start, stop, step); never written out until iterated over.
class RangeObject : public Object {
public:
  RangeObject(int64_t start, int64_t step, size_t count) : start(start), step(step), count(count) {}
  std::string typeName() const override { return "range"; }
  Text print(Runtime &runtime) const override;
  std::optional<std::vector<Value>> iterate(Runtime &runtime) override;
  std::optional<size_t> length() const override { return count; }
  std::optional<Value> item(int64_t index) const override;
  bool holds(int64_t value) const;

private:
  int64_t start, step;
  size_t count;
};

/// What map(), select(), reversed() and others return: can be read once.
class IteratorObject : public Object {
public:
  IteratorObject(std::string type, std::vector<Value> items)
      : type(std::move(type)), items(std::move(items)) {
    depth = depthAbove(this->items);
  }
  std::string typeName() const override { return type; }
  std::optional<std::vector<Value>> iterate(Runtime &runtime) override;
  /// The next item, or nothing at the end.
  std::optional<Value> next();

private:
  std::string type;
  std::vector<Value> items;
  size_t at = 0;
};

/// dict.keys(), values() and items().
class ViewObject : public Object {
public:
  ViewObject(std::string type, std::vector<Value> items)
      : type(std::move(type)), items(Value::list(std::move(items))) {
    depth = this->items.depth();
  }
  std::string typeName() const override { return type; }
  Text print(Runtime &runtime) const override;
  std::optional<std::vector<Value>> iterate(Runtime &) override { return items.items(); }
  std::optional<size_t> length() const override { return items.items().size(); }

private:
  std::string type;
  Value items;
};

/// namespace(…): the only thing that a template can change.
class NamespaceObject : public Object {
public:
  std::string typeName() const override {
    return "transformers.utils.chat_template_utils.TemplateNamespace";
  }
  Text print(Runtime &runtime) const override;
  std::optional<Value> attribute(Runtime &runtime, const std::string &name) override;
  /// Raises for names that start with an underscore.
  void set(const std::string &name, const Value &value);

  std::vector<std::pair<std::string, Value>> attributes;
};

/// A function or bound method.
class FunctionObject : public Object {
public:
  using Body = std::function<Value(Runtime &, const Arguments &)>;
  /// `held` is the depth of the values that `body` holds.
  FunctionObject(std::string name, Body body, int held)
      : name(std::move(name)), body(std::move(body)) {
    depth = depthAbove(held);
  }
  std::string typeName() const override { return "function"; }
  Text print(Runtime &runtime) const override;
  Value call(Runtime &runtime, const Arguments &arguments) override {
    return body(runtime, arguments);
  }
  bool callable() const override { return true; }

private:
  std::string name;
  Body body;
};

Value makeIterator(std::string type, std::vector<Value> items);
/// `held` is the depth of the values that `body` holds.
Value makeFunction(std::string name, FunctionObject::Body body, int held = 0);

} // namespace dsv3::text::jinja
