//===- DummyTensor.cpp - a tensor made up from a seed ---------------------===//
//
// Values are bits of a counter-based generator (SplitMix64, Steele and others, 2014),
// so every element can be had alone: floats keep random sign and mantissa under a fixed
// exponent, which needs no rounding in any format. Codes of FP8 have each exponent half as
// often as the next larger one, as weights have that are spread evenly, and so hardly ever
// the smallest, which costs more to expand; the scales make up for their spread.
//
//===----------------------------------------------------------------------===//
#include "runtime/params/StoredTensor.h"

#include "dsv3/Support/Float.h"
#include "dsv3/Support/Hash.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace dsv3::runtime {

static uint64_t mix(uint64_t value) {
  value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9U;
  value = (value ^ value >> 27) * 0x94D049BB133111EBU;
  return value ^ value >> 31;
}

static constexpr int mantissaBitsOfCodes = 3, largestExponentOfCodes = 13;

/// A code of e4m3 from random bits.
static uint8_t codeOf(uint32_t bits) {
  constexpr uint32_t signAndMantissa = 0x87;
  int below = std::countr_zero(bits >> 8 | 1U << largestExponentOfCodes);
  return uint8_t((bits & signAndMantissa) | uint32_t(largestExponentOfCodes - below)
                                                << mantissaBitsOfCodes);
}

/// Root mean square of such codes.
static float rmsOfCodes() {
  double squares = 0;
  for (uint32_t exponent = 0; exponent <= uint32_t(largestExponentOfCodes); ++exponent) {
    double part = 0;
    for (uint32_t mantissa = 0; mantissa < 8; ++mantissa) {
      double value = f8e4m3ToFloat(uint8_t(exponent << mantissaBitsOfCodes | mantissa));
      part += value * value / 8;
    }
    squares +=
        part * std::ldexp(1, int(exponent) - largestExponentOfCodes - (exponent > 0 ? 1 : 0));
  }
  return float(std::sqrt(squares));
}

namespace {
/// How the bits of a float format are made.
struct Format {
  int bytes, mantissaBits, bias;
};
} // namespace

static Format formatOf(DType type) {
  switch (type) {
  case DType::BF16:
    return {2, 7, 127};
  case DType::F16:
    return {2, 10, 15};
  default:
    return {4, 23, 127};
  }
}

namespace {

class DummyTensor final : public StoredTensor {
public:
  DummyTensor(const TensorRequest &request, uint64_t seed)
      : fp8(request.type == DType::F8E4M3), elementBytes(int(byteSize(request.type))),
        base(mix(seed ^ hash128(request.key).first)) {
    bool vector = request.columns == 0;
    float columns = float(std::max<int64_t>(request.columns, 1));
    if (fp8) {
      static const float rms = rmsOfCodes();
      scaleBase = 1 / (rms * std::sqrt(columns));
      return;
    }
    Format format = formatOf(request.type);
    // Mantissas from 1 to 2 have a root mean square of √(7/3).
    int exponent = vector ? 0 : int(std::lround(std::log2(1 / std::sqrt(columns * 7 / 3))));
    exponentBits = uint32_t(std::max(exponent + format.bias, 1)) << format.mantissaBits;
    randomBits = (1U << format.mantissaBits) - 1;
    if (vector) {
      randomBits >>= 3;
    } else {
      randomBits |= 1U << (format.bytes * 8 - 1);
    }
  }

  Elements alongRow(int64_t row, int64_t count, std::byte *buffer) const override {
    uint64_t begin = rowBase(row);
    for (int64_t i = 0; i < count; ++i) {
      put(begin, i, buffer + i * elementBytes);
    }
    return {buffer, 1};
  }
  Elements downColumn(int64_t row, int64_t column, int64_t count,
                      std::byte *buffer) const override {
    for (int64_t i = 0; i < count; ++i) {
      put(rowBase(row + i), column, buffer + i * elementBytes);
    }
    return {buffer, 1};
  }
  float scale(int64_t blockRow, int64_t blockColumn) const override {
    uint64_t bits = mix(~rowBase(blockRow) + uint64_t(blockColumn) * gamma);
    return scaleBase * (0.75F + float(bits >> 40) * 0x1p-25F);
  }
  Status findDamage() const override { return {}; }

private:
  static constexpr uint64_t gamma = 0x9E3779B97F4A7C15U;

  uint64_t rowBase(int64_t row) const { return mix(base + uint64_t(row) * gamma); }

  /// The element in that column of the row whose numbers begin at `begin`.
  void put(uint64_t begin, int64_t column, std::byte *to) const {
    auto bits = uint32_t(mix(begin + uint64_t(column) * gamma) >> 32);
    if (fp8) {
      *to = std::byte(codeOf(bits));
    } else if (elementBytes == 2) {
      auto value = uint16_t(((bits >> 16) & randomBits) | exponentBits);
      std::memcpy(to, &value, sizeof value);
    } else {
      uint32_t value = (bits & randomBits) | exponentBits;
      std::memcpy(to, &value, sizeof value);
    }
  }

  bool fp8;
  int elementBytes;
  uint64_t base;
  uint32_t exponentBits = 0, randomBits = 0;
  float scaleBase = 0;
};

} // namespace

std::unique_ptr<StoredTensor> dummyTensor(const TensorRequest &request, uint64_t seed) {
  return std::make_unique<DummyTensor>(request, seed);
}

} // namespace dsv3::runtime
