//===- Excerpt.cpp - what was found, for a message ------------------------===//
#include "dsv3/Support/Excerpt.h"

using namespace dsv3;

/// Bytes of the character of UTF-8 that the text begins with; 0 if there is none.
static size_t characterBytes(std::string_view text) {
  auto first = static_cast<unsigned char>(text[0]);
  size_t bytes = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0x20 || first == 0x7f || (first >= 0x80 && first < 0xc2) || first > 0xf4 ||
      text.size() < bytes) {
    return 0;
  }
  for (size_t i = 1; i < bytes; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) {
      return 0;
    }
  }
  return bytes;
}

std::string dsv3::excerpt(std::string_view text) {
  constexpr size_t most = 60;
  std::string shown;
  while (!text.empty() && shown.size() < most) {
    size_t bytes = characterBytes(text);
    shown += bytes == 0 ? "?" : text.substr(0, bytes);
    text.remove_prefix(bytes == 0 ? 1 : bytes);
  }
  return text.empty() ? shown : shown + "…";
}
