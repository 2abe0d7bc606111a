//===- JsonFields.cpp - fields of JSON documents --------------------------===//

#include "runtime/tokenizer/JsonFields.h"

namespace dsv3::text {

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
