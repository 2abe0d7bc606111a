/*===- Kernels.c - small kernels for the tests of devices ------------------===*
 *
 * Written by hand against the ABI of dsv3/Plan/Kernel.h. The last number of each
 * comment is what a tile is.
 *
 *===----------------------------------------------------------------------===*/
#include <stdint.h>

#define KERNEL(name)                                                                               \
  int32_t name(const void *const *args, const int64_t *sizes, uint32_t begin, uint32_t end,        \
               void *scratch)
#define UNUSED(value) (void)(value)

KERNEL(cts_count);
KERNEL(cts_add);
KERNEL(cts_matvec);
KERNEL(cts_fail);
KERNEL(cts_core);
/* Of CPUs alone: plan::asksFirstLevelSymbol and its neighbour, with values that no runtime sets. */
int32_t dsv3_asks_first_level = -1, dsv3_assists_subnormals = -1;

/* counts[tile] += 1. */
KERNEL(cts_count) {
  UNUSED(sizes), UNUSED(scratch);
  uint32_t *counts = (uint32_t *)args[0];
  for (uint32_t tile = begin; tile < end; ++tile) {
    ++counts[tile];
  }
  return 0;
}

/* sum[i] = a[i] + b[i] for i < sizes[0]; 16 elements. */
KERNEL(cts_add) {
  UNUSED(scratch);
  const float *a = args[0], *b = args[1];
  float *sum = (float *)args[2];
  for (uint32_t tile = begin; tile < end; ++tile) {
    for (int64_t i = tile * 16L; i < (tile + 1) * 16L && i < sizes[0]; ++i) {
      sum[i] = a[i] + b[i];
    }
  }
  return 0;
}

/* y[row] = sum of w[row][column] x[column], sizes are rows and columns; one row.
   The products pass through the scratch, which must be aligned. */
KERNEL(cts_matvec) {
  const float *w = args[0], *x = args[1];
  float *y = (float *)args[2], *products = scratch;
  int64_t columns = sizes[1];
  if ((uintptr_t)scratch % 64 != 0) {
    return 9;
  }
  for (uint32_t row = begin; row < end; ++row) {
    for (int64_t column = 0; column < columns; ++column) {
      products[column] = w[row * columns + column] * x[column];
    }
    y[row] = 0;
    for (int64_t column = 0; column < columns; ++column) {
      y[row] += products[column];
    }
  }
  return 0;
}

/* Returns the largest of codes[begin] to codes[end - 1]; one code. */
KERNEL(cts_fail) {
  UNUSED(sizes), UNUSED(scratch);
  const int32_t *codes = args[0];
  int32_t worst = 0;
  for (uint32_t tile = begin; tile < end; ++tile) {
    worst = codes[tile] > worst ? codes[tile] : worst;
  }
  return worst;
}

/* told[0, 1] = what the runtime set; a tile. */
KERNEL(cts_core) {
  UNUSED(sizes), UNUSED(scratch);
  int32_t *told = (int32_t *)args[0];
  for (uint32_t tile = begin; tile < end; ++tile) {
    told[0] = dsv3_asks_first_level;
    told[1] = dsv3_assists_subnormals;
  }
  return 0;
}
