//===- Checker.h - every access of a kernel, checked ------------*- C++ -*-===//
//
// Loads, stores and asynchronous copies of the threads of a block that runs: whether they
// stay within buffers and arrays, read what somebody wrote, and are ordered by barriers.
// Blocks of one launch must not depend on each other at all.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/drivers/sim/Tensor.h"
#include "runtime/drivers/sim/check/Arena.h"
#include "runtime/drivers/sim/check/Clocks.h"
#include "runtime/drivers/sim/check/Counters.h"
#include "runtime/drivers/sim/check/Shadow.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace dsv3::runtime::sim {

/// Used by one thread at a time.
class Checker {
public:
  static Expected<std::unique_ptr<Checker>> create(std::shared_ptr<const MappedMemory> mapped);

  Arena &arena() const { return *device; }
  Counters &counters() { return counts; }

  /// Of launches that may overlap.
  void beginStep();
  void beginLaunch();
  /// Shared memory of the blocks of a cluster: nothing of it is an array yet. Each has as many
  /// warps; its threads are numbered on from those of the one before.
  Status beginBlocks(std::span<const std::span<std::byte>> shared, size_t warps);
  void barrier(size_t rank); ///< of a block
  /// Threads of a warp were at a barrier.
  void warpBarrier(size_t first, size_t count);
  /// Bytes of shared memory become an array, if they are none yet.
  void addArray(const void *place, size_t bytes) const;

  /// What is wrong with an access, or nothing; `waited`: earlier launches have ended.
  std::string access(uint16_t thread, uint16_t warpSync, const AccessEntry &access, bool waited);
  /// An asynchronous copy to 16 bytes of shared memory, a store that was checked, begins and ends.
  void startCopy(const void *to) const;
  void finishCopy(uint16_t thread, uint16_t warpSync, const void *to);
  /// What barriers in shared memory order, kept from here on.
  Clocks &clocksOfBlocks();
  /// Whether a thread knows anything of the block of that rank.
  bool hasBegun(uint16_t thread, size_t rank) const;
  /// A copy of a tensor, that a thread asks for, to 16 bytes of shared memory begins, unless
  /// something is wrong with that; and ends as the phase `epoch` of a barrier, whose copies
  /// are `agent`.
  std::string startTensorCopy(uint16_t thread, uint16_t warpSync, const AccessEntry &access);
  void finishTensorCopy(size_t agent, uint32_t epoch, const void *to);
  /// Tensor cores read 16 bytes of shared memory from now on until group `epoch` is waited for.
  std::string readByProduct(uint16_t thread, uint16_t warpSync, uint32_t epoch,
                            const AccessEntry &access);
  /// A copy to global memory, the warp's store `epoch`, reads them until it is waited for.
  std::string readByStore(uint16_t thread, uint16_t warpSync, uint32_t epoch,
                          const AccessEntry &access);
  /// Whether a place is one of the device's; shared says which.
  bool isDevice(const void *place, bool &shared) const;

private:
  Checker(std::unique_ptr<Arena> device, std::shared_ptr<const MappedMemory> mapped)
      : device(std::move(device)), counts(std::move(mapped)) {}
  Moment momentOf(uint16_t thread, uint16_t warpSync, bool shared) const;
  /// Shared memory of a block.
  struct SharedMemory {
    std::unique_ptr<Shadow> shadow;
    std::span<std::byte> bytes;
  };
  /// The block in whose shared memory a place is; the number of blocks if in none.
  size_t rankOf(const void *place) const;
  const Shadow &shadowOf(const void *place, bool shared) const;
  std::string threadName(uint16_t thread) const;
  size_t blockThreads() const { return blockWarps * warpThreads; }
  /// What is wrong with a read by an agent that does not see what is not fenced; `what` it does.
  std::string checkRead(const Moment &moment, const AccessEntry &access, const std::string &what);
  std::string describe(ByteState state, const AccessEntry &access, const void *place) const;
  std::string describeRace(Race race, const AccessEntry &access, uint16_t other) const;
  /// What is wrong with the states of the bytes of an access, or nothing.
  std::string checkStates(const AccessEntry &access) const;
  /// What tensor copies and tensor cores do with the bytes of an access to shared memory besides.
  std::string checkAgents(const Moment &moment, const AccessEntry &access);
  ChunkUse &useOf(const void *place);

  std::unique_ptr<Arena> device;
  std::vector<SharedMemory> blocks; ///< the first `blockCount` are of now
  size_t blockCount = 0, blockWarps = 0, blockChunks = 0;
  Clocks clocks;
  Counters counts;
  Moment now;
  uint32_t step = 1; ///< its first segment
};

} // namespace dsv3::runtime::sim
