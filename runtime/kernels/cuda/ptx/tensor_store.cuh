//===- tensor_store.cuh - tiles from registers to global memory -*- C++ -*-===//
//
// stmatrix brings fragments to shared memory, TMA a box from there to a matrix that a tensor
// map describes. Of sm_90.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/tensor_copy.cuh"

namespace dsv3::gpu {

/// Four matrices of 8 × 8 16-bit elements; lane i gives the place of row i % 8 of matrix i / 8. Of
/// each matrix it stores columns 2 (lane % 4) and the next one of row lane / 4.
__device__ inline void storeMatrices(void *row, const uint32 (&fragment)[4]) {
  asm volatile(
      "stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(sharedAddress(row)),
      "r"(fragment[0]), "r"(fragment[1]), "r"(fragment[2]), "r"(fragment[3])
      : "memory");
}

/// Begins a copy of the box at `from`, which lies there as copyTensor would bring it, to the
/// matrix; what lies outside of that is left out. Threads that wrote the box come to fenceProxy
/// before. For one thread, which waits for its copies before it ends.
__device__ inline void storeTensor(const void *from, const TensorMap *map, int column, int row) {
  asm volatile(
      "cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%0, {%1, %2}], [%3];" ::"l"(map),
      "r"(column), "r"(row), "r"(sharedAddress(from))
      : "memory");
}
/// Ends a group of such copies.
__device__ inline void commitStores() { asm volatile("cp.async.bulk.commit_group;" ::: "memory"); }
/// Waits until no more than `pending` groups have shared memory left to read.
template <int pending>
__device__ inline void waitForStores() {
  asm volatile("cp.async.bulk.wait_group.read %0;" ::"n"(pending) : "memory");
}

} // namespace dsv3::gpu
