//===- vector.cuh - loads and stores of several elements, simulated -*- C++ -*-===//
//
// Stands for runtime/kernels/cuda/ptx/vector.cuh where kernels are compiled for the host. A
// load or store is one access for who observes it, whatever the host's compiler makes of it.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/types.cuh"
#include "runtime/kernels/sim/machine.h"

namespace dsv3::gpu {

template <typename T, int width>
struct alignas(sizeof(T) * width) Vector {
  static_assert(sizeof(T) * width <= 16, "a load has 16 bytes at the most");
  T values[width];
};

template <int width, typename T>
DSV3_UNSEEN inline Vector<T, width> loadVector(const T *from) {
#ifdef DSV3_CHECKED
  sim::Thread &thread = sim::thisThread();
  thread.machine->observe(thread, from, sizeof(T) * width, false, __builtin_return_address(0));
#endif
  return *reinterpret_cast<const Vector<T, width> *>(from);
}

template <int width, typename T>
DSV3_UNSEEN inline void storeVector(T *to, const Vector<T, width> &from) {
#ifdef DSV3_CHECKED
  sim::Thread &thread = sim::thisThread();
  thread.machine->observe(thread, to, sizeof(T) * width, true, __builtin_return_address(0));
#endif
  *reinterpret_cast<Vector<T, width> *>(to) = from;
}

template <int width, typename T>
inline void toFloats(const Vector<T, width> &from, float *to) {
  for (int i = 0; i < width; ++i) {
    to[i] = toFloat(from.values[i]);
  }
}

} // namespace dsv3::gpu
