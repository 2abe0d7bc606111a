//===- vector.cuh - loads of several elements at once -----------*- C++ -*-===//
#pragma once

#include "runtime/kernels/cuda/ptx/types.cuh"

namespace dsv3::gpu {

/// `width` elements that are loaded at once.
template <typename T, int width>
struct alignas(sizeof(T) * width) Vector {
  static_assert(sizeof(T) * width <= 16, "a load has 16 bytes at the most");
  T values[width];
};

template <int width, typename T>
__device__ inline Vector<T, width> loadVector(const T *from) {
  return *reinterpret_cast<const Vector<T, width> *>(from);
}

} // namespace dsv3::gpu
