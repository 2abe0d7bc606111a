//===- tensor_copy.cuh - copies of tensors by TMA ---------------*- C++ -*-===//
//
// Boxes of a matrix in global memory, which a tensor map describes, to shared memory: bytes,
// whatever its elements are. Of sm_90.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/barrier.cuh"

namespace dsv3::gpu {

/// As the driver encodes it; passed as a __grid_constant__ parameter, whose address is taken.
struct alignas(64) TensorMap {
  uint64 words[16];
};
static_assert(sizeof(TensorMap) == 128, "CUtensorMap");

/// Bytes of a row of a box.
inline constexpr int boxRowBytes = 128;

/// Begins a copy of the box whose first byte is byte `column` of `row` to `to`, at a multiple of
/// 1024 bytes; what lies outside of the matrix is zero. In shared memory a row of the box has 128
/// bytes, of which chunk i of 16 is at i ^ row % 8. All of them arrive at `barrier`. For one
/// thread.
__device__ inline void copyTensor(void *to, const TensorMap *map, int column, int row,
                                  Barrier *barrier) {
  asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes "
               "[%0], [%1, {%2, %3}], [%4];" ::"r"(sharedAddress(to)),
               "l"(map), "r"(column), "r"(row), "r"(sharedAddress(barrier))
               : "memory");
}

} // namespace dsv3::gpu
