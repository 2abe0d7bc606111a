//===- Grid.h - the blocks of a launch on the threads of the host -*- C++ -*-===//
#pragma once

#include "runtime/drivers/cpu/ThreadTeam.h"
#include "runtime/drivers/sim/Cluster.h"

#include <memory>
#include <optional>
#include <vector>

namespace dsv3::runtime::sim {

/// Used by one thread at a time.
class Grid {
public:
  /// 0 threads: as many as are useful here. With a seed blocks come in an order that it chooses.
  /// With a checker, which outlives the grid, there is one thread.
  static Expected<std::unique_ptr<Grid>> create(int threads, uint64_t seed, Checker *checker);

  /// What ran before has ended before all launches that come.
  void beginStep();
  /// Runs all blocks of a kernel; `launch` is the number of the launch within its step. The
  /// failure of one of them, where there is one.
  Expected<std::optional<BlockFailure>> run(BlockWork work, const std::string &kernel,
                                            uint32_t launch);

private:
  Grid(std::unique_ptr<ThreadTeam> team, uint64_t seed, Checker *checker)
      : team(std::move(team)), seed(seed), checker(checker) {}

  std::unique_ptr<ThreadTeam> team;
  uint64_t seed;
  Checker *checker;
  std::vector<std::unique_ptr<Cluster>> workers; ///< one for each thread of the team
};

} // namespace dsv3::runtime::sim
