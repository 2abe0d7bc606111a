//===- JsonReader.h - JSON from files nobody checked ------------*- C++ -*-===//
//
// Private to lib/Checkpoint. Parses JSON of bounded depth without exceptions
// escaping, and reads fields of an object while collecting what is wrong with them.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dsv3::checkpoint {

/// Deepest nesting that is read.
inline constexpr int maxJsonDepth = 64;

/// The value of a JSON text. Fails on a syntax error, on a duplicate key of the
/// outermost object, on nesting beyond maxJsonDepth.
Expected<nlohmann::json> parseJson(std::string_view text, const std::string &where);

/// Reads fields of one JSON object; remembers every defect.
class FieldReader {
public:
  FieldReader(const nlohmann::json &object, std::string prefix, std::vector<std::string> &defects)
      : object(object), prefix(std::move(prefix)), defects(defects) {}

  /// Whether the field is there and not null.
  bool has(std::string_view name) const;
  /// An integer in [low, high]; `fallback` if absent, a defect if that is absent too.
  int64_t integer(std::string_view name, int64_t low, int64_t high,
                  std::optional<int64_t> fallback = std::nullopt);
  double number(std::string_view name, double low, double high,
                std::optional<double> fallback = std::nullopt);
  bool boolean(std::string_view name, bool fallback);
  std::string text(std::string_view name, const std::string &fallback);
  /// One integer or a list of them.
  std::vector<int64_t> integers(std::string_view name, int64_t low, int64_t high);

  void defect(std::string_view name, const std::string &what);

private:
  const nlohmann::json *find(std::string_view name) const;

  const nlohmann::json &object;
  std::string prefix;
  std::vector<std::string> &defects;
};

/// A short spelling of a value for messages.
std::string spell(const nlohmann::json &value);

} // namespace dsv3::checkpoint
