//===- tensor_copy.cuh - copies of tensors by TMA ---------------*- C++ -*-===//
//
// Boxes of a matrix of bf16 in global memory, which a tensor map describes, to shared memory.
// Of sm_90.
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

/// Columns of a box: rows of 128 bytes, which are swizzled.
inline constexpr int boxColumns = 64;

/// Begins a copy of the box whose first element is at `row` and `column` to `to`, at a multiple of
/// 1024 bytes; what lies outside of the matrix is zero. In shared memory a row has 128 bytes, of
/// which chunk i of 16 is at i ^ row % 8. All bytes of the box arrive at `barrier`. For one thread.
__device__ inline void copyTensor(void *to, const TensorMap *map, int column, int row,
                                  Barrier *barrier) {
  asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes "
               "[%0], [%1, {%2, %3}], [%4];" ::"r"(sharedAddress(to)),
               "l"(map), "r"(column), "r"(row), "r"(sharedAddress(barrier))
               : "memory");
}

} // namespace dsv3::gpu
