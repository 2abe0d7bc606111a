//===- Kernels.cu - small GPU kernels for the tests of devices ------------===//
// As Kernels.c, against the ABI of dsv3/Plan/GpuKernel.h.
//===- kernel cts_count -===//
#include "runtime/kernels/cuda/tile/failure.cuh"
using namespace dsv3::gpu;

// counts[block] += 1.
extern "C" __global__ void __launch_bounds__(32)
    cts_count(uint32 *counts, int64 a, uint64 *mark, uint32 number) {
  if (!Launch{mark, number}.stopped() && threadIndex() == 0) {
    ++counts[blockIndex()];
  }
}
//===- kernel cts_add -===//
#include "runtime/kernels/cuda/tile/failure.cuh"
using namespace dsv3::gpu;

// sum[i] = a[i] + b[i] for i < size; 16 elements a block.
extern "C" __global__ void __launch_bounds__(32)
    cts_add(const float *a, const float *b, float *sum, int64 size, uint64 *mark, uint32 number) {
  int64 i = blockIndex() * 16 + threadIndex();
  if (!Launch{mark, number}.stopped() && threadIndex() < 16 && i < size) {
    sum[i] = a[i] + b[i];
  }
}
//===- kernel cts_matvec -===//
#include "runtime/kernels/cuda/ptx/math.cuh"
#include "runtime/kernels/cuda/tile/failure.cuh"
using namespace dsv3::gpu;

// y[row] = sum of w[row][column] x[column], a row a block. The products pass through
// shared memory, and nothing is contracted, so that the sum is that of the CPU.
extern "C" __global__ void __launch_bounds__(64)
    cts_matvec(const float *w, const float *x, float *y, int64 rows, int64 columns, uint64 *mark,
               uint32 number) {
  if (Launch{mark, number}.stopped()) {
    return;
  }
  auto *products = reinterpret_cast<float *>(sharedMemory());
  for (int64 column = threadIndex(); column < columns; column += 64) {
    products[column] = product(w[blockIndex() * columns + column], x[column]);
  }
  syncBlock();
  if (threadIndex() == 0) {
    float total = 0.0f;
    for (int64 column = 0; column < columns; ++column) {
      total = sum(total, products[column]);
    }
    y[blockIndex()] = total;
  }
}
//===- kernel cts_fail -===//
#include "runtime/kernels/cuda/tile/failure.cuh"
using namespace dsv3::gpu;

// Reports codes[block].
extern "C" __global__ void __launch_bounds__(32)
    cts_fail(const int32 *codes, int64 a, uint64 *mark, uint32 number) {
  Launch launch{mark, number};
  int32 code = codes[blockIndex()];
  if (!launch.stopped() && threadIndex() == 0 && code != 0) {
    launch.fail(code);
  }
}
