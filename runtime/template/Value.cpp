//===- Value.cpp - the values of a template -------------------------------===//

#include "runtime/template/Value.h"

#include "runtime/template/Characters.h"
#include "runtime/template/Print.h"
#include "runtime/template/Raise.h"

#include <algorithm>
#include <cmath>

namespace dsv3::text::jinja {

/// Beyond any message or tool schema, and safe to recurse over.
static constexpr int maxDepth = 200;

int depthAbove(int inner) {
  if (inner >= maxDepth) {
    raise("RecursionError", "a value is nested more than " + std::to_string(maxDepth) + " deep");
  }
  return inner + 1;
}

int depthAbove(const std::vector<Value> &items) {
  int inner = 0;
  for (const Value &item : items) {
    inner = std::max(inner, item.depth());
  }
  return depthAbove(inner);
}

Value::Value(Text text, bool markup)
    : data(std::make_shared<const StringData>(StringData{std::move(text), markup})) {}

Value Value::undefined(std::string message, const char *kind) {
  Value value;
  value.data = std::make_shared<const UndefinedInfo>(UndefinedInfo{std::move(message), kind});
  return value;
}

static Value makeSequence(std::vector<Value> items, bool tuple, bool group) {
  auto data = std::make_shared<SequenceData>();
  data->depth = depthAbove(items);
  data->items = std::move(items);
  data->tuple = tuple;
  data->group = group;
  return Value(std::shared_ptr<const SequenceData>(std::move(data)));
}

Value Value::list(std::vector<Value> items) { return makeSequence(std::move(items), false, false); }

Value Value::tuple(std::vector<Value> items, bool group) {
  return makeSequence(std::move(items), true, group);
}

std::optional<int64_t> Value::integer() const {
  if (isBool()) {
    return boolean() ? 1 : 0;
  }
  return isInt() ? std::optional(std::get<int64_t>(data)) : std::nullopt;
}

double Value::number() const { return isFloat() ? floating() : double(*integer()); }

int Value::depth() const {
  return isSequence() ? sequence().depth
         : isDict()   ? dict().depth
         : isObject() ? object().depth
                      : 0;
}

bool Value::sameAs(const Value &other) const {
  if (data.index() != other.data.index()) {
    return false;
  }
  if (isNone()) {
    return true;
  }
  if (isNumber()) {
    return number() == other.number();
  }
  if (isString()) {
    return &string() == &other.string();
  }
  if (isSequence()) {
    return &sequence() == &other.sequence();
  }
  if (isDict()) {
    return &dict() == &other.dict();
  }
  return isObject() && &object() == &other.object();
}

std::string hashKey(const Value &value) {
  if (value.isString()) {
    return "s" + value.str();
  }
  if (auto integer = value.integer()) {
    return "i" + std::to_string(*integer);
  }
  if (value.isFloat()) {
    double number = value.floating();
    bool whole = std::floor(number) == number && std::abs(number) < 9e18;
    return whole ? "i" + std::to_string(int64_t(number)) : "f" + floatText(number);
  }
  if (value.isTuple()) {
    std::string key = "t";
    for (const Value &item : value.items()) {
      std::string inner = hashKey(item);
      key += std::to_string(inner.size()) + ":" + inner;
    }
    return key;
  }
  if (value.isList() || value.isDict()) {
    raiseType("unhashable type: '" + typeName(value) + "'");
  }
  if (value.isObject()) {
    return "o" + std::to_string(reinterpret_cast<uintptr_t>(&value.object()));
  }
  return value.isNone() ? "n" : "u";
}

void DictData::set(const Value &key, const Value &value) {
  depth = std::max(depth, depthAbove(std::max(key.depth(), value.depth())));
  auto [found, added] = index.try_emplace(hashKey(key), items.size());
  if (added) {
    items.emplace_back(key, value);
  } else {
    items[found->second].second = value;
  }
}

const Value *DictData::find(const Value &key) const {
  auto found = index.find(hashKey(key));
  return found == index.end() ? nullptr : &items[found->second].second;
}

const Value *DictData::find(const std::string &key) const {
  auto found = index.find("s" + key);
  return found == index.end() ? nullptr : &items[found->second].second;
}

Text Object::print(Runtime &) const { return Text("<" + typeName() + " object>", false); }

std::optional<Value> Object::attribute(Runtime &, const std::string &) { return std::nullopt; }

Value Object::call(Runtime &, const Arguments &) {
  raiseType("'" + typeName() + "' object is not callable");
}

std::string typeName(const Value &value) {
  if (value.isUndefined()) {
    return "Undefined";
  }
  if (value.isNone()) {
    return "NoneType";
  }
  if (value.isBool()) {
    return "bool";
  }
  if (value.isInt()) {
    return "int";
  }
  if (value.isFloat()) {
    return "float";
  }
  if (value.isString()) {
    return value.isMarkup() ? "Markup" : "str";
  }
  if (value.isSequence()) {
    return value.isTuple() ? "tuple" : "list";
  }
  return value.isDict() ? "dict" : value.object().typeName();
}

bool truthy(const Value &value) {
  if (value.isUndefined() || value.isNone()) {
    return false;
  }
  if (value.isNumber()) {
    return value.number() != 0;
  }
  return value.isObject() ? value.object().truthy() : lengthOf(value) != 0U;
}

std::optional<size_t> lengthOf(const Value &value) {
  if (value.isUndefined()) {
    return 0;
  }
  if (value.isString()) {
    return characterCount(value.str());
  }
  if (value.isSequence()) {
    return value.items().size();
  }
  if (value.isDict()) {
    return value.dict().items.size();
  }
  return value.isObject() ? value.object().length() : std::nullopt;
}

std::vector<Value> itemsOf(Runtime &runtime, const Value &value) {
  std::vector<Value> items;
  if (value.isUndefined()) {
    return items;
  }
  if (value.isSequence()) {
    return value.items();
  }
  if (value.isDict()) {
    for (const auto &[key, item] : value.dict().items) {
      items.push_back(key);
    }
    return items;
  }
  if (value.isString()) {
    forEachCharacter(value.str(), [&](size_t begin, size_t end, char32_t) {
      items.emplace_back(value.text().slice(begin, end), value.isMarkup());
    });
    return items;
  }
  if (value.isObject()) {
    if (auto found = value.object().iterate(runtime)) {
      return *std::move(found);
    }
  }
  raiseType("'" + typeName(value) + "' object is not iterable");
}

Value literal(std::string_view text) { return Value(Text(text, true)); }

Value untrusted(std::string_view text) { return Value(Text(text, false)); }

} // namespace dsv3::text::jinja
