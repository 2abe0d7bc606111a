//===- cluster.cuh - blocks that run together -------------------*- C++ -*-===//
//
// Thread block clusters, PTX ISA "Cooperative Thread Arrays" and "barrier.cluster": blocks with
// neighbouring numbers, or with one number and another place along y, which reach each other's
// shared memory. The driver says at the launch how many there are. Of sm_90.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/tensor_copy.cuh"

namespace dsv3::gpu {

/// Of the block in its cluster.
__device__ inline int clusterRank() {
  int rank;
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
}

/// Blocks of the cluster along x, with neighbouring numbers.
__device__ inline int clusterWidth() {
  int width;
  asm("mov.u32 %0, %%cluster_nctaid.x;" : "=r"(width));
  return width;
}
/// Which the block is of those along y, which all have its number, and how many these are.
__device__ inline int blockPart() { return int(blockIdx.y); }
__device__ inline int blockParts() { return int(gridDim.y); }

/// All threads of the cluster, less those that have ended, arrive, and then wait for the others. A
/// block's shared memory is there for others between such barriers alone.
__device__ inline void arriveCluster() {
  asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory");
}
__device__ inline void waitForCluster() {
  asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory");
}

/// What lies in the shared memory of block `rank` where `place` does in that of this one.
template <typename T>
__device__ inline T *ofBlock(T *place, int rank) {
  uint64 there;
  asm("mapa.u64 %0, %1, %2;" : "=l"(there) : "l"(place), "r"(rank));
  return reinterpret_cast<T *>(there);
}
/// A barrier in the shared memory of a block of the cluster.
struct BlockBarrier {
  uint32 address; ///< in the cluster's shared memory
};
/// That of block `rank` which lies where `barrier` does in this one.
__device__ inline BlockBarrier barrierOfBlock(Barrier *barrier, int rank) {
  BlockBarrier there;
  asm("mapa.shared::cluster.u32 %0, %1, %2;"
      : "=r"(there.address)
      : "r"(sharedAddress(barrier)), "r"(rank));
  return there;
}
/// Arrives at barrier `number` from that one on, if the thread is to.
__device__ inline void arriveWhere(bool arrives, BlockBarrier from, int number) {
  asm volatile("{\n.reg .pred p;\nsetp.ne.u32 p, %1, 0;\n"
               "@p mbarrier.arrive.shared::cluster.b64 _, [%0];\n}" ::"r"(
                   from.address + number * int(sizeof(Barrier))),
               "r"(int(arrives))
               : "memory");
}

/// copyTensor to the same place of every block that `mask` has a bit for, each of whose barriers
/// all bytes arrive at.
__device__ inline void copyTensorToBlocks(void *to, const TensorMap *map, int column, int row,
                                          Barrier *barrier, uint16 mask) {
  asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes"
               ".multicast::cluster [%0], [%1, {%2, %3}], [%4], %5;" ::"r"(sharedAddress(to)),
               "l"(map), "r"(column), "r"(row), "r"(sharedAddress(barrier)), "h"(mask)
               : "memory");
}

} // namespace dsv3::gpu
