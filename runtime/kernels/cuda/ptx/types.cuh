//===- types.cuh - numbers as device memory holds them ----------*- C++ -*-===//
//
// Element types of our own, so that no header of a toolkit is needed, and the
// conversions between them and float. Each is exact, or rounds to nearest, ties to
// even, as arith.extf and arith.truncf do.
//
//===----------------------------------------------------------------------===//
#pragma once

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

__device__ inline float fromBits(uint32 bits) { return __uint_as_float(bits); }
__device__ inline uint32 toBits(float value) { return __float_as_uint(value); }

__device__ inline float toFloat(float value) { return value; }
__device__ inline float toFloat(bf16 value) { return fromBits(uint32(value.bits) << 16); }
__device__ inline float toFloat(f16 value) {
  float result;
  asm("cvt.f32.f16 %0, %1;" : "=f"(result) : "h"(value.bits));
  return result;
}
/// Four codes, the first lowest, as two pairs of f16. An instruction from sm_89 on. Before that:
/// sign, exponent and mantissa of a code are those of an f16 that is 2^8 times too small, subnormal
/// codes included; NaN codes, which are refused when weights are loaded, give 480 there.
__device__ inline void toHalves(uint32 codes, uint32 (&halves)[2]) {
#if __CUDA_ARCH__ >= 890
  asm("{.reg .b16 low, high; mov.b32 {low, high}, %2;"
      " cvt.rn.f16x2.e4m3x2 %0, low; cvt.rn.f16x2.e4m3x2 %1, high;}"
      : "=r"(halves[0]), "=r"(halves[1])
      : "r"(codes));
#else
  for (int i = 0; i < 2; ++i) {
    uint32 apart = __byte_perm(codes, 0, i == 0 ? 0x1404 : 0x3424); // in upper bytes of halves
    uint32 small = (apart & 0x80008000u) | (apart & 0x7f007f00u) >> 1;
    asm("mul.f16x2 %0, %1, %2;" : "=r"(halves[i]) : "r"(small), "r"(0x5c005c00u)); // 2^8
  }
#endif
}
__device__ inline float toFloat(e4m3 value) {
  uint32 halves[2];
  toHalves(value.bits, halves);
  return toFloat(f16{uint16(halves[0])});
}

/// Rounds to the type T.
template <typename T>
__device__ inline T toNarrow(float value);
template <>
__device__ inline float toNarrow<float>(float value) {
  return value;
}
template <>
__device__ inline bf16 toNarrow<bf16>(float value) {
  uint32 pair; // one F2FP on sm_80, too, where a number alone is a slower F2F
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(0.0f), "f"(value));
  return {uint16(pair)};
}
template <>
__device__ inline f16 toNarrow<f16>(float value) {
  f16 result;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(result.bits) : "f"(value));
  return result;
}
/// What is larger than 448 gives 448. From sm_89 on.
template <>
__device__ inline e4m3 toNarrow<e4m3>(float value) {
  uint16 pair;
  asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(pair) : "f"(0.0f), "f"(value));
  return {uint8(pair)};
}

} // namespace dsv3::gpu
