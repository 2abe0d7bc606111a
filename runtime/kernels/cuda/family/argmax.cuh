//===- argmax.cuh - kern.argmax: a row a block ------------------*- C++ -*-===//
#pragma once

#include "runtime/kernels/cuda/tile/failure.cuh"
#include "runtime/kernels/cuda/tile/reduce.cuh"
#include "runtime/kernels/cuda/tile/rows.cuh"

namespace dsv3::gpu {

template <int columns, int threads, typename X>
__device__ inline void argmax(Launch launch, X x, const int32 *limits, int32 *out) {
  if (launch.stopped()) {
    return;
  }
  int64 row = blockIndex();
  const float *values = x.at(row);
  int limit = limits[row] < columns ? limits[row] : columns;
  Found own{-infinity(), noIndex};
  constexpr int width = vectorWidth<float>(X::begins);
#pragma unroll 4 // loads that do not wait for each other
  for (int i = threadIndex() * width; i < limit; i += threads * width) {
    Vector<float, width> some = loadVector<width>(values + i);
    for (int j = 0; j < width; ++j) {
      bool more = some.values[j] > own.value && i + j < limit;
      own = more ? Found{some.values[j], i + j} : own;
    }
  }
  Found best = blockBest<threads>(own, reinterpret_cast<Found *>(sharedMemory()));
  if (threadIndex() == 0) {
    bool finite = best.index != noIndex && best.value < infinity();
    out[row] = finite ? best.index : -1;
  }
}

} // namespace dsv3::gpu
