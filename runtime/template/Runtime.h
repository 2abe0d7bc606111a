//===- Runtime.h - limits and look-up of one rendering ----------*- C++ -*-===//
//
// What filters, tests and methods need besides their arguments: the budget that
// bounds the work, memory and recursion of a template, and the tables of filters
// and tests by name.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/template/Raise.h"
#include "runtime/template/Value.h"

#include <span>
#include <string>
#include <vector>

namespace dsv3::text::jinja {

class NamespaceObject;

/// What a template may use up. The defaults are far above any chat.
struct Limits {
  /// Evaluated expressions and touched items; 64 bytes of text count as one.
  size_t steps = 20'000'000;
  /// Bytes of one string, and 16 times the items of one list.
  size_t bytes = size_t(32) << 20;
  /// Nested calls of the interpreter.
  int depth = 800;
};

/// Of one rendering, not shared between threads.
class Runtime {
public:
  explicit Runtime(const Limits &limits) : limits(limits) {}
  /// Empties the namespaces: they alone can hold each other in cycles.
  ~Runtime();
  Runtime(const Runtime &) = delete;
  Runtime &operator=(const Runtime &) = delete;

  /// Counts work; raises when the budget is spent.
  void charge(size_t units);
  /// Raises if a string of that size would be too large. Also call it before
  /// anything that multiplies sizes.
  void checkSize(size_t bytes) const;
  /// checkSize(count * size) that cannot overflow.
  void checkProduct(size_t count, size_t size) const;
  /// Charges for a result by its size.
  Value made(Value value);

  /// One level of recursion, for as long as it lives.
  class Descent {
  public:
    explicit Descent(Runtime &runtime);
    ~Descent() { --runtime.depth; }
    Descent(const Descent &) = delete;
    Descent &operator=(const Descent &) = delete;

  private:
    Runtime &runtime;
  };

  /// Raises the undefined value's own error if it is undefined.
  static void requireDefined(const Value &value);

  /// Raises if there is no such filter or test.
  Value callFilter(const std::string &name, const Value &subject, const Arguments &arguments);
  bool callTest(const std::string &name, const Value &subject, const Arguments &arguments);
  /// Calls a function, method, macro or loop.
  Value call(const Value &callee, const Arguments &arguments);

  Value makeNamespace();

private:
  Limits limits;
  size_t used = 0;
  int depth = 0;
  std::vector<std::shared_ptr<NamespaceObject>> namespaces;
};

/// A filter: `subject | name(arguments)`.
using Filter = Value (*)(Runtime &, const Value &subject, const Arguments &);
struct FilterEntry {
  const char *name;
  Filter filter;
};
/// A test: `subject is name(arguments)`.
using Test = bool (*)(Runtime &, const Value &subject, const Arguments &);
/// A method: `self.name(arguments)`.
using Method = Filter;
using MethodEntry = FilterEntry;

// The tables, a file for each.
std::span<const FilterEntry> textFilters();
std::span<const FilterEntry> sequenceFilters();
std::span<const FilterEntry> selectFilters();
std::span<const FilterEntry> valueFilters();
std::span<const MethodEntry> stringMethods();
std::span<const MethodEntry> stringSearchMethods();
std::span<const MethodEntry> listMethods();
std::span<const MethodEntry> dictMethods();
std::span<const MethodEntry> numberMethods();

/// Null if there is none of that name.
Filter findFilter(const std::string &name);
Test findTest(const std::string &name);

/// range, dict, namespace, raise_exception, … by name; nothing if unknown.
std::optional<Value> findGlobal(const std::string &name);

/// Arguments laid out by parameter, as Python binds them. Values live as long as
/// the Arguments.
class Bound {
public:
  /// The first `required` of `names` must be given. Raises TypeError otherwise.
  Bound(const char *function, const Arguments &arguments, std::initializer_list<const char *> names,
        size_t required = 0);

  /// Null if not given.
  const Value *get(size_t index) const { return slots[index]; }
  /// Null if not given or none.
  const Value *given(size_t index) const;
  int64_t integer(size_t index, int64_t fallback) const;
  bool boolean(size_t index, bool fallback) const;
  /// Raises if it is not a string.
  Text text(size_t index, std::string_view fallback) const;

private:
  const char *function;
  std::vector<const Value *> slots;
};

} // namespace dsv3::text::jinja
