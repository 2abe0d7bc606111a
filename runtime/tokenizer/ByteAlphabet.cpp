//===- ByteAlphabet.cpp - the characters that stand for bytes -------------===//

#include "runtime/tokenizer/ByteAlphabet.h"

#include "runtime/tokenizer/Utf8.h"

#include <array>

namespace dsv3::text {

/// Bytes that are printable in Latin-1 stand for themselves; the others are
/// numbered upwards from U+0100.
static constexpr bool standsForItself(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

static constexpr std::array<char16_t, 256> characters = [] {
  std::array<char16_t, 256> table{};
  char16_t next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    table[byte] = standsForItself(byte) ? char16_t(byte) : next++;
  }
  return table;
}();

/// The inverse: the byte of each character below U+0144, or -1.
static constexpr std::array<int16_t, 0x144> bytes = [] {
  std::array<int16_t, 0x144> table{};
  table.fill(-1);
  for (int byte = 0; byte < 256; ++byte) {
    table[characters[byte]] = int16_t(byte);
  }
  return table;
}();

std::optional<std::string> bytesOfToken(std::string_view token) {
  std::string result;
  result.reserve(token.size());
  while (!token.empty()) {
    Utf8Step step = decodeUtf8(token);
    if (!step.valid || step.codePoint >= bytes.size() || bytes[step.codePoint] < 0) {
      return std::nullopt;
    }
    result += char(bytes[step.codePoint]);
    token.remove_prefix(step.length);
  }
  return result;
}

std::string characterOfByte(unsigned char byte) {
  std::string result;
  appendUtf8(result, characters[byte]);
  return result;
}

} // namespace dsv3::text
