//===- sharing.cuh - blocks that share what they bring ----------*- C++ -*-===//
//
// Neighbouring blocks of a cluster want the same boxes of a matrix: each brings an equal part of
// a box to all of them. One block alone brings all of it to itself.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/block.cuh"
#include "runtime/kernels/cuda/ptx/cluster.cuh"

namespace dsv3::gpu {

/// What the threads of all blocks of the cluster did before lies before what any does afterwards.
__device__ inline void meetCluster() {
  syncWarp();
  arriveCluster();
  waitForCluster();
}

/// `together` blocks, or in a launch whose clusters are one block wide each by itself.
template <int together>
struct Sharing {
  static_assert(together >= 1 && together <= warpLanes, "a lane for each block");

  static __device__ int blocks() {
    if constexpr (together == 1) {
      return 1;
    } else {
      return clusterWidth();
    }
  }

  /// What the threads of all blocks did before, such as making barriers, lies before what any does
  /// afterwards.
  static __device__ void meet() {
    if (blocks() == 1) {
      syncBlock();
    } else {
      meetCluster();
    }
  }
  /// The thread asks no more of other blocks' shared memory, and waits until none does of its own,
  /// before it ends.
  static __device__ void leave() {
    if (blocks() > 1) {
      meetCluster();
    }
  }

  /// The block's part of a box of `rows` rows from `row` on, which comes to `to` in each block;
  /// `map` has boxes of as many rows as a part. Every block's `full` gets all bytes of the box.
  template <int rows>
  static __device__ void bring(unsigned char *to, const TensorMap *map, int column, int row,
                               Barrier *full) {
    constexpr int part = rows / together;
    static_assert(rows % (8 * together) == 0, "swizzles of all parts begin alike");
    if (blocks() == 1) {
#pragma unroll
      for (int first = 0; first < rows; first += part) {
        copyTensor(to + first * boxRowBytes, map, column, row + first, full);
      }
    } else {
      int first = clusterRank() * part;
      copyTensorToBlocks(to + first * boxRowBytes, map, column, row + first, full,
                         uint16((1 << together) - 1));
    }
  }

  /// A lane of each warp arrives at the barriers of each block.
  class Releases {
  public:
    Releases() = default;
    /// The barriers from `empty` on.
    __device__ explicit Releases(Barrier *empty)
        : arrives(laneIndex() < blocks()), there(barrierOfBlock(empty, blocks() == 1 ? clusterRank()
                                                                       : arrives     ? laneIndex()
                                                                                     : 0)) {}

    /// The warp has read what was brought: it arrives at barrier `number` of every block.
    __device__ void arrive(int number) const { arriveWhere(arrives, there, number); }

  private:
    bool arrives = false;
    BlockBarrier there = {};
  };
};

} // namespace dsv3::gpu
