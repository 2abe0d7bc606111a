//===- ring.cuh - stages of shared memory that go round ---------*- C++ -*-===//
//
// One side fills stages, the other reads them, both in order and as often as they like. A thread
// knows where it is; barriers tell it that a stage is full, or empty again.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/barrier.cuh"
#include "runtime/kernels/cuda/ptx/block.cuh"
#include "runtime/kernels/cuda/tile/stages.cuh"

namespace dsv3::gpu {

/// Returns when the barrier's phase of that parity has ended.
__device__ inline void waitForPhase(Barrier *barrier, int parity) {
  while (!tryWait(barrier, parity)) {
  }
}

/// matrixWord of a place that all lanes know alike, so that the compiler knows it, too.
__device__ inline uint32 uniformWord(const void *from) {
  return uint32(shuffle(int(matrixWord(from)), 0));
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
  __device__ int stage() const { return turn.stage; }
  __device__ Barrier *fullBarrier() const { return full + turn.stage; }
  __device__ void waitFull() const { waitForPhase(full + turn.stage, turn.parity); }
  /// In the first round nothing has to be read.
  __device__ void waitEmpty() const { waitForPhase(empty + turn.stage, turn.parity ^ 1); }
  __device__ void next() { turn.next(); }
  /// The warp has read stage `of`.
  __device__ void release(int of) const {
    syncWarp();
    if (laneIndex() == 0) {
      arrive(empty + of);
    }
  }

private:
  Barrier *full, *empty;
  StageTurn<stages> turn;
};

} // namespace dsv3::gpu
