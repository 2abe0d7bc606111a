//===- MemoryCheck.h - does a model fit this machine ------------*- C++ -*-===//
#pragma once

#include "dsv3/Checkpoint/Checkpoint.h"
#include "dsv3/Checkpoint/ModelConfig.h"
#include "dsv3/Plan/MemoryNeeds.h"
#include "dsv3/Support/Status.h"

#include <cstdint>
#include <optional>
#include <string>

namespace dsv3::cli {

/// Bytes that the weights of a model take at least, of which no plan is there yet: as they are
/// stored in the checkpoint or, without one, as such models are published.
uint64_t leastWeightBytes(const checkpoint::ModelConfig &config,
                          const std::optional<checkpoint::Checkpoint> &checkpoint);
/// Fails if this machine has no memory for them.
Status checkWeights(const checkpoint::ModelConfig &config,
                    const std::optional<checkpoint::Checkpoint> &checkpoint);

/// What is run, on a machine that has `available` bytes to give.
struct MemoryQuestion {
  int64_t context = 0; ///< tokens
  int threads = 1;
  uint64_t available = 0;
  /// Bytes of the weights that are mapped files: the system can do with less memory, slowly.
  uint64_t mappedBytes = 0;
};

/// Fails if `needs` without a cache are more than there is, or not one page of cache
/// fits beside them; mapped weights do not count. Otherwise the sentence to say where they
/// or the cache of all tokens do not fit; empty where all fits.
Expected<std::string> checkMemory(const plan::MemoryNeeds &needs, const plan::Cache &cache,
                                  const MemoryQuestion &question);

/// The host of a device with memory of its own.
struct HostQuestion {
  uint64_t available = 0;
  bool expertsOnHost = false; ///< weights of routed experts stay there
  uint64_t passing = 0;       ///< bytes of other weights that are in memory at once, on their way
};

/// Fails if the host has no memory for the weights that stay there, and for those on their way to
/// the device.
Status checkHostMemory(const plan::MemoryNeeds &needs, const HostQuestion &question);

} // namespace dsv3::cli
