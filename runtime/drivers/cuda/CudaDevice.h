//===- CudaDevice.h - an NVIDIA GPU as a device -----------------*- C++ -*-===//
//
// Kernels are texts (ABI: dsv3/Plan/GpuKernel.h) that are compiled for the GPU when
// they are loaded, or were before. One context and one stream: launches run in their
// order, and copies between them.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/hal/Device.h"
#include "runtime/jit/KernelCompiler.h"

#include <memory>
#include <string>
#include <string_view>

namespace dsv3::runtime {

/// Fails with a sentence if there is no driver, or no GPU of this number. Of `options`,
/// architecture and bundle are those of what is loaded.
Expected<std::unique_ptr<Device>> createCudaDevice(int ordinal,
                                                   const KernelCompilerOptions &options);

} // namespace dsv3::runtime
