//===- CudaTensorMap.cpp - what copies of tensors are told ----------------===//

#include "runtime/drivers/cuda/CudaTensorMap.h"

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::runtime::cuda;

// Numbers of cuda.h.
static constexpr int bytes = 0, notInterleaved = 0, swizzle128 = 3, promoteTo256 = 3,
                     zeroOutside = 0;
static constexpr unsigned boxRowBytes = 128;

Result cuda::encodeTensorMap(const DriverApi &api, DevicePointer data,
                             const plan::MappedMatrix &wanted, int64_t rows, TensorMap &map) {
  // Columns come first.
  const uint64_t sizes[] = {uint64_t(wanted.rowBytes), uint64_t(rows)};
  const uint64_t strides[] = {uint64_t(wanted.rowBytes)};
  const unsigned box[] = {boxRowBytes, unsigned(wanted.boxRows)}, steps[] = {1, 1};
  // NOLINTNEXTLINE(performance-no-int-to-ptr): an address of the device
  auto *address = reinterpret_cast<void *>(data);
  return api.TensorMapEncodeTiled(map.words, bytes, 2, address, sizes, strides, box, steps,
                                  notInterleaved, swizzle128, promoteTo256, zeroOutside);
}
