//===- Region.h - the stacks of a worker's fibers ---------------*- C++ -*-===//
//
// Address space for as many stacks as a block can have threads, with a page that nobody
// may touch below each. It begins where dsv3::sim::thisThread looks for the one that runs.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"
#include "runtime/kernels/sim/machine.h"

#include <cstddef>
#include <memory>
#include <span>

namespace dsv3::runtime::sim {

inline constexpr size_t mostThreads = 1024; ///< of a block, as on GPUs

class StackRegion {
public:
  static Expected<std::unique_ptr<StackRegion>> create();
  ~StackRegion();
  StackRegion(const StackRegion &) = delete;
  StackRegion &operator=(const StackRegion &) = delete;

  /// Makes the stacks of that many threads, at most mostThreads, usable.
  Status grow(size_t threads);

  dsv3::sim::Region &header() const { return *reinterpret_cast<dsv3::sim::Region *>(begin); }
  /// The stack of a thread. Those of neighbours begin at different places of a page, so that their
  /// first lines do not all want the same places of the CPU's caches.
  std::span<std::byte> stack(size_t thread) const;

private:
  StackRegion() = default;

  std::byte *begin = nullptr;
  size_t usable = 0;
};

} // namespace dsv3::runtime::sim
