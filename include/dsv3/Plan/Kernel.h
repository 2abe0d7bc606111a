//===- Kernel.h - the ABI of compiled CPU kernels ---------------*- C++ -*-===//
//
// What generated code and the runtime agree on. A kernel is told which tiles of
// its grid to compute; tiles are independent and may run on any thread in any
// order, and what a tile computes does not depend on how tiles are dealt out. The
// grid has exactly the tiles that the variant's TileCount gives for the sizes.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>

namespace dsv3::plan {

/// Raised by whoever changes what is said here, so that older kernels are refused.
inline constexpr int64_t kernelAbiRevision = 1;

/// What a kernel returns. Other codes are of kernels that this code does not know.
enum class KernelError : int32_t {
  None = 0,
  /// An id, expert, position or request of its input, or a negative page. How many pages there
  /// are is not told to kernels: whoever fills the page table answers for that.
  IndexOutOfRange = 1,
};

/// args: one pointer per argument of the kern.def (inputs, then destinations);
///   a cache is two, its pages and its page table. bf16 and f8 are integers here.
/// sizes: values of the kernel's named sizes, in the order of the plan.
/// scratch: scratchBytes of this thread, 64-byte aligned, contents undefined.
/// Returns a KernelError; if it is not None an input cannot be right, and
/// destinations are undefined.
using KernelFunction = int32_t (*)(const void *const *args, const int64_t *sizes,
                                   uint32_t tileBegin, uint32_t tileEnd, void *scratch);

} // namespace dsv3::plan
