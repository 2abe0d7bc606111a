//===- DummyTensor.cpp - a tensor made up from a seed ---------------------===//
//
// Values are bits of a counter-based generator (SplitMix64, Steele and others, 2014), of
// which each number serves two or four neighbours of a row, so every element can be had
// alone: floats keep random sign and mantissa under a fixed exponent, which needs no
// rounding in any format. Codes of FP8 have each exponent half as often as the next larger
// one, as weights have that are spread evenly, and so hardly ever the smallest, which costs
// more to expand; the scales make up for their spread.
//
//===----------------------------------------------------------------------===//
#include "runtime/params/StoredTensor.h"

#include "dsv3/Support/Float.h"
#include "dsv3/Support/Hash.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

namespace dsv3::runtime {

static uint64_t mix(uint64_t value) {
  value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9U;
  value = (value ^ value >> 27) * 0x94D049BB133111EBU;
  return value ^ value >> 31;
}

static constexpr int mantissaBitsOfCodes = 3, largestExponentOfCodes = 12;

/// The exponent for as many random bits as there are exponents below the largest, where a code
/// has it: each 0 among the lowest bits takes one off.
static constexpr auto codeExponents = [] {
  std::array<uint8_t, 1 << largestExponentOfCodes> exponents{};
  for (uint32_t bits = 0; bits < exponents.size(); ++bits) {
    int below = std::countr_zero(bits | 1U << largestExponentOfCodes);
    exponents[bits] = uint8_t((largestExponentOfCodes - below) << mantissaBitsOfCodes);
  }
  return exponents;
}();

/// A code of e4m3 from 16 random bits.
static uint8_t codeOf(uint32_t bits) {
  constexpr uint32_t mantissa = (1U << mantissaBitsOfCodes) - 1;
  uint32_t sign = bits >> mantissaBitsOfCodes & 1;
  return uint8_t((bits & mantissa) | sign << 7 | codeExponents[bits >> (mantissaBitsOfCodes + 1)]);
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
        perNumber(fp8 ? 4 : 8 / elementBytes), base(mix(seed ^ hash128(request.key).first)) {
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
    uint64_t fixed = uint64_t(std::max(exponent + format.bias, 1)) << format.mantissaBits;
    uint64_t random = (uint64_t(1) << format.mantissaBits) - 1;
    if (vector) {
      random >>= 3;
    } else {
      random |= uint64_t(1) << (format.bytes * 8 - 1);
    }
    for (int i = 0; i < perNumber; ++i) {
      exponentBits |= fixed << (i * format.bytes * 8);
      randomBits |= random << (i * format.bytes * 8);
    }
  }

  std::optional<Elements> alongRow(int64_t row, int64_t count, std::byte *buffer) const override {
    uint64_t begin = rowBase(row);
    int64_t whole = count / perNumber * perNumber;
    for (int64_t i = 0; i < whole; i += perNumber) {
      uint64_t elements = elementsFrom(begin, i);
      std::memcpy(buffer + i * elementBytes, &elements, fp8 ? 4 : 8);
    }
    if (whole < count) {
      uint64_t elements = elementsFrom(begin, whole);
      std::memcpy(buffer + whole * elementBytes, &elements, size_t((count - whole) * elementBytes));
    }
    return Elements{buffer, 1};
  }
  std::optional<Elements> downColumn(int64_t row, int64_t column, int64_t count,
                                     std::byte *buffer) const override {
    for (int64_t i = 0; i < count; ++i) {
      uint64_t elements = elementsFrom(rowBase(row + i), column / perNumber * perNumber);
      elements >>= column % perNumber * elementBytes * 8;
      std::memcpy(buffer + i * elementBytes, &elements, size_t(elementBytes));
    }
    return Elements{buffer, 1};
  }
  float scale(int64_t blockRow, int64_t blockColumn) const override {
    uint64_t bits = mix(~rowBase(blockRow) + uint64_t(blockColumn) * gamma);
    return scaleBase * (0.75F + float(bits >> 40) * 0x1p-25F);
  }
  Status findDamage() const override { return {}; }

private:
  static constexpr uint64_t gamma = 0x9E3779B97F4A7C15U;

  uint64_t rowBase(int64_t row) const { return mix(base + uint64_t(row) * gamma); }

  /// The elements of one random number, side by side: those from a column on, a multiple of
  /// perNumber, of the row whose numbers begin at `begin`.
  uint64_t elementsFrom(uint64_t begin, int64_t column) const {
    uint64_t bits = mix(begin + uint64_t(column) * gamma);
    if (!fp8) {
      return (bits & randomBits) | exponentBits;
    }
    uint32_t codes = 0;
    for (int i = 0; i < 4; ++i) {
      codes |= uint32_t(codeOf(uint32_t(bits >> (16 * i) & 0xFFFF))) << (8 * i);
    }
    return codes;
  }

  bool fp8;
  int elementBytes;
  int perNumber; ///< elements that share a random number
  uint64_t base;
  uint64_t exponentBits = 0, randomBits = 0; ///< of those elements
  float scaleBase = 0;
};

} // namespace

std::unique_ptr<StoredTensor> dummyTensor(const TensorRequest &request, uint64_t seed) {
  return std::make_unique<DummyTensor>(request, seed);
}

} // namespace dsv3::runtime
