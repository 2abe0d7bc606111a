//===- Precompile.h - cubins beside the text of kernels ---------*- C++ -*-===//
#pragma once

#include "dsv3/Plan/GpuKernel.h"
#include "dsv3/Support/Status.h"

#include <filesystem>
#include <string>
#include <vector>

namespace dsv3::compile {

/// Compiles `kernels` with NVRTC for `architecture` and writes the cubins to `folder`. Fails
/// where NVRTC is not found, or in a build without the runtime, which has the caller of NVRTC.
Status precompile(const std::vector<plan::KernelText> &kernels, const std::string &architecture,
                  const std::filesystem::path &folder);

} // namespace dsv3::compile
