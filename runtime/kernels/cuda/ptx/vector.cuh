//===- vector.cuh - loads and stores of several elements --------*- C++ -*-===//
#pragma once

#include "runtime/kernels/cuda/ptx/types.cuh"

namespace dsv3::gpu {

/// `width` elements that are loaded at once.
template <typename T, int width>
struct alignas(sizeof(T) * width) Vector {
  static_assert(sizeof(T) * width <= 16, "a load has 16 bytes at the most");
  T values[width];
};

/// What codes are moved in: as many bytes as there are, four at the most.
template <int bytes>
struct WordOf {
  using Type = uint32;
};
template <>
struct WordOf<2> {
  using Type = uint16;
};
template <>
struct WordOf<1> {
  using Type = uint8;
};

/// Codes in words, which are widened without taking them apart.
template <int width>
struct alignas(width) Vector<e4m3, width> {
  using Word = typename WordOf<width>::Type;
  Word words[width / sizeof(Word)];
};

template <int width, typename T>
__device__ inline Vector<T, width> loadVector(const T *from) {
  return *reinterpret_cast<const Vector<T, width> *>(from);
}

template <int width, typename T>
__device__ inline void storeVector(T *to, const Vector<T, width> &from) {
  *reinterpret_cast<Vector<T, width> *>(to) = from;
}

/// All elements as float.
template <int width, typename T>
__device__ inline void toFloats(const Vector<T, width> &from, float *to) {
  for (int i = 0; i < width; ++i) {
    to[i] = toFloat(from.values[i]);
  }
}
template <int width>
__device__ inline void toFloats(const Vector<e4m3, width> &from, float *to) {
  constexpr int ofWord = sizeof(from.words[0]);
  for (int i = 0; i < width; i += ofWord) {
    uint32 halves[2];
    toHalves(from.words[i / ofWord], halves);
    for (int j = 0; j < ofWord; ++j) {
      to[i + j] = toFloat(f16{uint16(halves[j / 2] >> j % 2 * 16)});
    }
  }
}

} // namespace dsv3::gpu
