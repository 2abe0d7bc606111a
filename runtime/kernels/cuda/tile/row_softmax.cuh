//===- row_softmax.cuh - the softmax of scores that a warp group has -*- C++ -*-===//
//
// Scores of a product of warp groups, which come piece by piece. What is the largest of a row all
// threads know that have the row; sums of weights are of the thread's own columns.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/tile/fragment.cuh"
#include "runtime/kernels/cuda/tile/promote.cuh"

namespace dsv3::gpu {

inline constexpr float log2OfE = 1.44269504f;

/// What a thread knows of its rows, lane / 4 of the warp's 16 and the one eight below. The largest
/// scores are those of a power of two.
struct RowSoftmax {
  float largest[2], weights[2];

  __device__ RowSoftmax() {
    for (int i = 0; i < 2; ++i) {
      largest[i] = -infinity();
      weights[i] = 0.0f;
    }
  }

  /// Makes weights, as powers of two, of scores times `factor`, of which each row sees the first
  /// `seen`. What was summed before is to be multiplied with `before`.
  template <int count>
  __device__ void update(float (&scores)[count], const int (&seen)[2], bool all, float factor,
                         float (&before)[2]) {
    float most[2] = {-infinity(), -infinity()};
    if (!all) {
#pragma unroll
      for (int i = 0; i < count; ++i) {
        scores[i] = productColumn(i) < seen[i / 2 % 2] ? scores[i] : -infinity();
      }
    }
#pragma unroll
    for (int i = 0; i < count; ++i) {
      most[i / 2 % 2] = gpu::largest(most[i / 2 % 2], scores[i]);
    }
    for (int i = 0; i < 2; ++i) {
      most[i] = gpu::largest(largest[i], rowLargest(most[i]) * factor);
    }
    follow(most, before);
#pragma unroll
    for (int i = 0; i < count; ++i) {
      scores[i] = powerOfTwo(multiplyAdd(scores[i], factor, -shift(i / 2 % 2)));
      weights[i / 2 % 2] += scores[i];
    }
  }
  /// `now` is what others found, no less than before.
  __device__ void follow(const float (&now)[2], float (&before)[2]) {
    for (int i = 0; i < 2; ++i) {
      float old = largest[i];
      largest[i] = now[i];
      before[i] = powerOfTwo(old - shift(i));
      weights[i] *= before[i];
    }
  }

private:
  /// What weights are relative to; the largest is infinite where no key was seen so far.
  __device__ float shift(int i) const { return largest[i] == -infinity() ? 0.0f : largest[i]; }
};

} // namespace dsv3::gpu
