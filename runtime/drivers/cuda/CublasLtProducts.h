//===- CublasLtProducts.h - products by NVIDIA's library --------*- C++ -*-===//
#pragma once

#include "runtime/drivers/cuda/CudaContext.h"
#include "runtime/hal/Device.h"

#include <memory>

namespace dsv3::runtime::cuda {

/// Products by cuBLASLt, in the stream of `context`, with memory of `device`, whose context it is.
/// Fails with a sentence where the library is not there or does not start.
Expected<std::unique_ptr<PeerProducts>>
createCublasLtProducts(std::shared_ptr<const CudaContext> context, runtime::Device &device);

} // namespace dsv3::runtime::cuda
