//===- ClusterInstructions.cpp - what threads of clusters ask for ---------===//
//
// The functions of dsv3::sim::Machine for the barrier of a cluster and the shared memory of
// its other blocks, called on the fibers of lanes.
//
//===----------------------------------------------------------------------===//

#include "runtime/drivers/sim/Cluster.h"

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::runtime::sim;

void Block::arriveCluster(MachineThread &thread) {
  auto &lane = static_cast<Lane &>(thread);
  Block &block = *lane.of;
  if (lane.clusterPhase) {
    block.fail(lane, "arrives at the barrier of the cluster again, and has not waited for it",
               __builtin_return_address(0));
  }
  block.cluster.arrive(lane);
}

void Block::waitForCluster(MachineThread &thread) {
  auto &lane = static_cast<Lane &>(thread);
  Block &block = *lane.of;
  const void *site = __builtin_return_address(0);
  if (!lane.clusterPhase) {
    block.fail(lane, "waits for the barrier of the cluster, at which it has not arrived", site);
  }
  if (block.cluster.isUnderWay(*lane.clusterPhase)) {
    block.cluster.wait(lane);
    block.pause(lane, Wait::ClusterBarrier, site);
  }
  lane.clusterPhase.reset();
  if (block.work.checker) {
    block.work.checker->clocksOfBlocks().acquire(lane.number, block.cluster.knownAtEnd());
  }
}

void *Block::ofBlock(MachineThread &thread, void *place, int rank) {
  auto &lane = static_cast<Lane &>(thread);
  Block &block = *lane.of;
  const void *site = __builtin_return_address(0);
  if (rank < 0 || size_t(rank) >= block.cluster.size()) {
    block.fail(lane,
               "asks for block " + std::to_string(rank) + " of a cluster of " +
                   std::to_string(block.cluster.size()),
               site);
  }
  size_t offset = block.offsetOf(place);
  if (offset >= block.sharedSize()) {
    block.fail(lane, "takes a place for one of shared memory that is not", site);
  }
  return block.cluster.block(size_t(rank)).sharedBegin() + offset;
}

Block &Block::ownerOf(const void *place) {
  for (size_t i = 0; i < cluster.size(); ++i) {
    Block &block = cluster.block(i);
    if (block.offsetOf(place) < block.sharedSize()) {
      return block;
    }
  }
  return *this;
}

void Block::checkRemote(const Lane &lane, const AccessEntry &access) {
  const Block &owner = access.shared ? ownerOf(access.place) : *this;
  if (&owner == this) {
    return;
  }
  std::string what = "touches shared memory of block " + std::to_string(owner.index);
  if (owner.left == 0) {
    fail(lane, what + ", which has ended", access.site);
  }
  if (!work.checker->hasBegun(lane.number, size_t(owner.rank))) {
    fail(lane, what + ": no barrier says that it has begun", access.site);
  }
}
