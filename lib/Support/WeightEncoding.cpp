//===- WeightEncoding.cpp - weights in fewer bits -------------------------===//
//
// Blocks are computed with four values side by side, in an order that is fixed. The search
// of i4 tries a handful of ranges: it is done for each block of a model that is loaded.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Support/WeightEncoding.h"

#include "dsv3/Support/Choices.h"
#include "dsv3/Support/Float.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <limits>
#include <ranges>

namespace dsv3 {

static constexpr int64_t blockColumns = encodingBlock(DType::I8)[1];
static_assert(encodingBlock(DType::I4)[1] == blockColumns);
static constexpr float largestF16 = 65504.0F;
/// Of the codes of a block, over their factors squared: below it all that counts has one code, and
/// the rest is rounding. One code of 32 that differs by 1 gives 0.03 where all factors are equal.
static constexpr float leastDeterminant = 0.001F;

namespace {
struct EncodingName {
  std::string_view name;
  DType type;
};
constexpr std::array<EncodingName, 4> encodings{
    {{"bf16", DType::BF16}, {"fp8", DType::F8E4M3}, {"int8", DType::I8}, {"int4", DType::I4}}};
} // namespace

std::optional<DType> encodingFromName(std::string_view text) {
  for (const EncodingName &encoding : encodings) {
    if (encoding.name == text) {
      return encoding.type;
    }
  }
  return std::nullopt;
}

std::string encodingNames() {
  return choicesText(encodings | std::views::transform(&EncodingName::name));
}

static float asF16(float value) { return f16ToFloat(floatToF16(value)); }

namespace {
/// Four numbers; g++ and clang compute with them side by side, on any processor in the same
/// order.
using Lanes [[gnu::vector_size(16)]] = float;
constexpr size_t lanes = sizeof(Lanes) / sizeof(float);
/// The values of a block; those beyond its length are 0.
using Block = std::array<Lanes, size_t(blockColumns) / lanes>;

/// value = code * scale + offset, both f16 values.
struct Line {
  float scale, offset;
};
} // namespace

/// Rounds to whole numbers, ties to even, magnitudes below 2^22: what is added leaves no bits
/// for fractions.
template <typename T>
static T rounded(T value) {
  constexpr float magic = 0x1.8p23F;
  return (value + magic) - magic;
}

static Lanes clamped(Lanes value, float least, float most) {
  value = value < least ? Lanes{} + least : value;
  return value > most ? Lanes{} + most : value;
}

static float sum(Lanes v) { return (v[0] + v[2]) + (v[1] + v[3]); }

static Block blockOf(std::span<const float> values) {
  Block block{};
  std::memcpy(block.data(), values.data(), values.size_bytes());
  return block;
}

/// The first codes of a block, as bytes.
static void store(const Block &block, std::span<uint8_t> codes) {
  for (size_t i = 0; i < codes.size(); ++i) {
    codes[i] = uint8_t(int8_t(block[i / lanes][i % lanes]));
  }
}

/// False if NaN or infinity is among the values.
static bool findRange(std::span<const float> values, float &least, float &most) {
  least = most = values[0];
  bool finite = true;
  for (float value : values) {
    least = value < least ? value : least, most = value > most ? value : most;
    finite &= std::isfinite(value);
  }
  return finite;
}

static bool encodeI8(std::span<const float> values, std::span<uint8_t> codes, float *scale) {
  float least = 0, most = 0;
  bool finite = findRange(values, least, most);
  float largest = std::max(-least, most);
  if (!finite || largest > largestF16 * 127) {
    return false;
  }
  *scale = asF16(largest / 127);
  // Values so small that their scale is 0 in f16 are 0.
  float divisor = *scale == 0 ? std::numeric_limits<float>::infinity() : *scale;
  Block block = blockOf(values);
  for (Lanes &part : block) {
    part = clamped(rounded(part / divisor), -127, 127);
  }
  store(block, codes);
  return true;
}

static Block codesOf(const Block &values, Line line) {
  float inverse = line.scale == 0 ? 0 : 1 / line.scale;
  Block codes;
  for (size_t i = 0; i < codes.size(); ++i) {
    codes[i] = clamped(rounded((values[i] - line.offset) * inverse), 0, 15);
  }
  return codes;
}

namespace {
/// Values of a block to fit lines to.
struct Fit {
  Block values, factors; ///< factors of squared errors; 0 where there is no value
  float sumFactors = 0, sumValues = 0;

