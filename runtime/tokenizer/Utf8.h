//===- Utf8.h - reading and writing UTF-8 -----------------------*- C++ -*-===//
//
// Decoding that never reads beyond its input and that says how much of a broken
// character belongs together. The rule is the one of the Unicode standard
// (chapter 3, "maximal subparts"), which Rust's from_utf8_lossy and so the
// tokenizers of Hugging Face follow.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace dsv3::text {

/// What stands at the start of a string.
struct Utf8Step {
  /// The code point; U+FFFD if `valid` is false.
  char32_t codePoint = 0;
  /// Bytes that it takes; for a broken character, those of its maximal subpart.
  uint8_t length = 0;
  bool valid = false;
  /// The text ends within a character that more bytes could complete.
  bool incomplete = false;
};

/// Reads one character. Precondition: !text.empty().
Utf8Step decodeUtf8(std::string_view text);

/// Appends the UTF-8 of `codePoint`; U+FFFD if it is a surrogate or too large.
void appendUtf8(std::string &text, char32_t codePoint);

/// `text` with U+FFFD for each maximal subpart that is not UTF-8.
std::string replaceInvalidUtf8(std::string_view text);

/// Length of the longest prefix that is valid UTF-8.
size_t validUtf8Prefix(std::string_view text);

} // namespace dsv3::text
