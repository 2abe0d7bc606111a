//===- math.cuh - the functions of the scalar table, on the host -*- C++ -*-===//
//
// Stands for runtime/kernels/cuda/ptx/math.cuh where kernels are compiled for the host.
// Exponentials, sines and cosines are those of the host's library, which errs by no more.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/types.cuh"
#include "runtime/kernels/sim/machine.h"

namespace dsv3::gpu {

inline float largest(float a, float b) { return __builtin_fmaxf(a, b); }
inline float smallest(float a, float b) { return __builtin_fminf(a, b); }
inline float absolute(float a) { return __builtin_fabsf(a); }
inline float exponential(float a) { return __builtin_expf(a); }
inline float powerOfTwo(float a) { return __builtin_exp2f(a); }
inline float roundedDown(float a) { return __builtin_floorf(a); }
inline float squareRoot(float a) { return __builtin_sqrtf(a); }
inline float quotient(float a, float b) { return a / b; }
#ifdef DSV3_CHECKED
DSV3_UNSEEN inline void countMultiplyAdd() { ++sim::thisThread().multiplyAdds; }
#else
inline void countMultiplyAdd() {}
#endif
inline float multiplyAdd(float a, float b, float c) {
  countMultiplyAdd();
  return __builtin_fmaf(a, b, c);
}
inline float product(float a, float b) { return a * b; }
inline float sum(float a, float b) { return a + b; }

inline double cosine(double angle) { return __builtin_cos(angle); }
inline double sine(double angle) { return __builtin_sin(angle); }

inline float infinity() { return fromBits(0x7f800000u); }

} // namespace dsv3::gpu
