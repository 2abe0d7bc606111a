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
};

/// Fails if `needs` without a cache are more than there is, or not one page of cache
/// fits beside them. Otherwise the sentence to say where the cache of all tokens does
/// not fit; empty where it does.
Expected<std::string> checkMemory(const plan::MemoryNeeds &needs, const plan::Cache &cache,
                                  const MemoryQuestion &question);

} // namespace dsv3::cli
