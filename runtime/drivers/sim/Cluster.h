//===- Cluster.h - blocks that run together ---------------------*- C++ -*-===//
//
// The blocks of a thread block cluster, mostly one, on a thread of the host: which of them
// goes on, and the barrier that all of their threads have.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/drivers/sim/Block.h"

#include <memory>
#include <optional>
#include <vector>

namespace dsv3::runtime::sim {

/// As many as every GPU with clusters has.
inline constexpr int64_t mostClusterBlocks = 8;

/// As many as the blocks of a launch make; fails if some would be left.
Expected<int64_t> clusterCount(const BlockWork &work);

/// Used by one thread at a time.
class Cluster {
public:
  static Expected<std::unique_ptr<Cluster>> create();

  /// Fails where there are no stacks for so many threads. A meter listens to the first block.
  Status prepare(const BlockWork &next);
  /// Runs the blocks from number `first` on, of the work that was prepared, to their ends.
  std::optional<BlockFailure> run(int64_t first);

  size_t size() const { return count; }
  Block &block(size_t rank) { return *blocks[rank]; }

  /// At the barrier, on the fiber of a lane: it arrives, and may wait; it ends.
  void arrive(Lane &lane);
  bool isUnderWay(uint32_t ofPhase) const { return ofPhase == phase; }
  void wait(Lane &lane) { waiting.push_back(&lane); }
  const Clock &knownAtEnd() const { return ended; }
  void leave(const Lane &lane);

private:
  Cluster() = default;
  Status begin(int64_t first);
  /// Whether a block could go on.
  bool advance();
  void endPhase();
  size_t threadsLeft() const;
  const std::optional<BlockFailure> &failure() const;

  std::vector<std::unique_ptr<Block>> blocks; ///< the first `count` are of the work
  size_t count = 1;
  BlockWork work;
  size_t arrived = 0;
  uint32_t phase = 0;
  std::vector<Lane *> waiting;
  Clock gathered, ended; ///< what those knew who arrived so far, and until the last phase ended
};

} // namespace dsv3::runtime::sim
