//===- Json.cpp - reading fields of JSON files ----------------------------===//

#include "runtime/tokenizer/Json.h"

#include <string_view>

namespace dsv3::text {

/// Copying, comparing and printing a document recurse, so its depth is bounded.
static constexpr int mostDepth = 200;

template <typename Document>
Expected<Document> parseJson(const std::string &bytes, const std::string &where) {
  bool tooDeep = false;
  auto watch = [&](int depth, Json::parse_event_t, const Document &) {
    tooDeep |= depth > mostDepth;
    return !tooDeep;
  };
  Document document;
  // The one place where the library reports by exception.
  try {
    document = Document::parse(bytes, watch);
  } catch (const Json::exception &problem) {
    std::string_view text = problem.what(); // "[json.exception.parse_error.101] parse error at …"
    size_t number = text.starts_with('[') ? text.find("] ") : std::string_view::npos;
    text.remove_prefix(number == std::string_view::npos ? 0 : number + 2);
    return Failure{"it is not JSON: " + std::string(text), where,
                   "fetch the file again; a Git LFS pointer is not the file itself"};
  }
  if (tooDeep) {
    return Failure{"objects and lists are nested more than " + std::to_string(mostDepth) + " deep",
                   where};
  }
  return document;
}

template Expected<Json> parseJson(const std::string &bytes, const std::string &where);
template Expected<nlohmann::ordered_json> parseJson(const std::string &bytes,
                                                    const std::string &where);

const Json *findField(const Json &object, const char *key) {
  if (!object.is_object()) {
    return nullptr;
  }
  auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

Expected<bool> boolField(const Json &object, const char *key, bool fallback) {
  const Json *field = findField(object, key);
  if (!field) {
    return fallback;
  }
  if (!field->is_boolean()) {
    return Failure{std::string("`") + key + "` must be true or false, found " + field->type_name()};
  }
  return field->get<bool>();
}

Expected<std::string> stringField(const Json &object, const char *key, std::string fallback) {
  const Json *field = findField(object, key);
  if (!field) {
    return fallback;
  }
  if (!field->is_string()) {
    return Failure{std::string("`") + key + "` must be a string, found " + field->type_name()};
  }
  return field->get<std::string>();
}

} // namespace dsv3::text
