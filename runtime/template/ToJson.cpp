//===- ToJson.cpp - json.dumps --------------------------------------------===//

#include "runtime/template/Characters.h"
#include "runtime/template/Compare.h"
#include "runtime/template/Print.h"
#include "runtime/template/Runtime.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace dsv3::text::jinja {

static void writeString(std::string_view text, bool ensureAscii, std::string &out) {
  out += '"';
  forEachCharacter(text, [&](size_t begin, size_t end, char32_t c) {
    char buffer[16];
    switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    default:
      break;
    }
    if (c < 0x20 || (ensureAscii && c >= 0x7F && c < 0x10000)) {
      // DEL is ASCII and stays as it is.
      if (c == 0x7F) {
        out += char(c);
        return;
      }
      std::snprintf(buffer, sizeof buffer, "\\u%04x", unsigned(c));
      out += buffer;
    } else if (ensureAscii && c >= 0x10000) {
      std::snprintf(buffer, sizeof buffer, "\\u%04x\\u%04x",
                    unsigned(0xD800 + ((c - 0x10000) >> 10)),
                    unsigned(0xDC00 + ((c - 0x10000) & 0x3FF)));
      out += buffer;
    } else {
      out += text.substr(begin, end - begin);
    }
  });
  out += '"';
}

/// Text of a number, True, False or None; nothing for other types.
static std::optional<std::string> scalarText(const Value &value) {
  if (value.isNone()) {
    return "null";
  }
  if (value.isBool()) {
    return value.boolean() ? "true" : "false";
  }
  if (value.isInt()) {
    return std::to_string(*value.integer());
  }
  if (value.isFloat()) {
    double number = value.floating();
    return std::isnan(number)   ? "NaN"
           : std::isinf(number) ? (number < 0 ? "-Infinity" : "Infinity")
                                : floatText(number);
  }
  return std::nullopt;
}

namespace {
/// One call of json.dumps.
class JsonWriter {
public:
  JsonWriter(Runtime &runtime, const JsonOptions &options) : runtime(runtime), options(options) {}
  void write(const Value &value, int level);
  std::string out;

private:
  void writeDict(const DictData &dict, int level);
  void breakLine(int level);

  Runtime &runtime;
  const JsonOptions &options;
};
} // namespace

void JsonWriter::breakLine(int level) {
  if (!options.indent) {
    return;
  }
  runtime.checkSize(out.size() + size_t(level) * options.indent->size());
  out += '\n';
  for (int i = 0; i < level; ++i) {
    out += *options.indent;
  }
}

void JsonWriter::writeDict(const DictData &dict, int level) {
  if (dict.items.empty()) {
    out += "{}";
    return;
  }
  std::vector<const std::pair<Value, Value> *> entries;
  for (const auto &entry : dict.items) {
    entries.push_back(&entry);
  }
  if (options.sortKeys) {
    std::stable_sort(entries.begin(), entries.end(), [&](const auto *a, const auto *b) {
      return lessThan(runtime, a->first, b->first);
    });
  }
  out += '{';
  bool first = true;
  for (const auto *entry : entries) {
    if (!first) {
      out += options.itemSeparator;
    }
    first = false;
    breakLine(level + 1);
    if (entry->first.isString()) {
      writeString(entry->first.str(), options.ensureAscii, out);
    } else if (auto key = scalarText(entry->first)) {
      out += '"' + *key + '"';
    } else {
      raiseType("keys must be str, int, float, bool or None, not " + typeName(entry->first));
    }
    out += options.keySeparator;
    write(entry->second, level + 1);
  }
  breakLine(level);
  out += '}';
}

void JsonWriter::write(const Value &value, int level) {
  Runtime::Descent descent(runtime);
  runtime.charge(1);
  runtime.checkSize(out.size());
  if (auto scalar = scalarText(value)) {
    out += *scalar;
  } else if (value.isString()) {
    writeString(value.str(), options.ensureAscii, out);
  } else if (value.isSequence()) {
    if (value.items().empty()) {
      out += "[]";
      return;
    }
    out += '[';
    for (size_t i = 0; i < value.items().size(); ++i) {
      if (i > 0) {
        out += options.itemSeparator;
      }
      breakLine(level + 1);
      write(value.items()[i], level + 1);
    }
    breakLine(level);
    out += ']';
  } else if (value.isDict()) {
    writeDict(value.dict(), level);
  } else {
    raiseType("Object of type " + typeName(value) + " is not JSON serializable");
  }
}

std::string toJson(Runtime &runtime, const Value &value, const JsonOptions &options) {
  JsonWriter writer(runtime, options);
  writer.write(value, 0);
  runtime.checkSize(writer.out.size());
  return std::move(writer.out);
}

} // namespace dsv3::text::jinja
