//===- mma.cuh - tensor cores of sm_80 and asynchronous copies --*- C++ -*-===//
//
// One instruction a function: cp.async, ldmatrix, mma.sync. Layouts of fragments are
// those of the PTX ISA, "Matrix Fragments for mma.m16n8k16" and "mma.m16n8k32".
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/types.cuh"

namespace dsv3::gpu {

__device__ inline uint32 sharedAddress(const void *place) {
  return uint32(__cvta_generic_to_shared(place));
}

/// Copies 16 bytes from global to shared memory, of which the first `bytes` are read and the others
/// are zero. Both lie on borders of 16 bytes.
__device__ inline void copyAsync(void *to, const void *from, int bytes) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(sharedAddress(to)), "l"(from),
               "r"(bytes)
               : "memory");
}
/// Ends a group of copies.
__device__ inline void commitCopies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
/// Waits until no more than `pending` of the thread's groups are unfinished.
template <int pending>
__device__ inline void waitForCopies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}

/// Four matrices of 8 x 8 bf16: lane l gives the address of row l % 8 of matrix l / 8, and gets of
/// each matrix two neighbours in row l / 4.
__device__ inline void loadMatrices(const void *row, uint32 (&fragment)[4]) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(fragment[0]), "=r"(fragment[1]), "=r"(fragment[2]), "=r"(fragment[3])
               : "r"(sharedAddress(row))
               : "memory");
}

/// The same of transposed matrices: a lane gets two neighbours in column l / 4.
__device__ inline void loadTransposed(const void *row, uint32 (&fragment)[4]) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(fragment[0]), "=r"(fragment[1]), "=r"(fragment[2]), "=r"(fragment[3])
               : "r"(sharedAddress(row))
               : "memory");
}

/// sums += a b: 16 x 16 times 16 x 8, bf16 with f32 sums.
__device__ inline void multiplyMatrices(float (&sums)[4], const uint32 (&a)[4], uint32 b0,
                                        uint32 b1) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, "
               "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
               : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

/// sums += a b: 16 x 32 times 32 x 8, codes of e4m3 with f32 sums. From sm_89 on.
__device__ inline void multiplyCodes(float (&sums)[4], const uint32 (&a)[4], uint32 b0, uint32 b1) {
  asm volatile("mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32 {%0, %1, %2, %3}, "
               "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
               : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

} // namespace dsv3::gpu
