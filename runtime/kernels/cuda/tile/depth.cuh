//===- depth.cuh - blocks that divide the depth of a tile -------*- C++ -*-===//
//
// Where tiles are far fewer than multiprocessors, the blocks of a cluster have the same tile of a
// product of warp groups, each some of its pieces. Through each other's shared memory they add up
// their sums, each of its share of the rows and always in the same order, and go on with those.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/vector.cuh"
#include "runtime/kernels/cuda/tile/promote.cuh"
#include "runtime/kernels/cuda/tile/sharing.cuh"

namespace dsv3::gpu {

/// Up to `most` blocks, a power of two, as many as a launch has along y.
template <int most>
struct DepthParts {
  static_assert(most >= 1 && most <= 8 && (most & (most - 1)) == 0, "blocks of a cluster");

  static __device__ int part() {
    if constexpr (most == 1) {
      return 0;
    } else {
      return blockPart();
    }
  }
  static __device__ int parts() {
    if constexpr (most == 1) {
      return 1;
    } else {
      return blockParts();
    }
  }
  static __device__ bool divided() { return parts() > 1; }

  /// The block's pieces of so many, from the first to the one behind its last.
  static __device__ int first(int pieces) { return pieces * part() / parts(); }
  static __device__ int end(int pieces) { return pieces * (part() + 1) / parts(); }

  /// Whether the block has the row's sums in the end: those of a warp's 16 rows are together.
  static __device__ bool has(int row) { return row / 16 % parts() == part(); }

  /// Bytes of the sums of so many threads.
  static __device__ constexpr int bytes(int threads) {
    return threads * productSums * int(sizeof(float));
  }
  /// Adds up what all blocks have in the thread's place, where the block has its warp's rows, from
  /// `warpRow` on, of which the first `rowCount` of the tile are there. All threads that multiply
  /// come here, of which this is number `thread`; the others come to standBy. `space` is for
  /// bytes(threads), in all blocks at the same place: pieces lay there, and may again afterwards.
  template <int threads>
  static __device__ void addUp(float *space, int thread, int warpRow, int rowCount,
                               float (&sums)[productSums]) {
    constexpr int width = 4, apart = threads * width;
    float *place = space + thread * width;
    bool hasRows = warpRow < rowCount;
    syncNamed(1, threads); // all have read the last pieces
    if (hasRows && !has(warpRow)) {
#pragma unroll
      for (int i = 0; i < productSums / width; ++i) {
        storeVector(place + i * apart,
                    Vector<float, width>{sums[i * width], sums[i * width + 1], sums[i * width + 2],
                                         sums[i * width + 3]});
      }
    }
    fenceProxy(); // what comes here next does so by TMA
    meetCluster();
    if (hasRows && has(warpRow)) {
      for (int i = 1; i < parts(); ++i) {
        const float *from = ofBlock(place, (part() + i) % parts());
#pragma unroll
        for (int j = 0; j < productSums; j += width) {
          Vector<float, width> others = loadVector<width>(from + j * threads);
#pragma unroll
          for (int e = 0; e < width; ++e) {
            sums[j + e] += others.values[e];
          }
        }
      }
    }
    meetCluster();
  }
  /// What the threads do meanwhile that bring pieces: those who add up have waited for all.
  static __device__ void standBy() {
    meetCluster();
    meetCluster();
  }
};

} // namespace dsv3::gpu
