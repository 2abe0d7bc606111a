//===- Kernel.h - the ABI of compiled CPU kernels ---------------*- C++ -*-===//
//
// What generated code and the runtime agree on. A kernel is told which tiles of
// its grid to compute; tiles are independent and may run on any thread in any
// order, and what a tile computes does not depend on how tiles are dealt out.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>

namespace dsv3::plan {

/// args: one pointer per argument of the kern.def (inputs, then destinations);
///   a cache is two, its pages and its page table. bf16 and f8 are integers here.
/// sizes: values of the kernel's named sizes, in the order of the plan.
/// scratch: scratchBytes of this thread, 64-byte aligned, contents undefined.
/// Returns 0, or a positive code when an input cannot be right (an index out of
/// range), in which case destinations are undefined.
using KernelFunction = int32_t (*)(const void *const *args, const int64_t *sizes,
                                   uint32_t tileBegin, uint32_t tileEnd, void *scratch);

} // namespace dsv3::plan
