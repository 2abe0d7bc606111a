//===- CudaContext.h - a GPU, its stream and who uses them ------*- C++ -*-===//
#pragma once

#include "runtime/drivers/cuda/DriverApi.h"

#include <memory>
#include <string>

namespace dsv3::runtime::cuda {

/// The primary context of a GPU and the one stream that everything is ordered in. Shared by the
/// device and what it made, which may be destroyed in any order; used by one thread at a time.
struct CudaContext {
  std::shared_ptr<const DriverApi> api;
  DeviceNumber device = 0;
  Context context = nullptr;
  Stream stream = nullptr;
  std::string name;       ///< "NVIDIA H200"
  int32_t capability = 0; ///< 90 for 9.0
  int multiprocessors = 0;

  /// "9.0".
  std::string capabilityText() const {
    return std::to_string(capability / 10) + "." + std::to_string(capability % 10);
  }

  CudaContext() = default;
  CudaContext(const CudaContext &) = delete;
  CudaContext &operator=(const CudaContext &) = delete;
  ~CudaContext() {
    if (stream) {
      use();
      api->StreamDestroy(stream);
    }
    if (context) {
      api->DevicePrimaryCtxRelease(device);
    }
  }

  /// Makes the context that of the calling thread.
  void use() const { api->CtxSetCurrent(context); }
};

} // namespace dsv3::runtime::cuda
