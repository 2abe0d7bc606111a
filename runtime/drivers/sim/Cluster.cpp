//===- Cluster.cpp - blocks that run together -----------------------------===//

#include "runtime/drivers/sim/Cluster.h"

#include <algorithm>
#include <span>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::runtime::sim;

Expected<int64_t> runtime::sim::clusterCount(const BlockWork &work) {
  int64_t together = work.grid.clusterBlocks(), blocks = work.grid.blocks();
  if (blocks % together != 0) {
    return Failure{"expected whole clusters of " + std::to_string(together) +
                   " blocks, found a launch of " + std::to_string(blocks)};
  }
  return blocks / together;
}

Expected<std::unique_ptr<Cluster>> Cluster::create() {
  std::unique_ptr<Cluster> cluster(new Cluster());
  Expected<std::unique_ptr<Block>> block = Block::create(*cluster, 0);
  if (!block) {
    return block.failure();
  }
  cluster->blocks.push_back(*std::move(block));
  return cluster;
}

Status Cluster::prepare(const BlockWork &next) {
  int64_t together = next.grid.clusterBlocks();
  if (together < 1 || together > mostClusterBlocks) {
    return Failure{"expected clusters of 1 to " + std::to_string(mostClusterBlocks) +
                   " blocks, found " + std::to_string(together)};
  }
  work = next;
  count = size_t(together);
  while (blocks.size() < count) {
    Expected<std::unique_ptr<Block>> block = Block::create(*this, int(blocks.size()));
    if (!block) {
      return block.status();
    }
    blocks.push_back(*std::move(block));
  }
  BlockWork ofBlock = next;
  for (size_t i = 0; i < count; ++i) {
    if (Status prepared = blocks[i]->prepare(ofBlock); !prepared) {
      return prepared;
    }
    ofBlock.meter = nullptr;
  }
  return {};
}

Status Cluster::begin(int64_t first) {
  arrived = phase = 0;
  waiting.clear();
  gathered.clear();
  ended.clear();
  std::vector<std::span<std::byte>> shared;
  for (size_t i = 0; i < count; ++i) {
    blocks[i]->begin(first + int64_t(i));
    shared.push_back(blocks[i]->sharedMemory());
  }
  return work.checker ? work.checker->beginBlocks(shared, blocks[0]->warpCount()) : Status();
}

size_t Cluster::threadsLeft() const {
  size_t left = 0;
  for (size_t i = 0; i < count; ++i) {
    left += blocks[i]->threadsLeft();
  }
  return left;
}

const std::optional<BlockFailure> &Cluster::failure() const {
  auto failed = std::find_if(blocks.begin(), blocks.begin() + ptrdiff_t(count),
                             [](const auto &block) { return block->failed().has_value(); });
  return (failed == blocks.begin() + ptrdiff_t(count) ? blocks[0] : *failed)->failed();
}

bool Cluster::advance() {
  size_t first = work.seed == 0 || count == 1 ? 0 : blocks[0]->random() % count;
  for (size_t i = 0; i < count; ++i) {
    Block &block = *blocks[(first + i) % count];
    if (block.runWarp()) {
      if (block.threadsLeft() == 0) {
        block.end();
      }
      return true;
    }
  }
  for (size_t i = 0; i < count; ++i) {
    if (blocks[(first + i) % count]->endCopy()) {
      return true;
    }
  }
  return false;
}

std::optional<BlockFailure> Cluster::run(int64_t first) {
  if (Status begun = begin(first); !begun) {
    return BlockFailure{begun.failure().what, first, 0, nullptr};
  }
  while (threadsLeft() > 0 && !failure()) {
    if (!advance()) {
      // Others wait because of one that waits for a phase, where there is one.
      auto end = blocks.begin() + ptrdiff_t(count);
      auto stuck = std::find_if(blocks.begin(), end,
                                [](const auto &block) { return block->waitsForPhase(); });
      stuck = stuck != end ? stuck : std::find_if(blocks.begin(), end, [](const auto &block) {
        return block->threadsLeft() > 0;
      });
      (*stuck)->describeStuck();
    }
  }
  std::optional<BlockFailure> failed = failure();
  for (size_t i = 0; i < count && failed; ++i) {
    blocks[i]->abandon();
  }
  return failed;
}

void Cluster::arrive(Lane &lane) {
  lane.clusterPhase = phase;
  ++arrived;
  if (work.checker) {
    work.checker->clocksOfBlocks().release(lane.number, gathered);
  }
  endPhase();
}

void Cluster::leave(const Lane &lane) {
  arrived -= lane.clusterPhase && isUnderWay(*lane.clusterPhase) ? 1 : 0;
  endPhase();
}

void Cluster::endPhase() {
  // Threads that have ended are not waited for.
  if (arrived == 0 || arrived < threadsLeft()) {
    return;
  }
  ++phase;
  arrived = 0;
  ended = gathered;
  for (Lane *lane : waiting) {
    lane->warp->ready |= lane->bit;
  }
  waiting.clear();
}
