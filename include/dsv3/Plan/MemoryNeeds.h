//===- MemoryNeeds.h - the bytes that running a plan takes ------*- C++ -*-===//
//
// The one description of what a rank holds in memory while it runs a plan. The
// runtime allocates by it, and what is said before loading (dsv3-compile --plan-only,
// the check of dsv3-run) adds it up. Standard library only.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/Plan.h"

#include <cstddef>
#include <cstdint>

namespace dsv3::plan {

/// A weight in memory: for each layer its data, then its scales, both from a border of
/// 64 bytes on; nothing of what is in place.
struct ParameterBytes {
  uint64_t data = 0, scales = 0; ///< rounded up to the border
  uint64_t copies = 1;           ///< one for each layer

  uint64_t stride() const { return data + scales; } ///< from one layer's to the next
};
ParameterBytes parameterBytes(const Parameter &parameter, const Layout &layout);

/// Whether a parameter is the weights of routed experts, each of which has tensors of its own.
bool isOfExperts(const Parameter &parameter);

/// Of all parameters in the layouts of a variant; UINT64_MAX if that overflows.
uint64_t weightBytes(const Plan &plan, size_t variant);
/// Of those alone that are of routed experts.
uint64_t expertBytes(const Plan &plan, size_t variant);
/// Of the parameters that are read in place, which the others do not count.
uint64_t inPlaceBytes(const Plan &plan, size_t variant);
/// Bytes of one such parameter of one layer.
uint64_t rowBytes(const Parameter &parameter);

/// The largest entry's; the entries share one arena.
uint64_t arenaBytes(const Plan &plan);

/// A port at the maximum of its size.
uint64_t portBytes(const Entry &entry, const Port &port);

/// What a thread has of scratch memory for kernels of `bytes`: whole pages of the
/// system, so that threads never share one.
constexpr int64_t scratchStride(int64_t bytes) { return (bytes + 4095) / 4096 * 4096; }

struct MemoryNeeds {
  uint64_t weights = 0; ///< with those in place
  uint64_t arena = 0;
  uint64_t ports = 0;   ///< inputs and outputs; entries share those of equal names
  uint64_t scratch = 0; ///< of each thread
  uint64_t experts = 0; ///< those of the weights that are of routed experts

  /// Without the cache; UINT64_MAX if that overflows.
  uint64_t withoutCache(int threads) const;
  /// With the cache of every request at full context; UINT64_MAX if that overflows.
  uint64_t total(int threads, const Cache &cache) const;
  /// Pages of the cache that find room beside the rest in `available` bytes.
  uint64_t pagesWithin(uint64_t available, int threads, const Cache &cache) const;
};
MemoryNeeds memoryNeeds(const Plan &plan, size_t variant);

/// Bytes of the cache of every request at full context; UINT64_MAX if that overflows.
uint64_t fullCacheBytes(const Cache &cache);

} // namespace dsv3::plan
