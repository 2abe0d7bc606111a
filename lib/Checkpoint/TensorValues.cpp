//===- TensorValues.cpp - checks of stored values -------------------------===//
//
// Run over every byte of a checkpoint while it is loaded, so they must be faster than
// a disk. Written on words: the compiler's vectoriser is not relied upon.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Checkpoint/TensorMap.h"
#include "dsv3/Support/Float.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace dsv3::checkpoint {

bool containsNaNCode(std::span<const uint8_t> codes, uint8_t magnitude) {
  constexpr uint64_t ones = 0x0101010101010101U, signs = ones << 7;
  const uint64_t magnitudes = ones * magnitude;
  constexpr size_t unroll = 8, step = unroll * sizeof(uint64_t);
  size_t i = 0;
  for (; i + step <= codes.size(); i += step) {
    uint64_t words[unroll];
    std::memcpy(words, codes.data() + i, step);
    uint64_t found = 0;
    for (uint64_t word : words) {
      // A byte that lacks none of the bits is zero in `lacking`; the lowest such byte
      // alone borrows.
      uint64_t lacking = ~word & magnitudes;
      found |= (lacking - ones) & ~lacking;
    }
    if ((found & signs) != 0) {
      return true;
    }
  }
  for (; i < codes.size(); ++i) {
    if ((codes[i] & magnitude) == magnitude) {
      return true;
    }
  }
  return false;
}

size_t findBadScale(std::span<const float> scales) {
  size_t i = 0;
  while (i < scales.size() && std::isfinite(scales[i]) && scales[i] >= 0) {
    ++i;
  }
  return i;
}

/// Of values of `Bits`, whose exponent is all ones where they are not finite.
template <typename Bits>
static size_t findExponent(std::span<const std::byte> values, Bits exponent) {
  size_t count = values.size() / sizeof(Bits);
  auto isFound = [&](size_t i) {
    Bits bits = 0;
    std::memcpy(&bits, values.data() + i * sizeof bits, sizeof bits);
    return (bits & exponent) == exponent;
  };
  constexpr size_t piece = 1024;
  for (size_t first = 0; first < count; first += piece) {
    size_t end = std::min(count, first + piece);
    bool any = false;
    for (size_t i = first; i < end; ++i) {
      any |= isFound(i); // no early end, so that it is done on vectors
    }
    for (size_t i = first; any && i < end; ++i) {
      if (isFound(i)) {
        return i;
      }
    }
  }
  return count;
}

size_t findNotFinite(std::span<const std::byte> values, DType type) {
  switch (type) {
  case DType::F32:
    return findExponent<uint32_t>(values, 0x7F800000);
  case DType::BF16:
    return findExponent<uint16_t>(values, 0x7F80);
  case DType::F16:
    return findExponent<uint16_t>(values, 0x7C00);
  default:
    return values.size() / byteSize(type);
  }
}

} // namespace dsv3::checkpoint
