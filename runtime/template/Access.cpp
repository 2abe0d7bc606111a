//===- Access.cpp - attributes, items and slices --------------------------===//

#include "runtime/template/Access.h"

#include "runtime/template/Characters.h"
#include "runtime/template/Objects.h"
#include "runtime/template/Print.h"
#include "runtime/template/Runtime.h"

#include <algorithm>

namespace dsv3::text::jinja {

static std::string typeRepresentation(const Value &value) {
  return value.isNone() ? "None" : typeName(value) + " object";
}

static Value missingAttribute(const Value &value, const std::string &name) {
  return Value::undefined(representString(typeRepresentation(value)) + " has no attribute " +
                          representString(name));
}

/// Methods that would change a list or a dictionary.
static bool changes(const Value &value, const std::string &name) {
  static const char *const lists[] = {"append", "clear", "pop",    "reverse",
                                      "insert", "sort",  "extend", "remove"};
  static const char *const dicts[] = {"clear", "pop", "popitem", "setdefault", "update"};
  auto in = [&](auto &names) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
  };
  return value.isList() ? in(lists) : value.isDict() && in(dicts);
}

/// A Python attribute of `value`, bound to it; nothing if it has none.
static std::optional<Value> findAttribute(Runtime &runtime, const Value &value,
                                          const std::string &name) {
  if (changes(value, name) || (name.size() > 4 && name.starts_with("__") && name.ends_with("__"))) {
    return Value::undefined("access to attribute " + representString(name) + " of '" +
                                typeName(value) + "' object is unsafe.",
                            "SecurityError");
  }
  if (value.isObject()) {
    return value.object().attribute(runtime, name);
  }
  if (value.isTuple() && value.sequence().group && (name == "grouper" || name == "list")) {
    return value.items()[name == "list"];
  }
  auto bind = [&](std::span<const MethodEntry> methods) -> std::optional<Value> {
    for (const MethodEntry &entry : methods) {
      if (name == entry.name) {
        Method method = entry.filter;
        return makeFunction(
            name,
            [method, value](Runtime &inner, const Arguments &arguments) {
              return method(inner, value, arguments);
            },
            value.depth());
      }
    }
    return std::nullopt;
  };
  if (value.isString()) {
    auto found = bind(stringMethods());
    return found ? found : bind(stringSearchMethods());
  }
  if (value.isSequence()) {
    return name == "copy" && value.isTuple() ? std::nullopt : bind(listMethods());
  }
  if (value.isDict()) {
    return bind(dictMethods());
  }
  return value.isNumber() ? bind(numberMethods()) : std::nullopt;
}

/// A Python item of `value`; nothing where Python raises.
static std::optional<Value> findItem(const Value &value, const Value &key) {
  if (value.isDict()) {
    if (key.isList() || key.isDict()) {
      return std::nullopt;
    }
    const Value *found = value.dict().find(key);
    return found ? std::optional(*found) : std::nullopt;
  }
  auto index = key.integer();
  if (!index) {
    return std::nullopt;
  }
  if (value.isSequence()) {
    int64_t size = int64_t(value.items().size()), at = *index + (*index < 0 ? size : 0);
    return at >= 0 && at < size ? std::optional(value.items()[size_t(at)]) : std::nullopt;
  }
  if (value.isString()) {
    std::vector<size_t> offsets = characterOffsets(value.str());
    int64_t size = int64_t(offsets.size()) - 1, at = *index + (*index < 0 ? size : 0);
    if (at < 0 || at >= size) {
      return std::nullopt;
    }
    return Value(value.text().slice(offsets[size_t(at)], offsets[size_t(at) + 1]),
                 value.isMarkup());
  }
  return value.isObject() ? value.object().item(*index) : std::nullopt;
}

