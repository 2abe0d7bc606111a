//===- JsonReader.cpp - JSON from files nobody checked --------------------===//
#include "JsonReader.h"

#include <cmath>
#include <set>

namespace dsv3::checkpoint {

Expected<nlohmann::json> parseJson(std::string_view text, const std::string &where) {
  std::set<std::string> outerKeys;
  std::string problem;
  auto watch = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json &parsed) {
    if (depth > maxJsonDepth) {
      problem = "nesting deeper than " + std::to_string(maxJsonDepth);
      return false;
    }
    if (event == nlohmann::json::parse_event_t::key && depth == 1 &&
        !outerKeys.insert(parsed.get<std::string>()).second) {
      problem = "key '" + parsed.get<std::string>() + "' appears twice";
    }
    return true;
  };
  try {
    nlohmann::json value = nlohmann::json::parse(text.begin(), text.end(), watch);
    if (!problem.empty()) {
      return Failure{"not the JSON that was expected: " + problem, where,
                     "the file is damaged or was not written for this purpose"};
    }
    return value;
  } catch (const nlohmann::json::exception &error) {
    return Failure{std::string("not valid JSON: ") + error.what(), where,
                   "the file is damaged; download it again"};
  }
}

std::string spell(const nlohmann::json &value) {
  std::string text = value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  return text.size() > 60 ? text.substr(0, 57) + "..." : text;
}

const nlohmann::json *FieldReader::find(std::string_view name) const {
  auto found = object.find(std::string(name));
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

bool FieldReader::has(std::string_view name) const { return find(name) != nullptr; }

void FieldReader::defect(std::string_view name, const std::string &what) {
  defects.push_back(prefix + std::string(name) + ": " + what);
}

int64_t FieldReader::integer(std::string_view name, int64_t low, int64_t high,
                             std::optional<int64_t> fallback) {
  const nlohmann::json *value = find(name);
  if (!value) {
    if (!fallback) {
      defect(name, "expected an integer, found nothing");
    }
    return fallback.value_or(low);
  }
  std::string range = "an integer from " + std::to_string(low) + " to " + std::to_string(high);
  bool fits = value->is_number_integer() &&
              (!value->is_number_unsigned() || value->get<uint64_t>() <= uint64_t(INT64_MAX));
  // Writers give sizes as 64.0 too.
  double real = value->is_number_float() ? value->get<double>() : 0.5;
  if (!fits && !(std::fabs(real) < 0x1p53 && real == std::floor(real))) {
    defect(name, "expected " + range + ", found " + spell(*value));
    return low;
  }
  int64_t number = fits ? value->get<int64_t>() : static_cast<int64_t>(real);
  if (number < low || number > high) {
    defect(name, "expected " + range + ", found " + spell(*value));
    return low;
  }
  return number;
}

double FieldReader::number(std::string_view name, double low, double high,
                           std::optional<double> fallback) {
  const nlohmann::json *value = find(name);
  if (!value) {
    if (!fallback) {
      defect(name, "expected a number, found nothing");
    }
    return fallback.value_or(low);
  }
  double number = value->is_number() ? value->get<double>() : NAN;
  if (!(number >= low && number <= high)) {
    nlohmann::json from = low, to = high;
    defect(name, "expected a number from " + from.dump() + " to " + to.dump() + ", found " +
                     spell(*value));
    return low;
  }
  return number;
}

bool FieldReader::boolean(std::string_view name, bool fallback) {
  const nlohmann::json *value = find(name);
  if (!value) {
    return fallback;
  }
  if (!value->is_boolean()) {
    defect(name, "expected true or false, found " + spell(*value));
    return fallback;
  }
  return value->get<bool>();
}

std::string FieldReader::text(std::string_view name, const std::string &fallback) {
  const nlohmann::json *value = find(name);
  if (!value) {
    return fallback;
  }
  if (!value->is_string()) {
    defect(name, "expected a string, found " + spell(*value));
    return fallback;
  }
  return value->get<std::string>();
}

std::vector<int64_t> FieldReader::integers(std::string_view name, int64_t low, int64_t high) {
  const nlohmann::json *value = find(name);
  std::vector<int64_t> numbers;
  if (!value) {
    return numbers;
  }
  nlohmann::json list = value->is_array() ? *value : nlohmann::json::array({*value});
  for (const nlohmann::json &entry : list) {
    if (!entry.is_number_integer() || entry.get<int64_t>() < low || entry.get<int64_t>() > high) {
      defect(name, "expected integers from " + std::to_string(low) + " to " +
                       std::to_string(high) + ", found " + spell(*value));
      return {};
    }
    numbers.push_back(entry.get<int64_t>());
  }
  return numbers;
}

} // namespace dsv3::checkpoint
