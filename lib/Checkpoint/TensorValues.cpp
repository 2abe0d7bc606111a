//===- TensorValues.cpp - checks of stored values -------------------------===//
//
// Run over every byte of a checkpoint while it is loaded, so they must be faster than
// a disk. Written on words: the compiler's vectoriser is not relied upon.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Checkpoint/TensorMap.h"
#include "dsv3/Support/Float.h"

#include <cmath>
#include <cstring>

namespace dsv3::checkpoint {

bool containsNaNCode(std::span<const uint8_t> codes) {
  constexpr uint64_t magnitudes = 0x7F7F7F7F7F7F7F7FU, ones = 0x0101010101010101U;
  constexpr size_t unroll = 8, step = unroll * sizeof(uint64_t);
  size_t i = 0;
  for (; i + step <= codes.size(); i += step) {
    uint64_t words[unroll];
    std::memcpy(words, codes.data() + i, step);
    uint64_t found = 0;
    for (uint64_t word : words) {
      // Only 0x7F carries into the eighth bit of its byte, and none into the next byte.
      found |= (word & magnitudes) + ones;
    }
    if ((found & ~magnitudes) != 0) {
      return true;
    }
  }
  for (; i < codes.size(); ++i) {
    if (isF8E4M3NaN(codes[i])) {
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

} // namespace dsv3::checkpoint
