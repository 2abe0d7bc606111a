//===- dot.cuh - a few rows times one row of a weight, by a warp -*- C++ -*-===//
//
// Each lane sums every 32nd piece of the columns in f32, of all blocks of scales; then the
// lanes' sums are added. The weight is read once for all rows, 16 bytes a lane where its rows
// allow it. The order of the sum depends on the number of columns and of a block's alone.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/tile/reduce.cuh"
#include "runtime/kernels/cuda/tile/weight.cuh"

namespace dsv3::gpu {

/// Lanes that share a block of `columns` columns and read `width` at a time: a power of two.
__device__ constexpr int lanesOfBlock(int64 columns, int width) {
  int lanes = warpLanes;
  while (lanes > 1 && lanes / 2 * width >= columns) {
    lanes /= 2;
  }
  return lanes;
}

/// sums[p][r] = rowAt(r) times row `rows[p]` of the weight's group, for r < rowCount. Rows of x
/// begin at multiples of `xBegins` elements.
template <int parts, int mostRows, int64 xBegins, typename W, typename RowAt>
__device__ inline void warpDots(const W &weight, int64 group, const int64 (&rows)[parts],
                                int rowCount, const RowAt &rowAt, float (&sums)[parts][mostRows]) {
  constexpr int width = W::widthOf(W::begins);
  using X = typename RowAt::Element;
  constexpr int xWidth = vectorWidth<X>(xBegins | width);
  for (int p = 0; p < parts; ++p) {
    for (int r = 0; r < mostRows; ++r) {
      sums[p][r] = 0.0f;
    }
  }
  constexpr int lanes = W::blocks > 1 ? lanesOfBlock(W::block, width) : warpLanes;
  for (int64 block = laneIndex() / lanes; block < W::blocks; block += warpLanes / lanes) {
    int64 begin = block * W::block;
    int64 end = begin + W::block < W::depth ? begin + W::block : W::depth;
    float ofBlock[parts][mostRows] = {};
    ElementScale before[parts];
    for (int p = 0; p < parts; ++p) {
      before[p] = weight.scaleBefore(group, rows[p], block);
    }
    for (int64 k = begin + laneIndex() % lanes * width; k < end; k += lanes * width) {
      float w[parts][width];
      for (int p = 0; p < parts; ++p) {
        weight.template read<width>(group, rows[p], k, before[p], w[p]);
      }
#pragma unroll
      for (int r = 0; r < mostRows; ++r) {
        if (r < rowCount) {
          const X *x = rowAt(r) + k;
          for (int i = 0; i < width; i += xWidth) {
            float values[xWidth];
            toFloats(loadVector<xWidth>(x + i), values);
            for (int j = 0; j < xWidth; ++j) {
              for (int p = 0; p < parts; ++p) {
                ofBlock[p][r] = multiplyAdd(values[j], w[p][i + j], ofBlock[p][r]);
              }
            }
          }
        }
      }
    }
    for (int p = 0; p < parts; ++p) {
      float scale = weight.scaleAfter(group, rows[p], block);
      for (int r = 0; r < mostRows; ++r) {
        float ofRow = r < rowCount ? rowAt.scale(r, block) : 1.0f;
        sums[p][r] = multiplyAdd(ofBlock[p][r], ofRow * scale, sums[p][r]);
      }
    }
  }
  for (int p = 0; p < parts; ++p) {
    for (int r = 0; r < mostRows; ++r) {
      sums[p][r] = warpSum(sums[p][r]);
    }
  }
}

} // namespace dsv3::gpu
