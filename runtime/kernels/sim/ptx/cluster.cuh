//===- cluster.cuh - blocks that run together, simulated --------*- C++ -*-===//
//
// Stands for runtime/kernels/cuda/ptx/cluster.cuh where kernels are compiled for the host.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/tensor_copy.cuh"

namespace dsv3::gpu {

inline int clusterRank() { return sim::thisThread().rank; }
inline int clusterWidth() { return sim::thisThread().clusterWidth; }
inline int blockPart() { return sim::thisThread().part; }
inline int blockParts() { return sim::thisThread().parts; }

inline void arriveCluster() {
  sim::Thread &thread = sim::thisThread();
  thread.machine->arriveCluster(thread);
}
inline void waitForCluster() {
  sim::Thread &thread = sim::thisThread();
  thread.machine->waitForCluster(thread);
}

template <typename T>
inline T *ofBlock(T *place, int rank) {
  sim::Thread &thread = sim::thisThread();
  return static_cast<T *>(thread.machine->ofBlock(thread, place, rank));
}
struct BlockBarrier {
  Barrier *place;
};
inline BlockBarrier barrierOfBlock(Barrier *barrier, int rank) { return {ofBlock(barrier, rank)}; }
inline void arriveWhere(bool arrives, BlockBarrier from, int number) {
  if (arrives) {
    sim::Thread &thread = sim::thisThread();
    thread.machine->arrive(thread, from.place + number, 0);
  }
}

inline void copyTensorToBlocks(void *to, const TensorMap *map, int column, int row,
                               Barrier *barrier, uint16 mask) {
  sim::Thread &thread = sim::thisThread();
  thread.machine->copyToBlocks(thread, to, map, column, row, barrier, mask);
}

} // namespace dsv3::gpu
