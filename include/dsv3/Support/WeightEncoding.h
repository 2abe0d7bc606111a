//===- WeightEncoding.h - weights in fewer bits -----------------*- C++ -*-===//
//
// The one description of how weights are coded: what their scales are, and how the
// values of a stored tensor become codes. The runtime encodes what it packs with these
// functions, the interpreter what it reads, so both compute with the same numbers.
//
//   f8E4M3FN  value = code * scale           a scale for 128 x 128 values, f32
//   i8        value = code * scale           a scale for 32 values of a row, f16
//   i4        value = code * scale + offset  both for 32 values of a row, f16; code 0 to 15
//
// Rows, columns and blocks are those of the stored tensor, from its element [0, 0] on; the
// last block of a row is shorter where columns are left over. Nothing here depends on
// the processor or on the number of threads.
//
// Standard library only. All functions are pure and thread-safe.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/DType.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace dsv3 {

/// What a block of codes is scaled by: `numbers` values of `type`, of i4 scale, then offset.
struct ScaleForm {
  DType type = DType::F32;
  int64_t numbers = 1;
  bool operator==(const ScaleForm &) const = default;
};
/// Nothing for types whose values need no scale.
constexpr std::optional<ScaleForm> scaleForm(DType weight) {
  switch (weight) {
  case DType::F8E4M3:
    return ScaleForm{DType::F32, 1};
  case DType::I8:
    return ScaleForm{DType::F16, 1};
  case DType::I4:
    return ScaleForm{DType::F16, 2};
  default:
    return std::nullopt;
  }
}

/// Whether codes of this type have a scale for a few values of one row, so that a weight
/// can be read along its rows alone.
constexpr bool isScaledAlongRows(DType weight) {
  return weight == DType::I8 || weight == DType::I4;
}

/// Rows and columns of a block that is encoded with one scale. Precondition: scaleForm has
/// a form for the type.
constexpr std::array<int64_t, 2> encodingBlock(DType weight) {
  return isScaledAlongRows(weight) ? std::array<int64_t, 2>{1, 32}
                                   : std::array<int64_t, 2>{128, 128};
}

/// The types that --weights and --head can name: bf16, fp8, int8, int4. Nothing for others.
std::optional<DType> encodingFromName(std::string_view text);
/// "bf16, fp8, int8 or int4".
std::string encodingNames();

/// Encodes a row of values of a stored tensor as i8 or i4. `codes` gets a byte for each
/// value (i8: two's complement), `scales` the numbers of each block, all of them f16
/// values. Rounds to nearest even:
///   i8  scale = f16(largest / 127), code = value / scale, from -127 to 127
///   i4  of a few scales and offsets that fit the values in the sense of least squares,
///       the pair with the least squared error
/// `importance` has a factor for the squared error of each value, of i4 alone: what it is
/// multiplied with, squared, on average (dsv3-run --calibration). Empty: all are 1. None is
/// negative. False if a value is not finite, or too large for a scale in f16; the output is
/// unspecified then.
[[nodiscard]] bool encodeRow(DType type, std::span<const float> values, std::span<uint8_t> codes,
                             std::span<float> scales, std::span<const float> importance = {});

/// The scale of a block of f8E4M3FN of which `largest` is the largest magnitude: that / 448, or
/// 0 where this is no normal number: it would have too few bits to divide by.
float f8Scale(float largest);
/// The code of a value in such a block.
uint8_t f8Code(float value, float scale);

} // namespace dsv3
