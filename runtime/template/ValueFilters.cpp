//===- ValueFilters.cpp - numbers, defaults, attributes, JSON -------------===//

#include "runtime/template/Access.h"
#include "runtime/template/Characters.h"
#include "runtime/template/Operators.h"
#include "runtime/template/Print.h"
#include "runtime/template/Runtime.h"

#include <charconv>
#include <cmath>
#include <limits>

namespace dsv3::text::jinja {

static Value defaultTo(Runtime &, const Value &subject, const Arguments &arguments) {
  Bound bound("do_default", arguments, {"default_value", "boolean"});
  if (subject.isUndefined() || (bound.boolean(1, false) && !truthy(subject))) {
    return bound.get(0) ? *bound.get(0) : Value(Text());
  }
  return subject;
}

static Value absolute(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("abs", arguments, {});
  runtime.requireDefined(subject);
  if (!subject.isNumber()) {
    raiseType("bad operand type for abs(): '" + typeName(subject) + "'");
  }
  if (subject.isFloat()) {
    return std::abs(subject.floating());
  }
  return *subject.integer() < 0 ? negate(subject) : Value(*subject.integer());
}

/// Python's int(text, base); nothing if it is not one or does not fit.
static std::optional<int64_t> parseInteger(const std::string &source, int64_t base) {
  auto [from, to] = strippedRange(source, "", true, true);
  std::string text = source.substr(from, to - from);
  bool negative = text.starts_with('-');
  std::string digits = text.substr(negative || text.starts_with('+') ? 1 : 0);
  if (digits.size() > 2 && digits[0] == '0') {
    char mark = char(digits[1] | 0x20);
    int64_t implied = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
    if (implied != 0 && (base == implied || base == 0)) {
      digits = digits.substr(digits[2] == '_' ? 3 : 2);
      base = implied;
    }
  }
  base = base == 0 ? 10 : base;
  std::string plain;
  for (size_t i = 0; i < digits.size(); ++i) {
    bool single = digits[i] == '_' && i > 0 && i + 1 < digits.size() && digits[i + 1] != '_';
    if (!single) {
      plain += digits[i];
    }
  }
  int64_t value = 0;
  plain = (negative ? "-" : "") + plain;
  auto [end, error] = std::from_chars(plain.data(), plain.data() + plain.size(), value, int(base));
  bool sign = plain.size() > 1 && plain[0] == '-' && plain[1] == '-';
  return error == std::errc() && end == plain.data() + plain.size() && !sign ? std::optional(value)
                                                                             : std::nullopt;
}

/// Python's float(text).
static std::optional<double> parseFloat(const std::string &source) {
  auto [from, to] = strippedRange(source, "", true, true);
  std::string text = source.substr(from, to - from);
  if (text.starts_with('+') && !text.starts_with("+-")) {
    text.erase(0, 1);
  }
  for (size_t at = text.find('_'); at != std::string::npos; at = text.find('_', at)) {
    bool inner = at > 0 && at + 1 < text.size() && isDecimal(uint8_t(text[at - 1])) &&
                 isDecimal(uint8_t(text[at + 1]));
    if (!inner) {
      return std::nullopt;
    }
    text.erase(at, 1);
  }
  if (text.find('(') != std::string::npos) {
    return std::nullopt;
  }
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range && end == text.data() + text.size()) {
    return std::strtod(text.c_str(), nullptr);
  }
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value)
                                                                  : std::nullopt;
}

static Value toInteger(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("do_int", arguments, {"default", "base"});
  Value fallback = bound.get(0) ? *bound.get(0) : Value(0);
  runtime.requireDefined(subject);
  std::optional<double> number;
  if (subject.isString()) {
    int64_t base = bound.integer(1, 10);
    if (base != 0 && (base < 2 || base > 36)) {
      return fallback;
    }
    if (auto value = parseInteger(subject.str(), base)) {
      return *value;
    }
    number = parseFloat(subject.str());
  } else if (auto integer = subject.integer()) {
    return *integer;
  } else if (subject.isFloat()) {
    number = subject.floating();
  }
  if (!number || !std::isfinite(*number)) {
    return fallback;
  }
  if (std::abs(*number) >= 9.2e18) {
    raise("OverflowError", "the result does not fit in a 64-bit integer");
  }
  return int64_t(*number);
}

