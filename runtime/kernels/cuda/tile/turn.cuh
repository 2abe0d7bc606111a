//===- turn.cuh - sums of tensor cores, a row at a time ---------*- C++ -*-===//
//
// A thread of a product on tensor cores has pairs of columns of some rows. Stored from there,
// each sector of a result would be written in four pieces. So a warp turns them by way of
// shared memory: afterwards a lane has a column, and a warp stores whole sectors.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/block.cuh"

namespace dsv3::gpu {

/// 16 rows and 32 columns of each part, of one warp.
template <int parts>
struct TurnedSums {
  static constexpr int rows = 16, columns = warpLanes, stride = columns + 8;
  static constexpr int floats = parts * rows * stride;
  static __device__ constexpr int bytes(int warps) { return warps * floats * 4; }

  float *of;

  /// `warp` counts those that turn sums, in shared memory from `begin` on.
  __device__ TurnedSums(float *begin, int warp) : of(begin + warp * floats) {}

  /// All lanes come here, with sums [part][8 columns][4] as tensor cores keep them; and again
  /// before the next ones, when they have read these.
  __device__ void put(const float (&sums)[parts][4][4]) const {
    syncWarp();
    for (int p = 0; p < parts; ++p) {
      for (int j = 0; j < 4; ++j) {
        for (int e = 0; e < 4; ++e) {
          int row = laneIndex() / 4 + e / 2 * 8, column = j * 8 + laneIndex() % 4 * 2 + e % 2;
          of[p * rows * stride + place(row, column)] = sums[p][j][e];
        }
      }
    }
    syncWarp();
  }
  /// The sum of each part in a row and the lane's column.
  __device__ void get(int row, float (&sums)[parts]) const {
    for (int p = 0; p < parts; ++p) {
      sums[p] = of[p * rows * stride + place(row, laneIndex())];
    }
  }

private:
  /// Of eight rows, of which lanes store every other column at once, four begin in different banks;
  /// the other four change places with their neighbours.
  static __device__ int place(int row, int column) { return row * stride + (column ^ row / 4 % 2); }
};

} // namespace dsv3::gpu
