//===- Value.h - the values of a template -----------------------*- C++ -*-===//
//
// Python's types as far as templates meet them. Values are immutable and shared;
// only namespaces change, and those are owned by the Runtime, so that values
// never form cycles. Nesting is bounded, so that walking a value may recurse.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/template/Text.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace dsv3::text::jinja {

class Object;
class Runtime;
class Value;
struct DictData;

/// Why a value is undefined: said when it is used.
struct UndefinedInfo {
  /// The whole message, if it is not about a name.
  std::string message;
  /// The kind of exception that Jinja raises on use.
  const char *kind = "UndefinedError";
};

struct StringData {
  Text text;
  /// Escaped for HTML: concatenation escapes the other side.
  bool markup = false;
};

/// The items of a list or a tuple.
struct SequenceData {
  std::vector<Value> items;
  int depth = 1;
  bool tuple = false;
  /// A tuple made by `groupby`, with the attributes `grouper` and `list`.
  bool group = false;
};

/// What a callable is called with.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

struct None {};

class Value {
public:
  Value() : data(None{}) {}
  Value(bool value) : data(value) {}
  Value(int64_t value) : data(value) {}
  Value(int value) : data(int64_t(value)) {}
  Value(double value) : data(value) {}
  Value(Text text, bool markup = false);
  Value(std::shared_ptr<Object> object) : data(std::move(object)) {}
  Value(std::shared_ptr<const DictData> dict) : data(std::move(dict)) {}
  Value(std::shared_ptr<const SequenceData> items) : data(std::move(items)) {}
  /// A pointer is not a truth value.
  Value(const char *) = delete;

  static Value undefined(std::string message, const char *kind = "UndefinedError");
  /// Raises if the nesting is too deep.
  static Value list(std::vector<Value> items);
  static Value tuple(std::vector<Value> items, bool group = false);

  bool isUndefined() const { return holds<std::shared_ptr<const UndefinedInfo>>(); }
  bool isNone() const { return holds<None>(); }
  bool isBool() const { return holds<bool>(); }
  /// An integer that is not a bool.
  bool isInt() const { return holds<int64_t>(); }
  bool isFloat() const { return holds<double>(); }
  bool isNumber() const { return isBool() || isInt() || isFloat(); }
  bool isString() const { return holds<std::shared_ptr<const StringData>>(); }
  bool isMarkup() const { return isString() && string().markup; }
  bool isSequence() const { return holds<std::shared_ptr<const SequenceData>>(); }
  bool isTuple() const { return isSequence() && sequence().tuple; }
  bool isList() const { return isSequence() && !sequence().tuple; }
  bool isDict() const { return holds<std::shared_ptr<const DictData>>(); }
  bool isObject() const { return holds<std::shared_ptr<Object>>(); }

  // Preconditions: the value is of that type.
  const UndefinedInfo &undefinedInfo() const { return *std::get<0>(data); }
  bool boolean() const { return std::get<bool>(data); }
  double floating() const { return std::get<double>(data); }
  const StringData &string() const { return *std::get<std::shared_ptr<const StringData>>(data); }
  const Text &text() const { return string().text; }
  const std::string &str() const { return text().str(); }
  const SequenceData &sequence() const {
    return *std::get<std::shared_ptr<const SequenceData>>(data);
  }
  const std::vector<Value> &items() const { return sequence().items; }
  const DictData &dict() const { return *std::get<std::shared_ptr<const DictData>>(data); }
  Object &object() const { return *std::get<std::shared_ptr<Object>>(data); }
  /// The object as a T, or null.
  template <typename T>
  T *as() const {
    return isObject() ? dynamic_cast<T *>(&object()) : nullptr;
  }

  /// The integer that a bool or int is; nothing for other types.
  std::optional<int64_t> integer() const;
  /// Bool, int or float as a float. Precondition: isNumber().
  double number() const;
  /// Levels of containers; 0 for anything else.
  int depth() const;
  /// The same place in memory (for `sameas`), or the same small value.
  bool sameAs(const Value &other) const;

private:
  template <typename T>
  bool holds() const {
    return std::holds_alternative<T>(data);
  }
  std::variant<std::shared_ptr<const UndefinedInfo>, None, bool, int64_t, double,
               std::shared_ptr<const StringData>, std::shared_ptr<const SequenceData>,
               std::shared_ptr<const DictData>, std::shared_ptr<Object>>
      data;
};

/// A dictionary in the order of insertion.
struct DictData {
  std::vector<std::pair<Value, Value>> items;
  /// From hashKey to the position in `items`.
  std::unordered_map<std::string, size_t> index;
  int depth = 1;

  /// Raises if `key` cannot be hashed or the nesting is too deep.
  void set(const Value &key, const Value &value);
  /// Null if absent. Raises if `key` cannot be hashed.
  const Value *find(const Value &key) const;
  const Value *find(const std::string &key) const;
};

/// Equal for equal values, as Python's dictionaries see them (1 == 1.0 == True).
std::string hashKey(const Value &value);

/// Anything that is not plain data: functions, loops, namespaces, iterators.
class Object {
public:
  virtual ~Object() = default;
  /// Python's name of the type.
  virtual std::string typeName() const = 0;
  /// What printing shows.
  virtual Text print(Runtime &runtime) const;
  /// The attribute, or nothing.
  virtual std::optional<Value> attribute(Runtime &runtime, const std::string &name);
  /// Raises unless callable.
  virtual Value call(Runtime &runtime, const Arguments &arguments);
  virtual bool callable() const { return false; }
  /// The items, or nothing if it cannot be iterated over. Iterators are used up.
  virtual std::optional<std::vector<Value>> iterate(Runtime &) { return std::nullopt; }
  /// The length, or nothing if it has none.
  virtual std::optional<size_t> length() const { return std::nullopt; }
  virtual bool truthy() const { return length().value_or(1) != 0; }
  /// Item of that index, or nothing; only for what Python can index.
  virtual std::optional<Value> item(int64_t) const { return std::nullopt; }

  /// Levels of values that it holds, as Value::depth counts them.
  int depth = 0;
};

/// Depth of what holds values of depth `inner`. Raises if that is too deep.
int depthAbove(int inner);
/// Depth of what holds `items`.
int depthAbove(const std::vector<Value> &items);

/// Python's name of the type of `value`.
std::string typeName(const Value &value);
/// Truth, length, items: Python's bool(), len(), iter().
bool truthy(const Value &value);
std::optional<size_t> lengthOf(const Value &value);
/// Raises if `value` cannot be iterated over.
std::vector<Value> itemsOf(Runtime &runtime, const Value &value);

/// A string made by the template, trusted as the template is.
Value literal(std::string_view text);
/// A string of doubtful origin.
Value untrusted(std::string_view text);

} // namespace dsv3::text::jinja
