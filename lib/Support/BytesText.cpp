//===- BytesText.cpp - a number of bytes for people -----------------------===//
#include "dsv3/Support/BytesText.h"

#include <array>
#include <cstddef>
#include <cstdio>

namespace dsv3 {

std::string bytesText(uint64_t bytes) {
  constexpr std::array<const char *, 6> units{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) {
    return std::to_string(bytes) + " bytes";
  }
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  // From 1023.95 on, one decimal place would print as 1024.0.
  for (; value >= 1023.95; ++unit) {
    value /= 1024;
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f %s", value, units[unit]);
  return text.data();
}

} // namespace dsv3
