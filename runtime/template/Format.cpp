//===- Format.cpp - "%s" % x and "{}".format(x) ---------------------------===//
//
// The conversions that templates use: text, integers in bases 2, 8, 10 and 16,
// and floats as e, f, g and %. Others are refused by name. Literal parts and
// string arguments keep their origin.
//
//===----------------------------------------------------------------------===//

#include "runtime/template/Access.h"
#include "runtime/template/Characters.h"
#include "runtime/template/Operators.h"
#include "runtime/template/Print.h"
#include "runtime/template/Runtime.h"
#include "runtime/template/Strings.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace dsv3::text::jinja {

namespace {
/// [[fill]align][sign][#][0][width][,][.precision][type]
struct Spec {
  Text fill = Text(" ", true);
  char align = 0;
  char sign = '-';
  bool alternate = false;
  bool zero = false;
  char group = 0;
  int64_t width = 0;
  int precision = -1;
  char type = 0;
};
} // namespace

/// Reads digits at `at`; bounded, so that no number can overflow.
static int64_t readNumber(std::string_view text, size_t &at) {
  int64_t number = 0;
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
    number = std::min<int64_t>(number * 10 + (text[at++] - '0'), 1 << 30);
  }
  return number;
}

static std::string inBase(uint64_t value, unsigned base, bool upper) {
  const char *symbols = upper ? "0123456789ABCDEF" : "0123456789abcdef";
  std::string digits;
  do {
    digits += symbols[value % base];
    value /= base;
  } while (value != 0);
  std::reverse(digits.begin(), digits.end());
  return digits;
}

static std::string grouped(const std::string &digits, char separator) {
  size_t whole = std::min(digits.find_first_not_of("0123456789"), digits.size());
  std::string out;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && i < whole && (whole - i) % 3 == 0) {
      out += separator;
    }
    out += digits[i];
  }
  return out;
}

/// A number without its sign.
static std::string numberDigits(const Value &value, const Spec &spec) {
  auto integer = value.integer();
  if (integer &&
      std::string_view("dibxXon").find(spec.type ? spec.type : 'd') != std::string_view::npos) {
    uint64_t size = *integer < 0 ? 0 - uint64_t(*integer) : uint64_t(*integer);
    char type = spec.type;
    unsigned base = type == 'b' ? 2 : type == 'o' ? 8 : type == 'x' || type == 'X' ? 16 : 10;
    std::string prefix = base == 10 || !spec.alternate ? "" : std::string("0") + type;
    return prefix + inBase(size, base, type == 'X');
  }
  double number = std::abs(value.number());
  if (!spec.type && spec.precision < 0) {
    return floatText(number);
  }
  int precision = std::min(spec.precision < 0 ? 6 : spec.precision, 400);
  char code = spec.type == '%' || spec.type == 'F' ? 'f'
              : spec.type == 'n' || !spec.type     ? 'g'
                                                   : spec.type;
  char pattern[] = {'%', '.', '*', code, 0};
  char buffer[1024];
  std::snprintf(buffer, sizeof buffer, pattern, precision,
                spec.type == '%' ? number * 100 : number);
  return std::string(buffer) + (spec.type == '%' ? "%" : "");
}

static Text formatNumber(Runtime &runtime, const Value &value, const Spec &spec) {
  bool negative = value.number() < 0;
  std::string sign = negative ? "-" : spec.sign == '-' ? "" : std::string(1, spec.sign);
  std::string digits = numberDigits(value, spec);
  if (spec.group != 0) {
    digits = grouped(digits, spec.group);
  }
  if (spec.zero && spec.align == 0) {
    Text zeros = padded(runtime, Text(digits, false), spec.width - int64_t(sign.size()),
                        Text("0", false), '>');
    return Text(sign + zeros.str(), false);
  }
  return padded(runtime, Text(sign + digits, false), spec.width, spec.fill,
                spec.align == 0 ? '>' : spec.align);
}

static Text formatText(Runtime &runtime, Text text, const Spec &spec) {
  if (spec.precision >= 0) {
    std::vector<size_t> offsets = characterOffsets(text.str());
    text = text.slice(0, offsets[std::min<size_t>(size_t(spec.precision), offsets.size() - 1)]);
  }
  return padded(runtime, text, spec.width, spec.fill, spec.align == 0 ? '<' : spec.align);
}

