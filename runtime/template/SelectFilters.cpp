//===- SelectFilters.cpp - map, select, reject and their kin --------------===//

#include "runtime/template/Access.h"
#include "runtime/template/Objects.h"
#include "runtime/template/Print.h"
#include "runtime/template/Runtime.h"

namespace dsv3::text::jinja {

static Value map(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  std::vector<Value> result;
  if (arguments.positional.empty() && !arguments.named.empty()) {
    Bound bound("map", arguments, {"attribute", "default"}, 1);
    for (const Value &item : itemsOf(runtime, subject)) {
      runtime.charge(1);
      Value value = pathOf(runtime, item, *bound.get(0));
      result.push_back(value.isUndefined() && bound.given(1) ? *bound.given(1) : value);
    }
    return makeIterator("generator", std::move(result));
  }
  if (arguments.positional.empty()) {
    raise("FilterArgumentError", "map requires a filter argument");
  }
  const Value &name = arguments.positional[0];
  Arguments rest{{arguments.positional.begin() + 1, arguments.positional.end()}, arguments.named};
  for (const Value &item : itemsOf(runtime, subject)) {
    runtime.charge(1);
    result.push_back(runtime.callFilter(toText(runtime, name).str(), item, rest));
  }
  return makeIterator("generator", std::move(result));
}

/// The items for which a test holds (or, with `wanted` false, does not).
static Value pick(Runtime &runtime, const Value &subject, const Arguments &arguments, bool wanted,
                  bool byAttribute) {
  size_t used = byAttribute ? 1 : 0;
  if (arguments.positional.size() < used) {
    raise("FilterArgumentError", "Missing parameter for attribute name");
  }
  std::string test;
  Arguments rest;
  if (arguments.positional.size() > used) {
    test = toText(runtime, arguments.positional[used]).str();
    rest = {{arguments.positional.begin() + std::ptrdiff_t(used) + 1, arguments.positional.end()},
            arguments.named};
  }
  std::vector<Value> result;
  for (const Value &item : itemsOf(runtime, subject)) {
    runtime.charge(1);
    Value value = byAttribute ? pathOf(runtime, item, arguments.positional[0]) : item;
    bool holds =
        arguments.positional.size() > used ? runtime.callTest(test, value, rest) : truthy(value);
    if (holds == wanted) {
      result.push_back(item);
    }
  }
  return makeIterator("generator", std::move(result));
}

std::span<const FilterEntry> selectFilters() {
  static constexpr FilterEntry filters[] = {
      {"map", map},
      {"select",
       [](Runtime &r, const Value &s, const Arguments &a) { return pick(r, s, a, true, false); }},
      {"reject",
       [](Runtime &r, const Value &s, const Arguments &a) { return pick(r, s, a, false, false); }},
      {"selectattr",
       [](Runtime &r, const Value &s, const Arguments &a) { return pick(r, s, a, true, true); }},
      {"rejectattr",
       [](Runtime &r, const Value &s, const Arguments &a) { return pick(r, s, a, false, true); }}};
  return filters;
}

} // namespace dsv3::text::jinja
