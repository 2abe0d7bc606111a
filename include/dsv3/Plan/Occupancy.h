//===- Occupancy.h - blocks that a multiprocessor holds ---------*- C++ -*-===//
//
// How many blocks of a kernel a multiprocessor of a chip holds at once, and what keeps it from
// holding more. The rules are those of NVIDIA's occupancy calculator (CUDA C++ Programming Guide,
// "Hardware Multithreading", and the toolkit's cuda_occupancy.h) for compute capabilities 8.0 to
// 10.0. The simulator's predictions and dsv3-compile --explain ask here.
//
// Standard library only. All functions are pure and thread-safe.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/Chip.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace dsv3::plan {

/// Threads of a warp.
inline constexpr int64_t warpThreads = 32;
/// Bytes of shared memory that CUDA keeps for itself in each block.
inline constexpr int64_t reservedSharedBytes = 1024;

/// What a block of a kernel takes.
struct BlockNeeds {
  int64_t threads = 0;
  int64_t sharedBytes = 0; ///< static and dynamic, without what CUDA keeps
  int64_t registers = 0;   ///< of a thread; 0: not known, and not counted
};

/// What a multiprocessor runs out of.
enum class OccupancyLimit : uint8_t { Blocks, Threads, SharedMemory, Registers };
inline constexpr size_t occupancyLimits = size_t(OccupancyLimit::Registers) + 1;
/// "blocks", "threads", "shared memory", "registers".
std::string_view name(OccupancyLimit limit);

struct Occupancy {
  /// What each limit alone would allow, by OccupancyLimit; no more than the blocks that a
  /// multiprocessor can hold of any kernel.
  std::array<int64_t, occupancyLimits> allowed{};
  int64_t blocks = 0; ///< the least of these; 0: the chip cannot run the kernel
  OccupancyLimit limit = OccupancyLimit::Blocks;
};

Occupancy occupancyOf(const Chip &chip, const BlockNeeds &needs);

} // namespace dsv3::plan
