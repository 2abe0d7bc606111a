//===- Float.h - narrow floating-point formats ------------------*- C++ -*-===//
//
// Conversions between float and the storage formats of checkpoints: bfloat16,
// IEEE half and e4m3fn (OCP 8-bit floating point: 4 exponent bits, bias 7, no
// infinities, NaN is 0x7F and 0xFF). Narrowing rounds to nearest, ties to even.
// Standard library only.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace dsv3 {

inline float bf16ToFloat(uint16_t bits) { return std::bit_cast<float>(uint32_t(bits) << 16); }

inline uint16_t floatToBf16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value)) {
    return uint16_t(bits >> 16) | 0x40;
  }
  return uint16_t((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

inline float f16ToFloat(uint16_t bits) {
  uint32_t sign = uint32_t(bits & 0x8000) << 16, magnitude = bits & 0x7FFF;
  if (magnitude >= 0x7C00) { // infinity and NaN
    return std::bit_cast<float>(sign | 0x7F800000 | (magnitude & 0x3FF) << 13);
  }
  // The exponent's bias differs by 112; the multiplication also makes subnormals right.
  float scaled = std::bit_cast<float>(magnitude << 13) * 0x1p112F;
  return std::bit_cast<float>(std::bit_cast<uint32_t>(scaled) | sign);
}

/// Values beyond 65504 and its rounding give infinity.
inline uint16_t floatToF16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value), magnitude = bits & 0x7FFFFFFF;
  auto sign = uint16_t(bits >> 16 & 0x8000);
  if (magnitude > 0x7F800000) {
    return sign | 0x7E00;
  }
  if (magnitude >= 0x477FF000) { // halfway between 65504 and the missing 65536
    return sign | 0x7C00;
  }
  if (magnitude < 0x38800000) { // subnormals are multiples of 2^-24
    return sign | uint16_t(std::nearbyint(std::bit_cast<float>(magnitude) * 0x1p24F));
  }
  magnitude += 0xFFF + ((magnitude >> 13) & 1);
  return sign | uint16_t((magnitude >> 13) - (112U << 10));
}

inline bool isF8E4M3NaN(uint8_t code) { return (code & 0x7F) == 0x7F; }

inline float f8e4m3ToFloat(uint8_t code) {
  if (isF8E4M3NaN(code)) {
    return std::bit_cast<float>(0x7FC00000U | uint32_t(code & 0x80) << 24);
  }
  float scaled = std::bit_cast<float>(uint32_t(code & 0x7F) << 20) * 0x1p120F;
  return std::bit_cast<float>(std::bit_cast<uint32_t>(scaled) | uint32_t(code & 0x80) << 24);
}

/// Values that round to ±448 at most are ±448; those beyond, and NaN, give NaN, as in the casts
/// of the published code.
inline uint8_t floatToF8E4M3(float value) {
  uint8_t sign = std::signbit(value) ? 0x80 : 0;
  float magnitude = std::fabs(value);
  if (!(magnitude < 464.0F)) { // halfway between 448 and the missing 480: 448 is even
    return magnitude == 464.0F ? uint8_t(sign | 0x7E) : uint8_t(sign | 0x7F);
  }
  if (magnitude < 0x1p-6F) { // subnormals are multiples of 2^-9
    return uint8_t(sign | uint8_t(std::nearbyint(magnitude * 0x1p9F)));
  }
  uint32_t bits = std::bit_cast<uint32_t>(magnitude);
  bits += 0x7FFFF + ((bits >> 20) & 1);
  return uint8_t(sign | uint8_t((bits >> 20) - (120U << 3)));
}

} // namespace dsv3
