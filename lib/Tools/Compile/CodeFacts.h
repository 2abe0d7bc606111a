//===- CodeFacts.h - what NVRTC's code of a kernel takes --------*- C++ -*-===//
#pragma once

#include "dsv3/Plan/GpuKernel.h"
#include "dsv3/Support/Status.h"

#include <cstdint>
#include <string>

namespace dsv3::compile {

struct CodeFacts {
  int64_t registers = 0;         ///< of a thread
  int64_t localBytes = 0;        ///< of a thread, in local memory: arrays that are indexed, spills
  int64_t staticSharedBytes = 0; ///< of a block, besides what a launch gives it
};

/// Of the kernel's code for `architecture`, by NVRTC's name, which runs on GPUs of `capability` (90
/// for 9.0). It is taken from the user's cache of compiled kernels or compiled into it. Fails where
/// NVRTC is not found or refuses the text, or in a build without the runtime, which has the caller
/// of NVRTC.
Expected<CodeFacts> codeFacts(const plan::KernelText &kernel, const std::string &architecture,
                              int32_t capability);

} // namespace dsv3::compile
