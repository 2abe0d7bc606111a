//===- stages.cuh - the stages of products of warp groups -------*- C++ -*-===//
//
// Which stage of shared memory is next, and how warp groups are told of a matrix there. In loops
// whose instructions count: what changes from a stage to the next is a word of 32 bits each.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/mma.cuh"
#include "runtime/kernels/cuda/ptx/tensor_copy.cuh"

namespace dsv3::gpu {

/// Where warp groups have a matrix of bf16 in shared memory: boxes of `boxColumns` columns, in each
/// its rows one behind the other.
inline constexpr int boxColumns = boxRowBytes / 2;

/// A matrix in shared memory whose rows of 128 bytes are swizzled as copyTensor does, eight of them
/// behind the other eight; `from` is the first byte of row 0 that is multiplied (PTX ISA, "Matrix
/// Descriptor Format"). The low word of its descriptor grows by one for every 16 bytes that the
/// matrix lies further on; the other is a constant.
__device__ inline uint32 matrixWord(const void *from) {
  constexpr uint32 ignored = 1;
  return (sharedAddress(from) >> 4 & 0x3fffu) | ignored << 16;
}
__device__ inline uint64 matrixDescriptor(uint32 word) {
  constexpr uint64 eightRows = 1024 >> 4, swizzle128 = 1;
  return word | eightRows << 32 | swizzle128 << 62;
}
__device__ inline uint64 matrixDescriptor(const void *from) {
  return matrixDescriptor(matrixWord(from));
}
/// matrixWord of rows that are longer than 128 bytes, whose next ones lie `boxBytes` further on:
/// of a matrix whose rows are added up.
__device__ inline uint32 wideMatrixWord(const void *from, int boxBytes) {
  return (sharedAddress(from) >> 4 & 0x3fffu) | uint32(boxBytes >> 4) << 16;
}

/// The stage of a piece, and the parity of the barriers' phase that it has: one piece after the
/// other, without a division.
template <int stages>
struct StageTurn {
  int stage = 0, parity = 0;
  __device__ void next() {
    if (++stage == stages) {
      stage = 0;
      parity ^= 1;
    }
  }
};

} // namespace dsv3::gpu
