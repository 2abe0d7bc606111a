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

} // namespace dsv3::checkpoint
