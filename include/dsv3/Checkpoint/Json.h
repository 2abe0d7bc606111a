//===- Json.h - reading untrusted JSON --------------------------*- C++ -*-===//
//
// The one reader of JSON that others wrote: configurations, indices, tokenizers,
// messages. Reads texts of bounded depth into nlohmann's documents and turns its errors
// into failures. Refuses duplicate keys, which JSON leaves open and parsers resolve
// differently. The header of a safetensors file is read as a stream
// (SafetensorsHeader.cpp).
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

/// Objects sorted by key: a vocabulary has too many keys for nlohmann's ordered ones,
/// which look keys up one by one.
using Json = nlohmann::json;

/// Deepest nesting of objects and lists: copying, comparing and printing a document
/// recurse. Published files have 4, the arguments of tools can have more.
inline constexpr size_t maxJsonDepth = 200;
/// Longest config.json or generation_config.json, in bytes.
inline constexpr size_t maxConfigBytes = size_t(4) << 20;
/// Longest index; that of the 671B model has 9 MB.
inline constexpr size_t maxIndexBytes = size_t(64) << 20;

/// The document in `text`, as Json or nlohmann::ordered_json; `where` names it in a
/// failure.
template <typename Document = Json>
Expected<Document> parseJson(std::string_view text, const std::string &where);

/// `text` in single quotes for a message: control characters escaped (they could
/// steer a terminal), long texts cut.
std::string inQuotes(std::string_view text);

/// What a value is, for "expected …, found …": "null", "the text 'x'", "the number 3", …
std::string describe(const Json &value);

/// The message of one of nlohmann's exceptions without its "[json.exception…]".
std::string plainMessage(const std::exception &exception);

} // namespace dsv3::checkpoint
