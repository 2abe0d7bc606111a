//===- ring.cuh - stages of shared memory that go round ---------*- C++ -*-===//
//
// One side fills stages, the other reads them, both in order and as often as they like. A thread
// knows where it is; barriers tell it that a stage is full, or empty again.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/barrier.cuh"
#include "runtime/kernels/cuda/ptx/block.cuh"

namespace dsv3::gpu {

/// Returns when `phase` of the barrier has ended.
__device__ inline void waitForPhase(Barrier *barrier, int phase) {
  while (!tryWait(barrier, phase)) {
  }
}

template <int stages>
class StageRing {
public:
  static constexpr int bytes = 2 * stages * int(sizeof(Barrier));

  __device__ explicit StageRing(SharedArrays &shared)
      : full(shared.take<Barrier>(stages)), empty(shared.take<Barrier>(stages)) {}
  /// For one thread, before any other uses it. So many arrive at a stage that is full, and at one
  /// that is empty.
  __device__ void init(int fillers, int readers) const {
    for (int i = 0; i < stages; ++i) {
      initBarrier(full + i, fillers);
      initBarrier(empty + i, readers);
    }
  }

  /// Where the thread is.
  __device__ int stage() const { return at; }
  __device__ Barrier *fullBarrier() const { return full + at; }
  __device__ void waitFull() const { waitForPhase(full + at, round); }
  /// In the first round nothing has to be read.
  __device__ void waitEmpty() const { waitForPhase(empty + at, round ^ 1); }
  __device__ void next() {
    if (++at == stages) {
      at = 0;
      round ^= 1;
    }
  }
  /// The warp has read stage `of`.
  __device__ void release(int of) const {
    syncWarp();
    if (laneIndex() == 0) {
      arrive(empty + of);
    }
  }

private:
  Barrier *full, *empty;
  int at = 0, round = 0;
};

} // namespace dsv3::gpu
