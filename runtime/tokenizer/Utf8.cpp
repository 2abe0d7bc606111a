//===- Utf8.cpp - reading and writing UTF-8 -------------------------------===//

#include "runtime/tokenizer/Utf8.h"

namespace dsv3::text {

static constexpr std::string_view replacement = "\xEF\xBF\xBD";

Utf8Step decodeUtf8(std::string_view text) {
  uint8_t lead = uint8_t(text[0]);
  if (lead < 0x80) {
    return {lead, 1, true, false};
  }
  int more = lead >= 0xC2 && lead <= 0xDF   ? 1
             : lead >= 0xE0 && lead <= 0xEF ? 2
             : lead >= 0xF0 && lead <= 0xF4 ? 3
                                            : 0;
  if (more == 0) {
    return {0xFFFD, 1, false, false};
  }
  // The second byte is narrower after these: no overlong form, no surrogate,
  // nothing beyond U+10FFFF.
  uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  char32_t codePoint = lead & (0x3F >> more);
  for (int i = 1; i <= more; ++i) {
    if (size_t(i) >= text.size()) {
      return {0xFFFD, uint8_t(i), false, true};
    }
    uint8_t byte = uint8_t(text[i]);
    if (byte < low || byte > high) {
      return {0xFFFD, uint8_t(i), false, false};
    }
    codePoint = codePoint << 6 | (byte & 0x3F);
    low = 0x80;
    high = 0xBF;
  }
  return {codePoint, uint8_t(more + 1), true, false};
}

void appendUtf8(std::string &text, char32_t codePoint) {
  if (codePoint > 0x10FFFF || (codePoint >= 0xD800 && codePoint <= 0xDFFF)) {
    text += replacement;
  } else if (codePoint < 0x80) {
    text += char(codePoint);
  } else if (codePoint < 0x800) {
    text += char(0xC0 | codePoint >> 6);
    text += char(0x80 | (codePoint & 0x3F));
  } else if (codePoint < 0x10000) {
    text += char(0xE0 | codePoint >> 12);
    text += char(0x80 | (codePoint >> 6 & 0x3F));
    text += char(0x80 | (codePoint & 0x3F));
  } else {
    text += char(0xF0 | codePoint >> 18);
    text += char(0x80 | (codePoint >> 12 & 0x3F));
    text += char(0x80 | (codePoint >> 6 & 0x3F));
    text += char(0x80 | (codePoint & 0x3F));
  }
}

std::string replaceInvalidUtf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    size_t good = validUtf8Prefix(text);
    result += text.substr(0, good);
    text.remove_prefix(good);
    if (!text.empty()) {
      result += replacement;
      text.remove_prefix(decodeUtf8(text).length);
    }
  }
  return result;
}

size_t validUtf8Prefix(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    Utf8Step step = decodeUtf8(text.substr(at));
    if (!step.valid) {
      break;
    }
    at += step.length;
  }
  return at;
}

} // namespace dsv3::text