  Fit(std::span<const float> given, std::span<const float> importance) : values(blockOf(given)) {
    std::array<float, blockColumns> ones;
    ones.fill(1);
    factors =
        blockOf(importance.empty() ? std::span<const float>(ones).first(given.size()) : importance);
    Lanes total{}, weighted{};
    for (size_t i = 0; i < values.size(); ++i) {
      total += factors[i], weighted += factors[i] * values[i];
    }
    sumFactors = sum(total), sumValues = sum(weighted);
  }

  /// The line that is nearest to the values in the sense of least squares, for these codes;
  /// `line` where all codes are equal.
  Line nearest(const Block &codes, Line line) const {
    Lanes first{}, squares{}, products{};
    for (size_t i = 0; i < codes.size(); ++i) {
      Lanes code = codes[i] * factors[i];
      first += code, squares += code * codes[i], products += code * values[i];
    }
    float sumCodes = sum(first);
    // With factors of 1 these are whole numbers below 2^24, and exact.
    float determinant = sumFactors * sum(squares) - sumCodes * sumCodes;
    if (!(determinant > leastDeterminant * sumFactors * sumFactors)) {
      return {asF16(line.scale), asF16(line.offset)};
    }
    float scale = (sumFactors * sum(products) - sumCodes * sumValues) / determinant;
    return {asF16(scale), asF16((sumValues - scale * sumCodes) / sumFactors)};
  }

  float squaredError(const Block &codes, Line line) const {
    Lanes total{};
    for (size_t i = 0; i < codes.size(); ++i) {
      Lanes error = codes[i] * line.scale + line.offset - values[i];
      total += factors[i] * error * error;
    }
    return sum(total);
  }
};
} // namespace

static bool encodeI4(std::span<const float> given, std::span<const float> importance,
                     std::span<uint8_t> codes, float *scales) {
  float least = 0, most = 0;
  if (!findRange(given, least, most) || std::max(-least, most) > largestF16) {
    return false;
  }
  Fit fit(given, importance);
  float span = most - least;
  Line best{asF16(span / 15), asF16(least)};
  Block bestCodes = codesOf(fit.values, best);
  float leastError = fit.squaredError(bestCodes, best);
  // Ranges a little wider and narrower than that of the values, each moved to where its codes
  // want it.
  for (float share : {1.05F, 1.0F, 0.95F, 0.9F, 0.85F}) {
    Line line{span * share / 15, least + span * (1 - share) / 2};
    line = fit.nearest(codesOf(fit.values, line), line);
    Block candidate = codesOf(fit.values, line);
    float error = fit.squaredError(candidate, line);
    if (error < leastError) {
      best = line, leastError = error, bestCodes = candidate;
    }
  }
  scales[0] = best.scale, scales[1] = best.offset;
  store(bestCodes, codes);
  return true;
}

bool encodeRow(DType type, std::span<const float> values, std::span<uint8_t> codes,
               std::span<float> scales, std::span<const float> importance) {
  assert(isScaledAlongRows(type) && codes.size() >= values.size() && "see the header");
  assert((importance.empty() || importance.size() == values.size()) && "see the header");
  bool sound = true;
  auto numbers = size_t(scaleForm(type)->numbers);
  for (size_t begin = 0, block = 0; begin < values.size(); begin += blockColumns, ++block) {
    size_t count = std::min(size_t(blockColumns), values.size() - begin);
    auto part = values.subspan(begin, count);
    auto codesOfPart = codes.subspan(begin, count);
    float *ofBlock = scales.data() + block * numbers;
    sound &=
        type == DType::I8
            ? encodeI8(part, codesOfPart, ofBlock)
            : encodeI4(part, importance.empty() ? importance : importance.subspan(begin, count),
                       codesOfPart, ofBlock);
  }
  return sound;
}

float f8Scale(float largest) {
  float scale = largest / 448;
  return scale < std::numeric_limits<float>::min() ? 0.0F : scale;
}

uint8_t f8Code(float value, float scale) {
  return scale == 0 ? uint8_t(0) : floatToF8E4M3(value / scale);
}

} // namespace dsv3
