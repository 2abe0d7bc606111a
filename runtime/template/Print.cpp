//===- Print.cpp - str() and repr() ---------------------------------------===//

#include "runtime/template/Print.h"

#include "runtime/template/Characters.h"
#include "runtime/template/Runtime.h"

#include <charconv>
#include <cmath>
#include <cstdio>

namespace dsv3::text::jinja {

std::string floatText(double value) {
  if (std::isnan(value)) {
    return "nan";
  }
  if (std::isinf(value)) {
    return value < 0 ? "-inf" : "inf";
  }
  char buffer[40];
  auto end =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
  std::string text(buffer, end);
  size_t e = text.find('e');
  int exponent = std::atoi(text.c_str() + e + 1);
  std::string sign = text[0] == '-' ? "-" : "";
  std::string digits;
  for (char c : text.substr(sign.size(), e - sign.size())) {
    if (c != '.') {
      digits += c;
    }
  }
  if (exponent < -4 || exponent >= 16) {
    std::string mantissa = digits.substr(0, 1);
    if (digits.size() > 1) {
      mantissa += "." + digits.substr(1);
    }
    int size = std::abs(exponent);
    return sign + mantissa + (exponent < 0 ? "e-" : "e+") + (size < 10 ? "0" : "") +
           std::to_string(size);
  }
  if (exponent < 0) {
    return sign + "0." + std::string(size_t(-exponent - 1), '0') + digits;
  }
  size_t whole = size_t(exponent) + 1;
  if (digits.size() <= whole) {
    return sign + digits + std::string(whole - digits.size(), '0') + ".0";
  }
  return sign + digits.substr(0, whole) + "." + digits.substr(whole);
}

std::string fixedText(double value, int precision) {
  int size = std::snprintf(nullptr, 0, "%.*f", precision, value);
  std::string text(size_t(size) + 1, '\0');
  std::snprintf(text.data(), text.size(), "%.*f", precision, value);
  text.pop_back();
  return text;
}

std::string representString(std::string_view text) {
  char quote = text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos
                   ? '"'
                   : '\'';
  std::string out(1, quote);
  forEachCharacter(text, [&](size_t begin, size_t end, char32_t c) {
    char buffer[16];
    if (c == char32_t(quote) || c == '\\') {
      out += '\\';
      out += char(c);
    } else if (c == '\n' || c == '\r' || c == '\t') {
      out += c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t";
    } else if (isPrintable(c)) {
      out += text.substr(begin, end - begin);
    } else {
      std::snprintf(buffer, sizeof buffer,
                    c < 0x100     ? "\\x%02x"
                    : c < 0x10000 ? "\\u%04x"
                                  : "\\U%08x",
                    unsigned(c));
      out += buffer;
    }
  });
  return out + quote;
}

static void representInto(Runtime &runtime, const Value &value, std::string &out) {
  Runtime::Descent descent(runtime);
  runtime.charge(out.size() / 64);
  runtime.checkSize(out.size());
  auto list = [&](const std::vector<Value> &items, const char *open, const char *close) {
    out += open;
    for (size_t i = 0; i < items.size(); ++i) {
      out += i == 0 ? "" : ", ";
      representInto(runtime, items[i], out);
    }
    out += close;
  };
  if (value.isUndefined()) {
    out += "Undefined";
  } else if (value.isNone()) {
    out += "None";
  } else if (value.isBool()) {
    out += value.boolean() ? "True" : "False";
  } else if (value.isInt()) {
    out += std::to_string(*value.integer());
  } else if (value.isFloat()) {
    out += floatText(value.floating());
  } else if (value.isString()) {
    std::string text = representString(value.str());
    out += value.isMarkup() ? "Markup(" + text + ")" : text;
  } else if (value.isTuple()) {
    list(value.items(), "(", value.items().size() == 1 ? ",)" : ")");
  } else if (value.isList()) {
    list(value.items(), "[", "]");
  } else if (value.isDict()) {
    out += "{";
    bool first = true;
    for (const auto &[key, item] : value.dict().items) {
      out += first ? "" : ", ";
      first = false;
      representInto(runtime, key, out);
      out += ": ";
      representInto(runtime, item, out);
    }
    out += "}";
  } else {
    out += value.object().print(runtime).str();
  }
}

std::string represent(Runtime &runtime, const Value &value) {
  std::string out;
  representInto(runtime, value, out);
  runtime.checkSize(out.size());
  return out;
}

Text toText(Runtime &runtime, const Value &value) {
  if (value.isString()) {
    return value.text();
  }
  if (value.isUndefined()) {
    return {};
  }
  if (value.isObject()) {
    return value.object().print(runtime);
  }
  return Text(represent(runtime, value), false);
}

} // namespace dsv3::text::jinja
