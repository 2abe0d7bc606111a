//===- StringMethods.cpp - methods that make strings ----------------------===//
//
// str.strip, replace, upper, format, … Characters keep their origin.
//
//===----------------------------------------------------------------------===//

#include "runtime/template/Characters.h"
#include "runtime/template/Operators.h"
#include "runtime/template/Runtime.h"
#include "runtime/template/Strings.h"

namespace dsv3::text::jinja {

static Value strip(const char *name, const Value &self, const Arguments &arguments, bool left,
                   bool right) {
  Bound bound(name, arguments, {"chars"});
  if (bound.given(0)) {
    std::string characters = bound.text(0, "").str();
    if (characters.empty()) {
      return self;
    }
    auto [from, to] = strippedRange(self.str(), characters, left, right);
    return Value(self.text().slice(from, to), self.isMarkup());
  }
  auto [from, to] = strippedRange(self.str(), "", left, right);
  return Value(self.text().slice(from, to), self.isMarkup());
}

Text replaceAll(Runtime &runtime, const Text &text, const Text &from, const Text &to,
                int64_t limit) {
  Text result;
  size_t done = 0, at = 0;
  const std::string &bytes = text.str();
  while (limit != 0) {
    at = bytes.find(from.str(), at);
    if (at == std::string::npos) {
      break;
    }
    runtime.charge(1);
    runtime.checkSize(result.size() + to.size());
    result.append(text, done, at);
    result.append(to);
    done = at;
    if (from.empty()) {
      if (at == bytes.size()) {
        break;
      }
      at += decodeUtf8(std::string_view(bytes).substr(at)).length;
    } else {
      done = at = at + from.size();
    }
    --limit;
  }
  result.append(text, done, bytes.size());
  return result;
}

static Value replace(Runtime &runtime, const Value &self, const Arguments &arguments) {
  Bound bound("replace", arguments, {"old", "new", "count"}, 2);
  return Value(
      replaceAll(runtime, self.text(), bound.text(0, ""), bound.text(1, ""), bound.integer(2, -1)),
      self.isMarkup());
}

Text padded(Runtime &runtime, const Text &text, int64_t width, const Text &fill, char align) {
  int64_t missing = width - int64_t(characterCount(text.str()));
  if (missing <= 0) {
    return text;
  }
  runtime.checkProduct(size_t(missing), fill.size());
  // str.center puts the odd blank on the left if the width is odd as well.
  int64_t left = align == '>' ? missing : align == '<' ? 0 : missing / 2 + (missing & width & 1);
  Text result;
  for (int64_t i = 0; i < left; ++i) {
    result.append(fill);
  }
  result.append(text);
  for (int64_t i = left; i < missing; ++i) {
    result.append(fill);
  }
  return result;
}

static Value pad(Runtime &runtime, const Value &self, const Arguments &arguments, char align) {
  Bound bound("just", arguments, {"width", "fillchar"}, 1);
  Text fill = bound.text(1, " ");
  if (characterCount(fill.str()) != 1) {
    raiseType("The fill character must be exactly one character long");
  }
  return padded(runtime, self.text(), bound.integer(0, 0), fill, align);
}

static Value zfill(Runtime &runtime, const Value &self, const Arguments &arguments) {
  Bound bound("zfill", arguments, {"width"}, 1);
  bool sign = self.str().starts_with('+') || self.str().starts_with('-');
  Text result = self.text().slice(0, sign ? 1 : 0);
  result.append(padded(runtime, self.text().slice(sign ? 1 : 0, self.text().size()),
                       std::max<int64_t>(bound.integer(0, 0), 1) - (sign ? 1 : 0), Text("0", true),
                       '>'));
  return result;
}

static Value swapcase(Runtime &, const Value &self, const Arguments &) {
  Text result;
  forEachCharacter(self.str(), [&](size_t begin, size_t end, char32_t c) {
    result.append(cased(self.text().slice(begin, end), isUpper(c) ? Case::Lower : Case::Upper));
  });
  return result;
}

static Value removeAffix(const Value &self, const Arguments &arguments, bool prefix) {
  Bound bound(prefix ? "removeprefix" : "removesuffix", arguments, {"affix"}, 1);
  const Text &text = self.text();
  std::string affix = bound.text(0, "").str();
  if (prefix) {
    return text.slice(text.str().starts_with(affix) ? affix.size() : 0, text.size());
  }
  return text.slice(0, text.size() - (text.str().ends_with(affix) ? affix.size() : 0));
}

static Value expandTabs(Runtime &runtime, const Value &self, const Arguments &arguments) {
  Bound bound("expandtabs", arguments, {"tabsize"});
  int64_t size = bound.integer(0, 8), column = 0;
  Text result;
  forEachCharacter(self.str(), [&](size_t begin, size_t end, char32_t c) {
    if (c == '\t') {
      int64_t blanks = size > 0 ? size - column % size : 0;
      runtime.checkSize(result.size() + size_t(blanks));
      result.append(std::string(size_t(blanks), ' '), self.text().trustedAt(begin));
      column += blanks;
    } else {
      result.append(self.text(), begin, end);
      column = c == '\n' || c == '\r' ? 0 : column + 1;
    }
  });
  return result;
}

static Value joinItems(Runtime &runtime, const Value &self, const Arguments &arguments) {
  Bound bound("join", arguments, {"iterable"}, 1);
  Text result;
  size_t index = 0;
  for (const Value &item : itemsOf(runtime, *bound.get(0))) {
    if (!item.isString()) {
      raiseType("sequence item " + std::to_string(index) + ": expected str instance, " +
                typeName(item) + " found");
    }
    if (index++ > 0) {
      result.append(self.text());
    }
    result.append(item.text());
    runtime.checkSize(result.size());
  }
  return result;
}

static Value formatMethod(Runtime &runtime, const Value &self, const Arguments &arguments) {
  return formatBraces(runtime, self.text(), arguments);
}

static Value formatMap(Runtime &runtime, const Value &self, const Arguments &arguments) {
  Bound bound("format_map", arguments, {"mapping"}, 1);
  Arguments spread;
  if (bound.get(0)->isDict()) {
    for (const auto &[key, value] : bound.get(0)->dict().items) {
      if (key.isString()) {
        spread.named.emplace_back(key.str(), value);
      }
    }
  }
  return formatBraces(runtime, self.text(), spread);
}

std::span<const MethodEntry> stringMethods() {
  static constexpr MethodEntry methods[] = {
      {"strip", [](Runtime &, const Value &s,
                   const Arguments &a) { return strip("strip", s, a, true, true); }},
      {"lstrip", [](Runtime &, const Value &s,
                    const Arguments &a) { return strip("lstrip", s, a, true, false); }},
      {"rstrip", [](Runtime &, const Value &s,
                    const Arguments &a) { return strip("rstrip", s, a, false, true); }},
      {"upper", [](Runtime &, const Value &s,
                   const Arguments &) { return Value(cased(s.text(), Case::Upper)); }},
      {"lower", [](Runtime &, const Value &s,
                   const Arguments &) { return Value(cased(s.text(), Case::Lower)); }},
      {"casefold", [](Runtime &, const Value &s,
                      const Arguments &) { return Value(cased(s.text(), Case::Lower)); }},
      {"title", [](Runtime &, const Value &s,
                   const Arguments &) { return Value(cased(s.text(), Case::Title)); }},
      {"capitalize",
       [](Runtime &, const Value &s, const Arguments &) { return Value(capitalized(s.text())); }},
      {"swapcase", swapcase},
      {"replace", replace},
      {"ljust", [](Runtime &r, const Value &s, const Arguments &a) { return pad(r, s, a, '<'); }},
      {"rjust", [](Runtime &r, const Value &s, const Arguments &a) { return pad(r, s, a, '>'); }},
      {"center", [](Runtime &r, const Value &s, const Arguments &a) { return pad(r, s, a, '^'); }},
      {"zfill", zfill},
      {"removeprefix",
       [](Runtime &, const Value &s, const Arguments &a) { return removeAffix(s, a, true); }},
      {"removesuffix",
       [](Runtime &, const Value &s, const Arguments &a) { return removeAffix(s, a, false); }},
      {"expandtabs", expandTabs},
      {"join", joinItems},
      {"format", formatMethod},
      {"format_map", formatMap}};
  return methods;
}

} // namespace dsv3::text::jinja
