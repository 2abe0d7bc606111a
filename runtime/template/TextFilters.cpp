//===- TextFilters.cpp - filters over strings -----------------------------===//
//
// What is not a string is printed first, as Jinja does it.
//
//===----------------------------------------------------------------------===//

#include "runtime/template/Characters.h"
#include "runtime/template/Operators.h"
#include "runtime/template/Print.h"
#include "runtime/template/Runtime.h"
#include "runtime/template/Strings.h"

#include <cstdio>

namespace dsv3::text::jinja {

static Value keepMarkup(const Value &subject, Text text) {
  return Value(std::move(text), subject.isMarkup());
}

static Value upper(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("do_upper", arguments, {});
  return keepMarkup(subject, cased(toText(runtime, subject), Case::Upper));
}

static Value lower(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("do_lower", arguments, {});
  return keepMarkup(subject, cased(toText(runtime, subject), Case::Lower));
}

static Value capitalize(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("do_capitalize", arguments, {});
  return keepMarkup(subject, capitalized(toText(runtime, subject)));
}

/// Words start after white space, a hyphen or an opening bracket.
static Value title(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("do_title", arguments, {});
  Text text = toText(runtime, subject), result;
  bool start = true;
  forEachCharacter(text.str(), [&](size_t begin, size_t end, char32_t c) {
    bool separator = isSpace(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
    result.append(cased(text.slice(begin, end), start ? Case::Upper : Case::Lower));
    start = separator;
  });
  return keepMarkup(subject, std::move(result));
}

static Value trim(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("do_trim", arguments, {"chars"});
  Text text = toText(runtime, subject);
  std::string characters = bound.given(0) ? bound.text(0, "").str() : "";
  if (bound.given(0) && characters.empty()) {
    return subject;
  }
  auto [from, to] = strippedRange(text.str(), characters, true, true);
  return keepMarkup(subject, text.slice(from, to));
}

static Value replace(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("do_replace", arguments, {"old", "new", "count"}, 2);
  Text text = toText(runtime, subject);
  Text from = toText(runtime, *bound.get(0)), to = toText(runtime, *bound.get(1));
  int64_t count = bound.given(2) ? bound.integer(2, -1) : -1;
  return keepMarkup(subject, replaceAll(runtime, text, from, to, count));
}

static Value indent(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("do_indent", arguments, {"width", "first", "blank"});
  if (!subject.isString()) {
    runtime.requireDefined(subject);
    raiseType("unsupported operand type(s) for +=: '" + typeName(subject) + "' and 'str'");
  }
  Text by;
  if (bound.get(0) && bound.get(0)->isString()) {
    by = bound.get(0)->text();
  } else {
    int64_t width = std::max<int64_t>(bound.integer(0, 4), 0);
    runtime.checkSize(size_t(width));
    by = Text(std::string(size_t(width), ' '), true);
  }
  bool first = bound.boolean(1, false), blank = bound.boolean(2, false);
  Text source = subject.text(), result;
  source.append("\n", true);
  std::vector<Text> lines = linesOf(source, false);
  runtime.checkProduct(lines.size(), by.size());
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) {
      result.append("\n", true);
    }
    if (i == 0 ? first : blank || !lines[i].empty()) {
      result.append(by);
    }
    result.append(lines[i]);
    runtime.checkSize(result.size());
  }
  return keepMarkup(subject, std::move(result));
}

static Value center(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("do_center", arguments, {"width"});
  return padded(runtime, toText(runtime, subject), bound.integer(0, 80), Text(" ", true), '^');
}

