//===- Access.h - attributes, items and slices ------------------*- C++ -*-===//
//
// How the sandbox of Jinja reaches into values: `a.b` looks for an attribute,
// then for an item; `a['b']` the other way round. What is missing is undefined,
// what could change a value or reach Python's internals is refused on use.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/template/Value.h"

namespace dsv3::text::jinja {

/// value.name
Value attributeOf(Runtime &runtime, const Value &value, const std::string &name);
/// value[key]
Value itemOf(Runtime &runtime, const Value &value, const Value &key);
/// value[start:stop:step]; none means left out.
Value sliceOf(Runtime &runtime, const Value &value, const Value &start, const Value &stop,
              const Value &step);
/// What filters look up by `attribute`: a dotted path, or an index.
Value pathOf(Runtime &runtime, const Value &value, const Value &path);

} // namespace dsv3::text::jinja
