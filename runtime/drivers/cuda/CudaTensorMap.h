//===- CudaTensorMap.h - what copies of tensors are told --------*- C++ -*-===//
#pragma once

#include "dsv3/Plan/GpuKernel.h"
#include "runtime/drivers/cuda/DriverApi.h"

namespace dsv3::runtime::cuda {

/// A CUtensorMap.
struct alignas(64) TensorMap {
  uint64_t words[16] = {};
};

/// Encodes the map that is wanted, of a matrix of `rows` rows at `data`.
Result encodeTensorMap(const DriverApi &api, DevicePointer data, const plan::MappedMatrix &wanted,
                       int64_t rows, TensorMap &map);

} // namespace dsv3::runtime::cuda
