//===- types.cuh - numbers as device memory holds them, on the host -*- C++ -*-===//
//
// Stands for runtime/kernels/cuda/ptx/types.cuh where kernels are compiled for the host:
// the same types and conversions, bit by bit, without an instruction of a GPU; and what
// CUDA adds to the language.
//
//===----------------------------------------------------------------------===//
#pragma once

// Inlined throughout, as on a GPU: a place in the code then tells its line of the kernel's text.
#define __device__ __attribute__((always_inline))
#define __global__
#define __constant__
#define __grid_constant__
#define __launch_bounds__(...)

namespace dsv3::gpu {

using int32 = int;
using int64 = long long;
using uint8 = unsigned char;
using uint16 = unsigned short;
using uint32 = unsigned int;
using uint64 = unsigned long long;

static_assert(sizeof(uint8) == 1 && sizeof(uint16) == 2, "sizes of elements");
static_assert(sizeof(int32) == 4 && sizeof(int64) == 8, "sizes of indices");
static_assert(sizeof(float) == 4 && sizeof(void *) == 8, "sizes of arguments");

struct bf16 {
  uint16 bits;
};
struct f16 {
  uint16 bits;
};
struct e4m3 {
  uint8 bits;
};

inline float fromBits(uint32 bits) {
  float value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}
inline uint32 toBits(float value) {
  uint32 bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  return bits;
}

inline float toFloat(float value) { return value; }
inline float toFloat(bf16 value) { return fromBits(uint32(value.bits) << 16); }
inline float toFloat(f16 value) {
  uint32 sign = uint32(value.bits & 0x8000u) << 16, rest = value.bits & 0x7fffu;
  if (rest >= 0x7c00u) { // infinity, or NaN, which becomes quiet
    return fromBits(sign | 0x7f800000u | (rest & 0x3ffu) << 13 | (rest > 0x7c00u ? 0x400000u : 0u));
  }
  // The exponent is 112 too small, of subnormal numbers too: the product is exact.
  return fromBits(sign | toBits(fromBits(rest << 13) * 0x1p112f));
}
/// As the instruction that is there from sm_89 on.
inline float toFloat(e4m3 value) {
  uint32 code = value.bits;
  if ((code & 0x7fu) == 0x7fu) {
    return toFloat(f16{0x7fff});
  }
  return toFloat(f16{uint16((code & 0x80u) << 8 | (code & 0x7fu) << 7)}) * 256.0f;
}

template <typename T>
inline T toNarrow(float value);
template <>
inline float toNarrow<float>(float value) {
  return value;
}
template <>
inline bf16 toNarrow<bf16>(float value) {
  uint32 bits = toBits(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) {
    return {0x7fff};
  }
  return {uint16((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16)};
}
template <>
inline f16 toNarrow<f16>(float value) {
  uint32 bits = toBits(value), magnitude = bits & 0x7fffffffu;
  auto sign = uint16(bits >> 16 & 0x8000u);
  if (magnitude > 0x7f800000u) {
    return {0x7fff};
  }
  if (magnitude >= 0x477ff000u) { // 65520, halfway from the largest number to the next
    return {uint16(sign | 0x7c00u)};
  }
  if (magnitude < 0x38800000u) {
    // Subnormal: in units of 2^-24, which is what the sum leaves in its last bits.
    return {uint16(sign | (toBits(fromBits(magnitude) + 0.5f) - toBits(0.5f)))};
  }
  uint32 rounded = magnitude + 0xfffu + (magnitude >> 13 & 1u);
  return {uint16(sign | (rounded - 0x38000000u) >> 13)};
}
template <>
inline e4m3 toNarrow<e4m3>(float value) {
  uint32 bits = toBits(value), magnitude = bits & 0x7fffffffu;
  auto sign = uint8(bits >> 24 & 0x80u);
  if (magnitude > 0x7f800000u) {
    return {0x7f};
  }
  if (magnitude >= 0x43e00000u) { // 448
    return {uint8(sign | 0x7eu)};
  }
  if (magnitude < 0x3c800000u) {
    // Subnormal: in units of 2^-9, which is what the sum leaves in its last bits.
    return {uint8(sign | (toBits(fromBits(magnitude) + 16384.0f) - toBits(16384.0f)))};
  }
  uint32 rounded = magnitude + 0x7ffffu + (magnitude >> 20 & 1u);
  return {uint8(sign | (rounded - 0x3c000000u) >> 20)};
}

} // namespace dsv3::gpu
