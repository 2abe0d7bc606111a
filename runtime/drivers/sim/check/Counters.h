//===- Counters.h - what accesses of a warp cost ----------------*- C++ -*-===//
//
// Lanes of a warp that run the same instruction the same time access memory together: the
// sectors of 32 bytes that global memory moves for it, and the wavefronts in which the 32
// banks of shared memory serve it, each beside the least that its bytes need.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace dsv3::runtime::sim {

/// A load or store of a thread.
struct AccessEntry {
  const void *site; ///< in the kernel's code
  const void *place;
  uint32_t bytes;
  bool store;
  bool shared;
  bool copied = false; ///< on its way from global to shared memory by cp.async
  bool atomic = false; ///< a sum, which is no store here: it may meet others of its kind
};

/// Transactions of one instruction, or of many.
struct Traffic {
  int64_t instructions = 0; ///< of warps
  int64_t actual = 0;       ///< sectors, or wavefronts
  int64_t least = 0;
  void add(const Traffic &other) {
    instructions += other.instructions;
    actual += other.actual;
    least += other.least;
  }
};

/// Of the lanes that take part in one instruction, each at most once.
Traffic globalTraffic(std::span<const AccessEntry> lanes);
/// `numbers` are those of the lanes: accesses of 8 and 16 bytes go by halves and quarters of a
/// warp.
Traffic sharedTraffic(std::span<const AccessEntry> lanes, std::span<const int> numbers);

/// Of one kernel, in all its launches.
struct KernelCounts {
  struct Site {
    bool store = false, shared = false;
    Traffic traffic;
  };
  int64_t launches = 0, blocks = 0, products = 0; ///< mma.sync of a warp
  int64_t busSectors = 0;                         ///< those of global memory that lie on the host
  std::map<const void *, Site> sites;

  Traffic total(bool shared) const;
};

class MappedMemory;
class Meetings;

class Counters {
public:
  explicit Counters(std::shared_ptr<const MappedMemory> mapped);
  ~Counters();
  /// The kernel whose blocks come from here on.
  void beginLaunch(const std::string &kernel, int64_t blocks);
  void product() { ++current->products; }
  /// What the lanes of a warp did since they were last in step. Empties the lists.
  void flush(std::span<std::vector<AccessEntry>> lanes);

  const std::map<std::string, KernelCounts> &kernels() const { return counts; }

private:
  std::map<std::string, KernelCounts> counts;
  KernelCounts *current = nullptr;
  std::unique_ptr<Meetings> meetings;
  std::shared_ptr<const MappedMemory> mapped;
};

} // namespace dsv3::runtime::sim
