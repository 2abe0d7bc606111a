//===- math.cuh - the functions of the scalar table -------------*- C++ -*-===//
//
// What the CUDA column of dsv3/Support/ScalarOps.def calls, and what families compute
// with besides. Division and square roots are rounded correctly; exp and powers of two err by two
// units in the last place at the most.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/types.cuh"

namespace dsv3::gpu {

__device__ inline float largest(float a, float b) { return fmaxf(a, b); }
__device__ inline float smallest(float a, float b) { return fminf(a, b); }
__device__ inline float absolute(float a) { return fabsf(a); }
__device__ inline float exponential(float a) { return expf(a); }
/// 2 to the power of `a`, in one instruction; what is smaller than any normal number is 0.
__device__ inline float powerOfTwo(float a) {
  float power;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(a));
  return power;
}
/// The largest whole number that is not above.
__device__ inline float roundedDown(float a) { return floorf(a); }
__device__ inline float squareRoot(float a) { return __fsqrt_rn(a); }
__device__ inline float quotient(float a, float b) { return __fdiv_rn(a, b); }
__device__ inline float multiplyAdd(float a, float b, float c) { return __fmaf_rn(a, b, c); }
/// Never contracted.
__device__ inline float product(float a, float b) { return __fmul_rn(a, b); }
__device__ inline float sum(float a, float b) { return __fadd_rn(a, b); }

/// In double, of an angle of any size.
__device__ inline double cosine(double angle) { return cos(angle); }
__device__ inline double sine(double angle) { return sin(angle); }

__device__ inline float infinity() { return fromBits(0x7f800000u); }

} // namespace dsv3::gpu
