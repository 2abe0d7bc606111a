//===- Characters.h - the characters of a string ----------------*- C++ -*-===//
//
// Python counts, slices and classifies strings by code points. Broken UTF-8
// counts one character for each maximal subpart and keeps its bytes.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/template/Text.h"
#include "runtime/tokenizer/Utf8.h"

#include <string_view>
#include <vector>

namespace dsv3::text::jinja {

/// Calls visit(begin, end, codePoint) for each character.
template <typename Visitor>
void forEachCharacter(std::string_view text, Visitor visit) {
  for (size_t at = 0; at < text.size();) {
    Utf8Step step = decodeUtf8(text.substr(at));
    visit(at, at + step.length, step.codePoint);
    at += step.length;
  }
}

/// Number of characters.
size_t characterCount(std::string_view text);
/// Byte offsets of all characters and of the end.
std::vector<size_t> characterOffsets(std::string_view text);

/// What Python's str.isspace, isalpha, … say of one character.
bool isSpace(char32_t c);
bool isAlpha(char32_t c);
bool isDecimal(char32_t c);
bool isDigit(char32_t c);
bool isNumeric(char32_t c);
bool isPrintable(char32_t c);
bool isUpper(char32_t c);
bool isLower(char32_t c);
/// Whether the character can end a line for str.splitlines.
bool isLineEnd(char32_t c);

enum class Case { Upper, Lower, Title };
/// Appends `c` in that case; some characters become several.
void appendCased(std::string &out, char32_t c, Case wanted);
/// All of `text` in that case. Origins stay with their characters.
Text cased(const Text &text, Case wanted);
/// str.capitalize.
Text capitalized(const Text &text);

/// Byte offset of the first character that `strip` keeps, and one past the last;
/// empty `characters` means white space.
std::pair<size_t, size_t> strippedRange(std::string_view text, std::string_view characters,
                                        bool left, bool right);

} // namespace dsv3::text::jinja
