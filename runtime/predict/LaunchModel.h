//===- LaunchModel.h - how long a chip takes for a launch -------*- C++ -*-===//
//
// From what the blocks of a launch did to the time that a chip takes at least: the longest
// of what each of its parts needs, each busy without a pause, and of the chain of waiting in
// a block, wave after wave; and the time between launches. Not modelled: address arithmetic and
// conversions, queues between the parts, clocks that change, that the bus answers later than
// memory.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/Occupancy.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace dsv3::runtime {

/// What the slowest warp of a block waits for, one thing after the other.
struct WaitChain {
  double loads = 0; ///< of global memory whose results are needed before the next
  double shuffles = 0, barriers = 0;
};

/// What all blocks of a launch did. Sums, but for the last.
struct LaunchWork {
  int64_t blocks = 0;
  int64_t tiles = 0; ///< which the blocks share alike, one each at least
  plan::BlockNeeds block;

  // Instructions of warps.
  double instructions = 0; ///< all that are counted
  double multiplyAdds = 0; ///< of f32
  double products = 0;     ///< mma.sync.m16n8k16
  /// wgmma of bf16 and of codes, as so many products with as many operations.
  double groupProducts = 0, groupCodes = 0;

  double sharedWavefronts = 0; ///< of shared memory
  double lineWavefronts = 0;   ///< lines of global memory, as warps ask for them

  // Sectors of global memory, by where they came from or went to.
  double firstLevelSectors = 0, l2Sectors = 0, memorySectors = 0; ///< loaded
  double busSectors = 0;                                          ///< likewise, from the host
  double storedSectors = 0;                                       ///< to the L2
  double writtenSectors = 0;                                      ///< to memory

  WaitChain mean, longest; ///< of its blocks

  double memoryBytes() const;
  double l2Bytes() const;
  double tensorFlops() const; ///< of tensor cores' instructions, whatever of them is padding
  double flops() const;
};

enum class Limit : uint8_t {
  Memory,
  Bus, ///< to the memory of the host
  L2,
  FirstLevel, ///< shared memory and the first-level cache, which share a path
  TensorCores,
  MultiplyAdds,
  Issue,
  Latency,
  Launch, ///< nothing of it takes longer than the time between launches
};
inline constexpr size_t limitCount = 9;
std::string_view nameOf(Limit limit);

struct LaunchTime {
  double seconds = 0;
  Limit limit = Limit::Launch;
  std::array<double, limitCount> parts{}; ///< what each limit alone would take, by Limit
};

/// How many blocks a multiprocessor holds at once; at least 1, since what is too large for the chip
/// is told a time, too.
int64_t blocksAtOnce(const plan::Chip &chip, const plan::BlockNeeds &block);
/// How much of a block's share of the first-level cache is left besides shared memory.
int64_t cacheOfBlock(const plan::Chip &chip, const plan::BlockNeeds &block);
LaunchTime timeOf(const plan::Chip &chip, const LaunchWork &work);

} // namespace dsv3::runtime
