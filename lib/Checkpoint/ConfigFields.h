//===- ConfigFields.h - typed fields of a JSON object -----------*- C++ -*-===//
//
// Private to lib/Checkpoint. Reads fields with their types and ranges and collects what
// is wrong instead of stopping at the first defect, so that a user mends a file once.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Checkpoint/Json.h"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace dsv3::checkpoint {

/// The defects of a file, a line each.
class Defects {
public:
  void add(std::string line) { lines.push_back(std::move(line)); }
  bool empty() const { return lines.empty(); }
  /// One failure with all lines. `what` begins it. Precondition: !empty().
  Failure failure(const std::string &what, const std::string &where) const;

private:
  std::vector<std::string> lines;
};

/// The fields of one object. A field with a defect reads as its fallback, or as the
/// lowest legal value. Null reads as absent throughout.
class ConfigFields {
public:
  /// `prefix` comes before every key in defects ("rope_scaling."). Both references must
  /// outlive this.
  ConfigFields(const Json &object, std::string prefix, Defects &defects)
      : object(object), prefix(std::move(prefix)), defects(defects) {}

  /// The value of `key`, or null if it is absent or null.
  const Json *find(const char *key) const;
  bool isStated(const char *key) const { return find(key) != nullptr; }
  /// Whether `key` is there and null.
  bool isNull(const char *key) const;
  /// Of two names of one field, that which is stated; `key` if neither is. Two that
  /// differ are a defect.
  const char *eitherOf(const char *key, const char *alias);

  /// An integer of [low, high]. Without a fallback the field must be there.
  int64_t integer(const char *key, int64_t low, int64_t high,
                  std::optional<int64_t> fallback = std::nullopt);
  /// A finite number of [low, high].
  double number(const char *key, double low, double high,
                std::optional<double> fallback = std::nullopt);
  bool boolean(const char *key, bool fallback);
  std::string text(const char *key, std::string fallback);
  /// A token id or a list of them; a single one reads as a list of one.
  std::vector<int64_t> tokenIds(const char *key);
  std::optional<int64_t> tokenId(const char *key);

  /// Notes a defect of `key`; `text` follows the key and a colon.
  void defect(const char *key, const std::string &text);
  /// Whether none of these keys has had a defect so far: only then do rules that
  /// join them make sense.
  bool sound(std::initializer_list<const char *> keys) const;

private:
  const Json &object;
  std::string prefix;
  Defects &defects;
  std::set<std::string, std::less<>> unsound;
};

} // namespace dsv3::checkpoint
