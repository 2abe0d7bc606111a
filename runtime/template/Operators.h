//===- Operators.h - arithmetic of values -----------------------*- C++ -*-===//
//
// Python's operators. Integers have 64 bits; a result that does not fit is an
// error, never a wrong number.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/template/Value.h"

namespace dsv3::text::jinja {

/// `op` is one of + - * / // % **.
Value binary(Runtime &runtime, const std::string &op, const Value &left, const Value &right);
Value negate(const Value &value);
Value posite(const Value &value);

/// `text` escaped for HTML; characters of the text keep their origin.
Text escapeHtml(const Text &text);

/// Python's `format % values`.
Value formatPercent(Runtime &runtime, const Text &format, const Value &values);
/// Python's format.format(*positional, **named).
Value formatBraces(Runtime &runtime, const Text &format, const Arguments &arguments);

} // namespace dsv3::text::jinja
