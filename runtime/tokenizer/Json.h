//===- Json.h - reading fields of JSON files --------------------*- C++ -*-===//
//
// Reads JSON documents and fetches fields with a failure that names the field,
// the type expected and the type found.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/File.h"
#include "dsv3/Support/Status.h"

#include <nlohmann/json.hpp>

#include <string>

namespace dsv3::text {

/// Sorted objects: a vocabulary has too many keys for nlohmann's ordered ones,
/// which look keys up one by one.
using Json = nlohmann::json;

/// The document in `bytes`, as Json or nlohmann::ordered_json; `where` names the file in a
/// failure. Deep nesting is refused.
template <typename Document = Json>
Expected<Document> parseJson(const std::string &bytes, const std::string &where);

/// The field `key` of `object`, or null if it is absent or null.
const Json *findField(const Json &object, const char *key);

/// object[key] as a boolean; `fallback` if it is absent or null.
Expected<bool> boolField(const Json &object, const char *key, bool fallback);

/// object[key] as text; `fallback` if it is absent or null.
Expected<std::string> stringField(const Json &object, const char *key, std::string fallback);

} // namespace dsv3::text
