//===- MemoryCheck.h - does a model fit this machine ------------*- C++ -*-===//
#pragma once

#include "dsv3/Plan/MemoryNeeds.h"
#include "dsv3/Support/Status.h"

#include <cstdint>
#include <string>

namespace dsv3::cli {

/// What is run, on a machine that has `available` bytes to give.
struct MemoryQuestion {
  int64_t context = 0; ///< tokens
  int threads = 1;
  uint64_t available = 0;
  /// The weights are a mapped file: the system can do with less memory, slowly.
  bool mappedWeights = false;
};

/// Fails if `needs` without a cache are more than there is, or not one page of cache
/// fits beside them; mapped weights do not count. Otherwise the sentence to say where they
/// or the cache of all tokens do not fit; empty where all fits.
Expected<std::string> checkMemory(const plan::MemoryNeeds &needs, const plan::Cache &cache,
                                  const MemoryQuestion &question);

} // namespace dsv3::cli
