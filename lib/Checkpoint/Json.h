//===- Json.h - reading untrusted JSON --------------------------*- C++ -*-===//
//
// Private to lib/Checkpoint. Reads texts of bounded size and depth into nlohmann's
// documents and turns its errors into failures. Refuses duplicate keys, which JSON
// leaves open and parsers resolve differently.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/File.h"
#include "dsv3/Support/Status.h"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace dsv3::checkpoint {

/// Objects sorted by key.
using Json = nlohmann::json;

/// Deepest nesting of objects and arrays; published files have 4.
inline constexpr size_t maxJsonDepth = 32;
/// Longest config.json or generation_config.json, in bytes.
inline constexpr size_t maxConfigBytes = size_t(4) << 20;
/// Longest index; that of the 671B model has 9 MB.
inline constexpr size_t maxIndexBytes = size_t(64) << 20;

/// The document in `text`; `where` names it in a failure.
Expected<Json> parseJson(std::string_view text, const std::string &where);

/// `text` in single quotes for a message: control characters escaped (they could
/// steer a terminal), long texts cut.
std::string inQuotes(std::string_view text);

/// What a value is, for "expected …, found …": "null", "the text 'x'", "the number 3", …
std::string describe(const Json &value);

/// The message of one of nlohmann's exceptions without its "[json.exception…]".
std::string plainMessage(const std::exception &exception);

} // namespace dsv3::checkpoint