static Value truncate(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("do_truncate", arguments, {"length", "killwords", "end", "leeway"});
  Text text = toText(runtime, subject), end = bound.text(2, "...");
  int64_t length = bound.integer(0, 255), leeway = bound.given(3) ? bound.integer(3, 5) : 5;
  int64_t tail = int64_t(characterCount(end.str()));
  if (length < tail || leeway < 0) {
    raise("AssertionError", length < tail ? "expected length >= " + std::to_string(tail) +
                                                ", got " + std::to_string(length)
                                          : "expected leeway >= 0, got " + std::to_string(leeway));
  }
  std::vector<size_t> offsets = characterOffsets(text.str());
  int64_t size = int64_t(offsets.size()) - 1;
  if (size - leeway <= length) {
    return keepMarkup(subject, std::move(text));
  }
  Text result = text.slice(0, offsets[size_t(length - tail)]);
  size_t space = result.str().rfind(' ');
  if (!bound.boolean(1, false) && space != std::string::npos) {
    result = result.slice(0, space);
  }
  result.append(end);
  return keepMarkup(subject, std::move(result));
}

static Value wordcount(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("do_wordcount", arguments, {});
  int64_t words = 0;
  bool inside = false;
  forEachCharacter(toText(runtime, subject).str(), [&](size_t, size_t, char32_t c) {
    bool word = isAlpha(c) || isNumeric(c) || c == '_';
    words += word && !inside ? 1 : 0;
    inside = word;
  });
  return words;
}

static Value escape(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("escape", arguments, {});
  return subject.isMarkup() ? subject : Value(escapeHtml(toText(runtime, subject)), true);
}

static Value forceEscape(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("do_forceescape", arguments, {});
  return Value(escapeHtml(toText(runtime, subject)), true);
}

static Value safe(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("do_mark_safe", arguments, {});
  return Value(toText(runtime, subject), true);
}

static Value string(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("soft_str", arguments, {});
  return keepMarkup(subject, toText(runtime, subject));
}

static Value format(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  if (!arguments.positional.empty() && !arguments.named.empty()) {
    raise("FilterArgumentError", "can't handle positional and keyword arguments at the same time");
  }
  if (arguments.named.empty()) {
    return formatPercent(runtime, toText(runtime, subject), Value::tuple(arguments.positional));
  }
  auto named = std::make_shared<DictData>();
  for (const auto &[key, value] : arguments.named) {
    named->set(untrusted(key), value);
  }
  return formatPercent(runtime, toText(runtime, subject),
                       Value(std::shared_ptr<const DictData>(std::move(named))));
}

static void quote(const Text &text, bool query, Text &out) {
  for (size_t at = 0; at < text.size(); ++at) {
    char c = text.str()[at];
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '_' || c == '.' || c == '-' || c == '~' || (c == '/' && !query);
    if (plain) {
      out.append(text, at, at + 1);
    } else if (c == ' ' && query) {
      out.append("+", text.trustedAt(at));
    } else {
      char buffer[4];
      std::snprintf(buffer, sizeof buffer, "%%%02X", unsigned(uint8_t(c)));
      out.append(buffer, text.trustedAt(at));
    }
  }
}

static Value urlencode(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("do_urlencode", arguments, {});
  Text result;
  if (!subject.isDict() && !subject.isSequence()) {
    quote(toText(runtime, subject), false, result);
    return result;
  }
  std::vector<Value> pairs = subject.isSequence() ? subject.items() : std::vector<Value>();
  if (subject.isDict()) {
    for (const auto &[key, value] : subject.dict().items) {
      pairs.push_back(Value::tuple({key, value}));
    }
  }
  for (const Value &pair : pairs) {
    std::vector<Value> halves = itemsOf(runtime, pair);
    if (halves.size() != 2) {
      raiseValue("urlencode expects pairs");
    }
    if (!result.empty()) {
      result.append("&", true);
    }
    quote(toText(runtime, halves[0]), true, result);
    result.append("=", true);
    quote(toText(runtime, halves[1]), true, result);
  }
  return result;
}

std::span<const FilterEntry> textFilters() {
  static constexpr FilterEntry filters[] = {
      {"upper", upper},   {"lower", lower},        {"capitalize", capitalize},
      {"title", title},   {"trim", trim},          {"replace", replace},
      {"indent", indent}, {"center", center},      {"truncate", truncate},
      {"e", escape},      {"escape", escape},      {"forceescape", forceEscape},
      {"safe", safe},     {"string", string},      {"wordcount", wordcount},
      {"format", format}, {"urlencode", urlencode}};
  return filters;
}

} // namespace dsv3::text::jinja
