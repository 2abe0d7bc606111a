//===- Tests.cpp - `is` ---------------------------------------------------===//

#include "runtime/template/Characters.h"
#include "runtime/template/Compare.h"
#include "runtime/template/Objects.h"
#include "runtime/template/Operators.h"
#include "runtime/template/Print.h"
#include "runtime/template/Runtime.h"

namespace dsv3::text::jinja {

static const Value &argument(const char *name, const Arguments &arguments) {
  if (arguments.positional.size() != 1 || !arguments.named.empty()) {
    raiseType(std::string("the test '") + name + "' takes one argument");
  }
  return arguments.positional[0];
}

static bool divisible(Runtime &runtime, const Value &subject, const Value &by) {
  return equals(runtime, binary(runtime, "%", subject, by), Value(0));
}

/// Whether the text has letters of the one case and none of the other.
static bool hasCase(Runtime &runtime, const Value &subject, bool (*wanted)(char32_t),
                    bool (*other)(char32_t)) {
  bool some = false, none = true;
  forEachCharacter(toText(runtime, subject).str(), [&](size_t, size_t, char32_t c) {
    some = some || wanted(c);
    none = none && !other(c);
  });
  return some && none;
}

static bool isIterable(const Value &value) {
  return value.isUndefined() || value.isString() || value.isSequence() || value.isDict() ||
         value.as<RangeObject>() || value.as<IteratorObject>() || value.as<ViewObject>();
}

template <const char *Op>
static bool comparison(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  return compare(runtime, Op, subject, argument(Op, arguments));
}

static constexpr char opEq[] = "==", opNe[] = "!=", opGt[] = ">", opGe[] = ">=", opLt[] = "<",
                      opLe[] = "<=";

namespace {
struct TestEntry {
  const char *name;
  Test test;
};
} // namespace

static constexpr TestEntry tests[] = {
    {"defined", [](Runtime &, const Value &s, const Arguments &) { return !s.isUndefined(); }},
    {"undefined", [](Runtime &, const Value &s, const Arguments &) { return s.isUndefined(); }},
    {"none", [](Runtime &, const Value &s, const Arguments &) { return s.isNone(); }},
    {"boolean", [](Runtime &, const Value &s, const Arguments &) { return s.isBool(); }},
    {"true",
     [](Runtime &, const Value &s, const Arguments &) { return s.isBool() && s.boolean(); }},
    {"false",
     [](Runtime &, const Value &s, const Arguments &) { return s.isBool() && !s.boolean(); }},
    {"integer", [](Runtime &, const Value &s, const Arguments &) { return s.isInt(); }},
    {"float", [](Runtime &, const Value &s, const Arguments &) { return s.isFloat(); }},
    {"number", [](Runtime &, const Value &s, const Arguments &) { return s.isNumber(); }},
    {"string", [](Runtime &, const Value &s, const Arguments &) { return s.isString(); }},
    {"mapping", [](Runtime &, const Value &s, const Arguments &) { return s.isDict(); }},
    {"sequence",
     [](Runtime &, const Value &s, const Arguments &) {
       return s.isString() || s.isSequence() || s.isDict() || s.as<RangeObject>() != nullptr;
     }},
    {"iterable", [](Runtime &, const Value &s, const Arguments &) { return isIterable(s); }},
    {"callable",
     [](Runtime &, const Value &s, const Arguments &) {
       // Undefined has a method for being called: it raises.
       return s.isUndefined() || (s.isObject() && s.object().callable());
     }},
    {"escaped", [](Runtime &, const Value &s, const Arguments &) { return s.isMarkup(); }},
    {"odd", [](Runtime &r, const Value &s,
               const Arguments &) { return equals(r, binary(r, "%", s, Value(2)), Value(1)); }},
    {"even",
     [](Runtime &r, const Value &s, const Arguments &) { return divisible(r, s, Value(2)); }},
    {"divisibleby", [](Runtime &r, const Value &s,
                       const Arguments &a) { return divisible(r, s, argument("divisibleby", a)); }},
    {"lower",
     [](Runtime &r, const Value &s, const Arguments &) { return hasCase(r, s, isLower, isUpper); }},
    {"upper",
     [](Runtime &r, const Value &s, const Arguments &) { return hasCase(r, s, isUpper, isLower); }},
    {"in", [](Runtime &r, const Value &s,
              const Arguments &a) { return contains(r, argument("in", a), s); }},
    {"sameas",
     [](Runtime &, const Value &s, const Arguments &a) { return s.sameAs(argument("sameas", a)); }},
    {"filter", [](Runtime &, const Value &s,
                  const Arguments &) { return s.isString() && findFilter(s.str()); }},
    {"test", [](Runtime &, const Value &s,
                const Arguments &) { return s.isString() && findTest(s.str()); }},
    {"==", comparison<opEq>},
    {"eq", comparison<opEq>},
    {"equalto", comparison<opEq>},
    {"!=", comparison<opNe>},
    {"ne", comparison<opNe>},
    {">", comparison<opGt>},
    {"gt", comparison<opGt>},
    {"greaterthan", comparison<opGt>},
    {">=", comparison<opGe>},
    {"ge", comparison<opGe>},
    {"<", comparison<opLt>},
    {"lt", comparison<opLt>},
    {"lessthan", comparison<opLt>},
    {"<=", comparison<opLe>},
    {"le", comparison<opLe>}};

Test findTest(const std::string &name) {
  for (const TestEntry &entry : tests) {
    if (name == entry.name) {
      return entry.test;
    }
  }
  return nullptr;
}

} // namespace dsv3::text::jinja