Value attributeOf(Runtime &runtime, const Value &value, const std::string &name) {
  runtime.requireDefined(value);
  if (auto found = findAttribute(runtime, value, name)) {
    return *found;
  }
  if (value.isDict()) {
    const Value *found = value.dict().find(name);
    if (found) {
      return *found;
    }
  }
  return missingAttribute(value, name);
}

Value itemOf(Runtime &runtime, const Value &value, const Value &key) {
  runtime.requireDefined(value);
  if (value.isString()) {
    runtime.charge(value.text().size() / 16);
  }
  if (auto found = findItem(value, key)) {
    return *found;
  }
  if (key.isString()) {
    if (auto found = findAttribute(runtime, value, key.str())) {
      return *found;
    }
    return missingAttribute(value, key.str());
  }
  return Value::undefined(typeRepresentation(value) + " has no element " + represent(runtime, key));
}

static std::optional<int64_t> sliceIndex(const Value &value) {
  if (value.isNone()) {
    return std::nullopt;
  }
  Runtime::requireDefined(value);
  if (!value.integer()) {
    raiseType("slice indices must be integers or None or have an __index__ method");
  }
  return value.integer();
}

/// The indices that a slice of something of `size` items takes.
static std::vector<size_t> sliceIndices(size_t size, const Value &start, const Value &stop,
                                        const Value &step) {
  int64_t by = sliceIndex(step).value_or(1), length = int64_t(size);
  if (by == 0) {
    raiseValue("slice step cannot be zero");
  }
  by = std::clamp(by, -length - 1, length + 1);
  int64_t low = by < 0 ? -1 : 0, high = by < 0 ? length - 1 : length;
  auto place = [&](const Value &value, int64_t fallback) {
    auto index = sliceIndex(value);
    if (!index) {
      return fallback;
    }
    int64_t at = std::clamp(*index, -length - 1, length + 1);
    return std::clamp(at < 0 ? at + length : at, low, high);
  };
  int64_t at = place(start, by < 0 ? high : low), end = place(stop, by < 0 ? low : high);
  std::vector<size_t> result;
  for (; by > 0 ? at < end : at > end; at += by) {
    result.push_back(size_t(at));
  }
  return result;
}

Value sliceOf(Runtime &runtime, const Value &value, const Value &start, const Value &stop,
              const Value &step) {
  runtime.requireDefined(value);
  if (value.isString()) {
    std::vector<size_t> offsets = characterOffsets(value.str());
    Text result;
    for (size_t at : sliceIndices(offsets.size() - 1, start, stop, step)) {
      result.append(value.text(), offsets[at], offsets[at + 1]);
    }
    return runtime.made(Value(std::move(result), value.isMarkup()));
  }
  if (value.isSequence() || value.as<RangeObject>()) {
    std::vector<Value> all = itemsOf(runtime, value), items;
    for (size_t at : sliceIndices(all.size(), start, stop, step)) {
      items.push_back(all[at]);
    }
    return runtime.made(value.isTuple() ? Value::tuple(std::move(items))
                                        : Value::list(std::move(items)));
  }
  // Jinja takes Python's refusal to slice for a missing item.
  std::string text = "slice(" + represent(runtime, start) + ", " + represent(runtime, stop) + ", " +
                     represent(runtime, step) + ")";
  return Value::undefined(typeRepresentation(value) + " has no element " + text);
}

Value pathOf(Runtime &runtime, const Value &value, const Value &path) {
  if (!path.isString()) {
    return itemOf(runtime, value, path);
  }
  Value result = value;
  std::string_view rest = path.str();
  while (true) {
    size_t dot = rest.find('.');
    std::string part(rest.substr(0, dot));
    bool number =
        !part.empty() && part.size() < 10 &&
        std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    result = itemOf(runtime, result, number ? Value(std::stoi(part)) : untrusted(part));
    if (dot == std::string_view::npos) {
      return result;
    }
    rest.remove_prefix(dot + 1);
  }
}

} // namespace dsv3::text::jinja