static Value toFloat(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("do_float", arguments, {"default"});
  Value fallback = bound.get(0) ? *bound.get(0) : Value(0.0);
  runtime.requireDefined(subject);
  if (subject.isNumber()) {
    return subject.number();
  }
  auto value = subject.isString() ? parseFloat(subject.str()) : std::nullopt;
  return value ? Value(*value) : fallback;
}

static Value roundTo(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("do_round", arguments, {"precision", "method"});
  std::string method = bound.text(1, "common").str();
  if (method != "common" && method != "ceil" && method != "floor") {
    raise("FilterArgumentError", "method must be common, ceil or floor");
  }
  runtime.requireDefined(subject);
  if (!subject.isNumber()) {
    raiseType("type " + typeName(subject) + " doesn't define __round__ method");
  }
  int64_t precision = bound.integer(0, 0);
  double number = subject.number();
  if (method != "common") {
    double scale = std::pow(10.0, double(precision));
    double scaled = number * scale;
    return (method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale;
  }
  if (subject.integer() && precision >= 0) {
    return *subject.integer();
  }
  if (!std::isfinite(number) || precision > 300) {
    return subject;
  }
  double rounded = 0;
  if (precision >= 0) {
    // Printing rounds the exact value, half to even, as Python does.
    rounded = std::strtod(fixedText(number, int(precision)).c_str(), nullptr);
  } else {
    double scale = std::pow(10.0, double(-std::max<int64_t>(precision, -300)));
    rounded = std::nearbyint(number / scale) * scale;
  }
  if (!subject.isFloat() && std::abs(rounded) >= 9.2e18) {
    raise("OverflowError", "the result does not fit in a 64-bit integer");
  }
  return subject.isFloat() ? Value(rounded) : Value(int64_t(rounded));
}

static Value attribute(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("do_attr", arguments, {"name"}, 1);
  std::string name = bound.text(0, "").str();
  // Unlike subject.name, this never looks for an item.
  if (subject.isDict() && subject.dict().find(name)) {
    Value empty = Value(std::shared_ptr<const DictData>(std::make_shared<const DictData>()));
    return attributeOf(runtime, empty, name);
  }
  return attributeOf(runtime, subject, name);
}

static Value json(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonOptions options;
  options.ensureAscii = bound.boolean(0, false);
  options.sortKeys = bound.boolean(3, false);
  if (const Value *indent = bound.given(1)) {
    if (indent->isString()) {
      options.indent = indent->str();
    } else {
      int64_t width = std::max<int64_t>(bound.integer(1, 0), 0);
      runtime.checkSize(size_t(width));
      options.indent = std::string(size_t(width), ' ');
    }
    options.itemSeparator = ",";
  }
  if (const Value *separators = bound.given(2)) {
    std::vector<Value> pair = itemsOf(runtime, *separators);
    if (pair.size() != 2 || !pair[0].isString() || !pair[1].isString()) {
      raiseValue("separators must be a pair of strings");
    }
    options.itemSeparator = pair[0].str();
    options.keySeparator = pair[1].str();
  }
  return untrusted(toJson(runtime, subject, options));
}

std::span<const FilterEntry> valueFilters() {
  static constexpr FilterEntry filters[] = {
      {"default", defaultTo}, {"d", defaultTo},   {"abs", absolute},   {"int", toInteger},
      {"float", toFloat},     {"round", roundTo}, {"attr", attribute}, {"tojson", json}};
  return filters;
}

} // namespace dsv3::text::jinja
