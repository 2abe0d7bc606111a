//===- Occupancy.cpp - blocks that a multiprocessor holds -----------------===//
#include "dsv3/Plan/Occupancy.h"

#include "dsv3/Plan/Layout.h"

#include <algorithm>

namespace dsv3::plan {

/// Registers are given to warps in units of so many, out of the register file of one of the
/// partitions of a multiprocessor, between which warps are divided.
static constexpr int64_t registerUnit = 256, partitions = 4;
/// Shared memory is given to blocks in units of so many bytes.
static constexpr int64_t sharedUnit = 128;

static int64_t roundUp(int64_t value, int64_t unit) { return ceilDiv(value, unit) * unit; }

std::string_view name(OccupancyLimit limit) {
  switch (limit) {
  case OccupancyLimit::Blocks:
    return "blocks";
  case OccupancyLimit::Threads:
    return "threads";
  case OccupancyLimit::SharedMemory:
    return "shared memory";
  case OccupancyLimit::Registers:
    return "registers";
  }
  return "";
}

/// Blocks of so many warps that the registers allow. A block needs a place for each of its warps in
/// the partitions, though they are not divided evenly.
static int64_t byRegisters(const Chip &chip, int64_t warps, int64_t registers) {
  int64_t ofWarp = roundUp(registers * warpThreads, registerUnit);
  int64_t warpsAtOnce = chip.registers / partitions / ofWarp * partitions;
  return roundUp(warps, partitions) <= warpsAtOnce ? warpsAtOnce / warps : 0;
}

Occupancy occupancyOf(const Chip &chip, const BlockNeeds &needs) {
  int64_t warps = ceilDiv(std::max<int64_t>(1, needs.threads), warpThreads);
  Occupancy result;
  result.allowed.fill(chip.blocks);
  auto limit = [&](OccupancyLimit by, int64_t blocks) {
    result.allowed[size_t(by)] = std::min<int64_t>(chip.blocks, blocks);
  };
  limit(OccupancyLimit::Threads, chip.threads / (warps * warpThreads));
  limit(OccupancyLimit::SharedMemory,
        chip.sharedBytes / roundUp(needs.sharedBytes + reservedSharedBytes, sharedUnit));
  if (needs.registers > 0) {
    limit(OccupancyLimit::Registers, byRegisters(chip, warps, needs.registers));
  }
  const auto *least = std::ranges::min_element(result.allowed);
  result.blocks = *least;
  result.limit = OccupancyLimit(least - result.allowed.begin());
  return result;
}

} // namespace dsv3::plan