static Spec readSpec(const Text &source) {
  Spec spec;
  std::string_view text = source.str();
  size_t at = 0;
  auto isAlign = [](char c) { return c == '<' || c == '>' || c == '^'; };
  size_t first = text.empty() ? 0 : decodeUtf8(text).length;
  if (first > 0 && first < text.size() && isAlign(text[first])) {
    spec.fill = source.slice(0, first);
    spec.align = text[first];
    at = first + 1;
  } else if (!text.empty() && isAlign(text[0])) {
    spec.align = text[at++];
  }
  auto take = [&](std::string_view set) {
    return at < text.size() && set.find(text[at]) != std::string_view::npos ? text[at++] : char(0);
  };
  if (char sign = take("+- ")) {
    spec.sign = sign;
  }
  spec.alternate = take("#") != 0;
  spec.zero = take("0") != 0;
  spec.width = readNumber(text, at);
  spec.group = take(",_");
  if (take(".") != 0) {
    spec.precision = int(readNumber(text, at));
  }
  spec.type = take("sdbxXoneEfFgG%");
  if (at != text.size()) {
    raiseValue("Invalid format specifier");
  }
  return spec;
}

static Text formatWith(Runtime &runtime, const Value &value, const Text &specText) {
  if (specText.empty()) {
    return toText(runtime, value);
  }
  Spec spec = readSpec(specText);
  if (value.isNumber() && !(value.isBool() && spec.type == 0) && spec.type != 's') {
    if (value.isFloat() &&
        std::string_view("dbxXo").find(spec.type ? spec.type : 'f') != std::string_view::npos) {
      raiseValue(std::string("Unknown format code '") + spec.type + "' for object of type 'float'");
    }
    return formatNumber(runtime, value, spec);
  }
  if (spec.type != 0 && spec.type != 's') {
    raiseValue(std::string("Unknown format code '") + spec.type + "' for object of type '" +
               typeName(value) + "'");
  }
  return formatText(runtime, toText(runtime, value), spec);
}

/// The value of a replacement field: "0", "name", "name.attribute[key]".
static Value fieldValue(Runtime &runtime, std::string_view field, const Arguments &arguments,
                        size_t &automatic) {
  size_t end = std::min(field.find_first_of(".["), field.size());
  std::string name(field.substr(0, end));
  Value value;
  bool number = std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (number) {
    size_t at = 0;
    size_t index = name.empty() ? automatic++ : size_t(readNumber(name, at));
    if (index >= arguments.positional.size()) {
      raise("IndexError", "Replacement index " + std::to_string(index) +
                              " out of range for positional args tuple");
    }
    value = arguments.positional[index];
  } else {
    auto found = std::find_if(arguments.named.begin(), arguments.named.end(),
                              [&](const auto &entry) { return entry.first == name; });
    if (found == arguments.named.end()) {
      raise("KeyError", representString(name));
    }
    value = found->second;
  }
  for (field.remove_prefix(end); !field.empty();) {
    bool bracket = field[0] == '[';
    size_t stop = bracket ? field.find(']') : std::min(field.find_first_of(".[", 1), field.size());
    if (stop == std::string_view::npos) {
      raiseValue("Missing ']' in format string");
    }
    std::string key(field.substr(1, stop - 1));
    size_t at = 0;
    int64_t index = readNumber(key, at);
    value = !bracket                 ? attributeOf(runtime, value, key)
            : at == key.size() && at ? itemOf(runtime, value, Value(index))
                                     : itemOf(runtime, value, untrusted(key));
    field.remove_prefix(bracket ? stop + 1 : stop);
  }
  return value;
}

