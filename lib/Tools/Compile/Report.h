//===- Report.h - what a plan needs, before anything is loaded --*- C++ -*-===//
#pragma once

#include "dsv3/Checkpoint/ModelConfig.h"
#include "dsv3/Plan/Plan.h"

#include <string>

namespace dsv3::compile {

/// Bytes that a rank holds while it runs a plan.
struct MemoryNeeds {
  int64_t weights = 0; ///< packed for the variant, all layers, scales included
  int64_t arena = 0;   ///< the largest entry's; entries share one
  int64_t ports = 0;   ///< inputs and outputs of the largest entry
  int64_t pages = 0;   ///< of the cache, for every request at full context
  int64_t pageBytes = 0;

  int64_t cache() const { return pages * pageBytes; }
  int64_t total() const { return weights + arena + ports + cache(); }
};

/// Of the plan's variant with that index. Allocates nothing that it describes.
MemoryNeeds memoryNeeds(const plan::Plan &plan, size_t variant);

/// The report of --plan-only: bytes of each kind, whether they fit into `memory` bytes,
/// how many tokens of cache remain beside the weights, and which flag makes it fit.
std::string planReport(const checkpoint::ModelConfig &config, const plan::Plan &plan,
                       int64_t memory);

/// 1.5 GB and the like, in powers of ten.
std::string humanBytes(int64_t bytes);

} // namespace dsv3::compile
