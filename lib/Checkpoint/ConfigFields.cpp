//===- ConfigFields.cpp - typed fields of a JSON object -------------------===//
//
// Every reader says, on a defect, what it expected and what it found.
//
//===----------------------------------------------------------------------===//
#include "ConfigFields.h"

#include <cmath>
#include <limits>
#include <sstream>

namespace dsv3::checkpoint {

Failure Defects::failure(const std::string &what, const std::string &where) const {
  if (lines.size() == 1) {
    return Failure{what + ": " + lines.front(), where};
  }
  std::string text = what + ", for " + std::to_string(lines.size()) + " reasons:";
  for (const std::string &line : lines) {
    text += "\n  - " + line;
  }
  return Failure{text, where};
}

/// A number as a person writes it.
static std::string plain(double value) {
  std::ostringstream stream;
  stream << value;
  return stream.str();
}

const Json *ConfigFields::find(const char *key) const {
  auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

bool ConfigFields::isNull(const char *key) const {
  auto found = object.find(key);
  return found != object.end() && found->is_null();
}

const char *ConfigFields::eitherOf(const char *key, const char *alias) {
  const Json *first = find(key), *second = find(alias);
  if (first != nullptr && second != nullptr && *first != *second) {
    defect(key, "is " + describe(*first) + ", but " + alias + ", which means the same, is " +
                    describe(*second));
  }
  return first == nullptr && second != nullptr ? alias : key;
}

void ConfigFields::defect(const char *key, const std::string &text) {
  unsound.insert(key);
  defects.add(prefix + key + ": " + text);
}

bool ConfigFields::sound(std::initializer_list<const char *> keys) const {
  for (const char *key : keys) {
    if (unsound.contains(key)) {
      return false;
    }
  }
  return true;
}

/// The value as an int64_t, if it is one.
static std::optional<int64_t> asInteger(const Json &value) {
  if (value.is_number_unsigned()) {
    auto number = value.get<uint64_t>();
    if (number > uint64_t(std::numeric_limits<int64_t>::max())) {
      return std::nullopt;
    }
    return static_cast<int64_t>(number);
  }
  if (value.is_number_integer()) {
    return value.get<int64_t>();
  }
  return std::nullopt;
}

int64_t ConfigFields::integer(const char *key, int64_t low, int64_t high,
                              std::optional<int64_t> fallback) {
  std::string expected =
      "expected an integer from " + std::to_string(low) + " to " + std::to_string(high);
  const Json *value = find(key);
  if (value == nullptr) {
    if (!fallback) {
      defect(key, expected + ", found " + (isNull(key) ? "null" : "nothing"));
    }
    return fallback.value_or(low);
  }
  std::optional<int64_t> number = asInteger(*value);
  if (!number || *number < low || *number > high) {
    defect(key, expected + ", found " + describe(*value));
    return fallback.value_or(low);
  }
  return *number;
}

double ConfigFields::number(const char *key, double low, double high,
                            std::optional<double> fallback) {
  std::string expected = "expected a number from " + plain(low) + " to " + plain(high);
  const Json *value = find(key);
  if (value == nullptr) {
    if (!fallback) {
      defect(key, expected + ", found " + (isNull(key) ? "null" : "nothing"));
    }
    return fallback.value_or(low);
  }
  double number = value->is_number() ? value->get<double>() : std::nan("");
  if (!(number >= low && number <= high)) {
    defect(key, expected + ", found " + describe(*value));
    return fallback.value_or(low);
  }
  return number;
}

bool ConfigFields::boolean(const char *key, bool fallback) {
  const Json *value = find(key);
  if (value != nullptr && !value->is_boolean()) {
    defect(key, "expected true or false, found " + describe(*value));
    return fallback;
  }
  return value == nullptr ? fallback : value->get<bool>();
}

std::string ConfigFields::text(const char *key, std::string fallback) {
  const Json *value = find(key);
  if (value != nullptr && !value->is_string()) {
    defect(key, "expected a text, found " + describe(*value));
    return fallback;
  }
  return value == nullptr ? fallback : value->get<std::string>();
}

/// Token ids are int32 throughout.
static std::optional<int64_t> asTokenId(const Json &value) {
  std::optional<int64_t> id = asInteger(value);
  return id && *id >= 0 && *id <= std::numeric_limits<int32_t>::max() ? id : std::nullopt;
}

std::vector<int64_t> ConfigFields::tokenIds(const char *key) {
  constexpr size_t limit = 1024;
  const Json *value = find(key);
  std::vector<int64_t> ids;
  if (value == nullptr) {
    return ids;
  }
  if (!value->is_array()) {
    if (std::optional<int64_t> id = asTokenId(*value)) {
      return {*id};
    }
    defect(key, "expected a token id or a list of them, found " + describe(*value));
    return ids;
  }
  if (value->size() > limit) {
    defect(key,
           "expected at most " + std::to_string(limit) + " token ids, found " + describe(*value));
    return ids;
  }
  for (const Json &item : *value) {
    std::optional<int64_t> id = asTokenId(item);
    if (!id) {
      defect(key, "expected a list of token ids, found " + describe(item) + " in it");
      return {};
    }
    ids.push_back(*id);
  }
  return ids;
}

std::optional<int64_t> ConfigFields::tokenId(const char *key) {
  const Json *value = find(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  std::optional<int64_t> id = asTokenId(*value);
  if (!id) {
    defect(key, "expected a token id, found " + describe(*value));
  }
  return id;
}

} // namespace dsv3::checkpoint
