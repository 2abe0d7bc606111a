//===- JsonFields.h - fields of JSON documents ------------------*- C++ -*-===//
//
// Fetches fields with a failure that names the field, the type expected and the
// type found. Reading the document is dsv3/Checkpoint/Json.h's.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Checkpoint/Json.h"
#include "dsv3/Support/Status.h"

#include <string>

namespace dsv3::text {

using checkpoint::Json;

/// The field `key` of `object`, or null if it is absent or null.
const Json *findField(const Json &object, const char *key);

/// object[key] as a boolean; `fallback` if it is absent or null.
Expected<bool> boolField(const Json &object, const char *key, bool fallback);

/// object[key] as text; `fallback` if it is absent or null.
Expected<std::string> stringField(const Json &object, const char *key, std::string fallback);

} // namespace dsv3::text
