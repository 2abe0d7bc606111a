//===- Checker.h - every access of a kernel, checked ------------*- C++ -*-===//
//
// Loads, stores and asynchronous copies of the threads of a block that runs: whether they
// stay within buffers and arrays, read what somebody wrote, and are ordered by barriers.
// Blocks of one launch must not depend on each other at all.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/drivers/sim/check/Arena.h"
#include "runtime/drivers/sim/check/Counters.h"
#include "runtime/drivers/sim/check/Shadow.h"

#include <memory>
#include <span>
#include <string>

namespace dsv3::runtime::sim {

/// Used by one thread at a time.
class Checker {
public:
  static Expected<std::unique_ptr<Checker>> create();

  Arena &arena() const { return *device; }
  Counters &counters() { return counts; }

  void beginLaunch();
  /// Shared memory of the block: nothing of it is an array yet.
  Status beginBlock(std::span<std::byte> shared);
  void barrier() { ++now.segment; }
  /// Bytes of shared memory become an array, if they are none yet.
  void addArray(const void *place, size_t bytes) const;

  /// What is wrong with an access, or nothing.
  std::string access(uint16_t thread, uint16_t warpSync, const AccessEntry &access);
  /// An asynchronous copy to 16 bytes of shared memory, a store that was checked, begins and ends.
  void startCopy(const void *to) const;
  void finishCopy(uint16_t thread, uint16_t warpSync, const void *to);
  /// Whether a place is one of the device's; shared says which.
  bool isDevice(const void *place, bool &shared) const;

private:
  explicit Checker(std::unique_ptr<Arena> device) : device(std::move(device)) {}
  Moment momentOf(uint16_t thread, uint16_t warpSync, bool shared) const;
  const Shadow &shadowOf(bool shared) const { return shared ? *block : device->shadow(); }
  std::string describe(ByteState state, const AccessEntry &access, const void *place) const;
  std::string describeRace(Race race, const AccessEntry &access, uint16_t other) const;

  std::unique_ptr<Arena> device;
  std::unique_ptr<Shadow> block;
  std::span<std::byte> blockMemory;
  Counters counts;
  Moment now{1, 1, 1, 0, 0};
};

} // namespace dsv3::runtime::sim
