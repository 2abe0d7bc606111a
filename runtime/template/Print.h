//===- Print.h - values as text ---------------------------------*- C++ -*-===//
//
// Python's str() and repr(), and json.dumps as transformers' `tojson` calls it.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/template/Value.h"

#include <optional>
#include <string>

namespace dsv3::text::jinja {

/// str(value). Strings keep their origin, everything else is untrusted.
Text toText(Runtime &runtime, const Value &value);

/// repr(value).
std::string represent(Runtime &runtime, const Value &value);
/// repr of a string: quotes and escapes as Python chooses them.
std::string representString(std::string_view text);

/// repr of a float: the shortest digits that read back.
std::string floatText(double value);
/// A float with `precision` digits after the point, as format code f gives it.
std::string fixedText(double value, int precision);

/// The options of json.dumps that `tojson` takes.
struct JsonOptions {
  bool ensureAscii = false;
  bool sortKeys = false;
  /// What one level is indented by; nothing for a single line.
  std::optional<std::string> indent;
  std::string itemSeparator = ", ";
  std::string keySeparator = ": ";
};

std::string toJson(Runtime &runtime, const Value &value, const JsonOptions &options);

} // namespace dsv3::text::jinja
