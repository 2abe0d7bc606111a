//===- codes.cuh - weights as integer codes ---------------------*- C++ -*-===//
//
// Elements of weights that are encoded in fewer bits (dsv3/Support/WeightEncoding.h), and
// what each form of codes has for a block of them: scales as f16, of i4 an offset, too.
// A code becomes a float without a conversion: 2^23 + code has the code as its last bits.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/types.cuh"

namespace dsv3::gpu {

/// -127 to 127, in two's complement.
struct i8 {
  uint8 bits;
};
/// Codes from 0 to 15 of two columns, the first one's in the lower half.
struct i4x2 {
  uint8 bits;
};

__device__ inline float toFloat(i8 code) {
  return fromBits(0x4b000000u | (code.bits ^ 0x80u)) - 8388736.0f; // 2^23 + 128
}
/// Of the first column, or the second.
__device__ inline float toFloat(i4x2 codes, int64 column) {
  return fromBits(0x4b000000u | (codes.bits >> column * 4 & 15u)) - 8388608.0f; // 2^23
}

/// Columns that an element of a weight holds, and the numbers of a block of scales.
template <typename T>
struct CodeForm {
  using Scale = float;
  static constexpr int columns = 1, numbers = 1;
};
template <>
struct CodeForm<i8> {
  using Scale = f16;
  static constexpr int columns = 1, numbers = 1;
};
template <>
struct CodeForm<i4x2> {
  using Scale = f16;
  static constexpr int columns = 2, numbers = 2;
};

} // namespace dsv3::gpu
