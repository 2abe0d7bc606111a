//===- fragment.cuh - products of rows in shared memory, by a warp -*- C++ -*-===//
//
// What attention does with fragments of mma.sync.m16n8k16: a thread has neighbours in row
// lane / 4 of 16 and in the one eight below; four lanes have a row.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/block.cuh"
#include "runtime/kernels/cuda/ptx/math.cuh"
#include "runtime/kernels/cuda/ptx/mma.cuh"

namespace dsv3::gpu {

/// Two neighbours in a row, as fragments hold them.
__device__ inline uint32 packed(float first, float second) {
  return uint32(toNarrow<bf16>(first).bits) | uint32(toNarrow<bf16>(second).bits) << 16;
}

/// Of the lanes that have a row.
__device__ inline float rowLargest(float value) {
  value = largest(value, shuffleXor(value, 1));
  return largest(value, shuffleXor(value, 2));
}
__device__ inline float rowSum(float value) {
  value += shuffleXor(value, 1);
  return value + shuffleXor(value, 2);
}

/// sums += a b: rows `row` to row + 15 of `a` times 8 * tiles rows of `b` from `column` on, both
/// multiples of 8, of `depth` columns that lie as R says.
template <typename R, int depth, int tiles>
__device__ inline void multiplyRows(float (&sums)[tiles][4], const bf16 *a, int row, const bf16 *b,
                                    int column) {
  static_assert(depth % 16 == 0 && tiles % 2 == 0, "whole fragments");
  int lane = laneIndex();
  int ofA = R::place(row + lane % 16, lane / 16 * 8);
  int ofB = R::place(column + lane / 16 * 8 + lane % 8, lane / 8 % 2 * 8);
#pragma unroll 4 // places lie alike every 64 columns
  for (int k = 0; k < depth; k += 16) {
    uint32 left[4];
    loadMatrices(a + R::further(ofA, k), left);
#pragma unroll
    for (int j = 0; j < tiles; j += 2) {
      uint32 right[4];
      loadMatrices(b + R::further(ofB, k) + j * 8 * R::stride, right);
      multiplyMatrices(sums[j], left, right[0], right[1]);
      multiplyMatrices(sums[j + 1], left, right[2], right[3]);
    }
  }
}

} // namespace dsv3::gpu
