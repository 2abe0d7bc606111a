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

template <int blocks>
struct Sharing {
  static_assert(blocks >= 1 && blocks <= warpLanes, "a lane for each block");

  /// What the threads of all blocks did before, such as making barriers, lies before what any does
  /// afterwards.
  static __device__ void meet() {
    if constexpr (blocks == 1) {
      syncBlock();
    } else {
      syncWarp();
      arriveCluster();
      waitForCluster();
    }
  }
  /// The thread asks no more of other blocks' shared memory, and waits until none does of its own,
  /// before it ends.
  static __device__ void leave() {
    if constexpr (blocks > 1) {
      meet();
    }
  }

  /// The block's part of a box of `rows` rows from `row` on, which comes to `to` in each block;
  /// `map` has boxes of as many rows as a part. Every block's `full` gets all bytes of the box.
  template <int rows>
  static __device__ void bring(unsigned char *to, const TensorMap *map, int column, int row,
                               Barrier *full) {
    constexpr int part = rows / blocks;
    static_assert(rows % (8 * blocks) == 0, "swizzles of all parts begin alike");
    if constexpr (blocks == 1) {
      copyTensor(to, map, column, row, full);
    } else {
      int first = clusterRank() * part;
      copyTensorToBlocks(to + first * boxRowBytes, map, column, row + first, full,
                         uint16((1 << blocks) - 1));
    }
  }

  /// The warp has read what was brought: it arrives at this barrier of every block.
  static __device__ void release(Barrier *empty) {
    if (laneIndex() < blocks) {
      if constexpr (blocks == 1) {
        arrive(empty);
      } else {
        arriveAtBlock(empty, laneIndex());
      }
    }
  }
};

} // namespace dsv3::gpu
