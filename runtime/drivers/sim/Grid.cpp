//===- Grid.cpp - the blocks of a launch on the threads of the host -------===//

#include "runtime/drivers/sim/Grid.h"

#include "dsv3/Support/Cpus.h"

#include <algorithm>
#include <mutex>
#include <numeric>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::runtime::sim;

/// Each thread of the host has stacks for a block.
static constexpr int mostWorkers = 64;

namespace {

/// Deals clusters out to the threads of the team.
class Launch final : public ThreadTeam::Task {
public:
  Launch(std::vector<std::unique_ptr<Cluster>> &workers, int64_t clusters, uint64_t seed)
      : workers(workers), clusters(clusters) {
    // With `stride` prime to the number of clusters every one comes once.
    if (seed != 0 && clusters > 1) {
      first = int64_t(seed % uint64_t(clusters));
      stride = int64_t(seed / 7 % uint64_t(clusters)) + 1;
      while (std::gcd(stride, clusters) != 1) {
        ++stride;
      }
    }
  }
  void run(int thread) override {
    while (!stopped.load(std::memory_order_relaxed)) {
      int64_t at = next.fetch_add(1, std::memory_order_relaxed);
      if (at >= clusters) {
        return;
      }
      // Wide enough for 2^31 blocks.
      auto number = int64_t((__int128(at) * stride + first) % clusters);
      Cluster &cluster = *workers[size_t(thread)];
      if (std::optional<BlockFailure> failed = cluster.run(number * int64_t(cluster.size()))) {
        std::scoped_lock lock(mutex);
        if (!failure || failed->block < failure->block) {
          failure = std::move(failed);
        }
        stopped = true;
      }
    }
  }
  std::optional<BlockFailure> failure;

private:
  std::vector<std::unique_ptr<Cluster>> &workers;
  int64_t clusters, first = 0, stride = 1;
  std::atomic<int64_t> next{0};
  std::atomic<bool> stopped{false};
  std::mutex mutex;
};

} // namespace

Expected<std::unique_ptr<Grid>> Grid::create(int threads, uint64_t seed, Checker *checker) {
  int wanted = checker ? 1 : std::min(threads > 0 ? threads : usefulThreads(), mostWorkers);
  Expected<std::unique_ptr<ThreadTeam>> team =
      ThreadTeam::create({wanted, false, std::chrono::microseconds(1000)});
  if (!team) {
    return team.failure();
  }
  std::unique_ptr<Grid> grid(new Grid(*std::move(team), seed, checker));
  for (int i = 0; i < wanted; ++i) {
    Expected<std::unique_ptr<Cluster>> cluster = Cluster::create();
    if (!cluster) {
      return cluster.failure();
    }
    grid->workers.push_back(*std::move(cluster));
  }
  return grid;
}

void Grid::beginStep() {
  if (checker) {
    checker->beginStep();
  }
}

Expected<std::optional<BlockFailure>> Grid::run(BlockWork work, const std::string &kernel,
                                                uint32_t launch) {
  Expected<int64_t> clusters = clusterCount(work);
  if (!clusters) {
    return clusters.failure();
  }
  // Every launch has a schedule of its own.
  work.seed = seed == 0 ? 0 : seed * 0x9E3779B97F4A7C15ULL + launch + 1;
  work.checker = checker;
  if (checker) {
    checker->beginLaunch();
    checker->counters().beginLaunch(kernel, work.grid.blocks());
  }
  for (std::unique_ptr<Cluster> &worker : workers) {
    if (Status prepared = worker->prepare(work); !prepared) {
      return prepared;
    }
  }
  Launch task(workers, *clusters, work.seed);
  if (*clusters == 1) {
    task.run(0);
  } else {
    team->share(task);
  }
  return std::move(task.failure);
}