Value formatBraces(Runtime &runtime, const Text &format, const Arguments &arguments) {
  Text result;
  const std::string &text = format.str();
  size_t automatic = 0;
  for (size_t at = 0; at < text.size();) {
    size_t brace = std::min(text.find_first_of("{}", at), text.size());
    result.append(format, at, brace);
    if (brace == text.size()) {
      break;
    }
    if (brace + 1 < text.size() && text[brace + 1] == text[brace]) {
      result.append(format, brace, brace + 1);
      at = brace + 2;
      continue;
    }
    size_t close = text.find('}', brace);
    if (text[brace] == '}') {
      raiseValue("Single '}' encountered in format string");
    }
    if (close == std::string::npos) {
      raiseValue(brace + 1 == text.size() ? "Single '{' encountered in format string"
                                          : "expected '}' before end of string");
    }
    size_t colon = std::min(text.find(':', brace), close);
    std::string_view field = std::string_view(text).substr(brace + 1, colon - brace - 1);
    char conversion = field.size() >= 2 && field[field.size() - 2] == '!' ? field.back() : char(0);
    if (conversion != 0) {
      field.remove_suffix(2);
    }
    Text spec = colon < close ? format.slice(colon + 1, close) : Text();
    if (spec.str().find('{') != std::string::npos) {
      raiseValue("a replacement field within a format specifier is not supported");
    }
    Value value = fieldValue(runtime, field, arguments, automatic);
    if (conversion == 'r' || conversion == 'a') {
      value = untrusted(represent(runtime, value));
    } else if (conversion == 's') {
      value = Value(toText(runtime, value));
    }
    result.append(formatWith(runtime, value, spec));
    runtime.checkSize(result.size());
    at = close + 1;
  }
  return result;
}

Value formatPercent(Runtime &runtime, const Text &format, const Value &values) {
  Text result;
  const std::string &text = format.str();
  size_t next = 0;
  auto take = [&]() -> Value {
    if (values.isTuple() ? next >= values.items().size() : next > 0) {
      raiseType("not enough arguments for format string");
    }
    return values.isTuple() ? values.items()[next++] : (++next, values);
  };
  for (size_t at = 0; at < text.size();) {
    size_t percent = std::min(text.find('%', at), text.size());
    result.append(format, at, percent);
    runtime.checkSize(result.size());
    if (percent == text.size()) {
      break;
    }
    at = percent + 1;
    std::optional<Value> named;
    if (at < text.size() && text[at] == '(') {
      size_t close = text.find(')', at);
      if (close == std::string::npos) {
        raiseValue("incomplete format key");
      }
      if (!values.isDict()) {
        raiseType("format requires a mapping");
      }
      std::string key = text.substr(at + 1, close - at - 1);
      const Value *found = values.dict().find(key);
      if (!found) {
        raise("KeyError", representString(key));
      }
      named = *found;
      at = close + 1;
    }
    Spec spec;
    spec.align = '>';
    for (; at < text.size() && std::string_view("-+ #0").find(text[at]) != std::string_view::npos;
         ++at) {
      char flag = text[at];
      spec.align = flag == '-' ? '<' : spec.align;
      spec.sign = flag == '+' || flag == ' ' ? flag : spec.sign;
      spec.alternate |= flag == '#';
      spec.zero |= flag == '0';
    }
    spec.width = readNumber(text, at);
    if (at < text.size() && text[at] == '.') {
      spec.precision = int(readNumber(text, ++at));
    }
    if (at == text.size()) {
      raiseValue("incomplete format");
    }
    spec.type = text[at++];
    if (spec.type == '%') {
      result.append("%", format.trustedAt(percent));
      continue;
    }
    Value value = named ? *named : take();
    if (spec.type == 's' || spec.type == 'r') {
      Text shown =
          spec.type == 's' ? toText(runtime, value) : Text(represent(runtime, value), false);
      result.append(formatText(runtime, std::move(shown), spec));
      continue;
    }
    if (std::string_view("diuxXoeEfFgG").find(spec.type) == std::string_view::npos) {
      raiseValue(std::string("unsupported format character '") + spec.type + "' at index " +
                 std::to_string(at - 1));
    }
    runtime.requireDefined(value);
    if (!value.isNumber()) {
      raiseType(std::string("%") + spec.type + " format: a real number is required, not " +
                typeName(value));
    }
    bool whole = std::string_view("diuxXo").find(spec.type) != std::string_view::npos;
    if (whole && value.isFloat()) {
      if (!(std::abs(value.floating()) < 9e18)) {
        raise("OverflowError", "cannot convert float to a 64-bit integer");
      }
      value = Value(int64_t(value.floating()));
    }
    spec.type = spec.type == 'i' || spec.type == 'u' ? 'd' : spec.type;
    spec.align = spec.zero && spec.align == '>' ? char(0) : spec.align;
    result.append(formatNumber(runtime, value, spec));
  }
  if (values.isTuple() && next < values.items().size()) {
    raiseType("not all arguments converted during string formatting");
  }
  if (!values.isTuple() && !values.isDict() && !values.isList() && next == 0) {
    raiseType("not all arguments converted during string formatting");
  }
  return result;
}

} // namespace dsv3::text::jinja
