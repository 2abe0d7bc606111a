//===- NamedBarrier.cpp - bar.sync of some warps of a block ---------------===//
//
// Barriers 1 to 15 of a block, at which as many threads meet as those that come say. Hardware
// counts warps: each must come as a whole.
//
//===----------------------------------------------------------------------===//

#include "runtime/drivers/sim/Block.h"

#include <map>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::runtime::sim;

void Block::completeNamed(const Lane &last, std::vector<Lane *> &arrived, const void *site) {
  std::map<Warp *, uint32_t> warps;
  std::vector<size_t> numbers;
  for (Lane *lane : arrived) {
    warps[lane->warp] |= lane->bit;
    numbers.push_back(lane->number);
  }
  for (auto [warp, lanes] : warps) {
    if (lanes != warp->lanes) {
      fail(last, "meets a part of warp " + std::to_string(warp->number) + " at a named barrier",
           site);
    }
    warp->ready |= lanes;
    flush(*warp);
    if (work.meter) {
      work.meter->barrier(warp->number);
    }
  }
  if (work.checker) {
    work.checker->clocksOfBlocks().join(numbers);
  }
  arrived.clear();
}

void Block::syncNamed(MachineThread &thread, int number, int threads) {
  auto &lane = static_cast<Lane &>(thread);
  Block &block = *lane.of;
  const void *site = __builtin_return_address(0);
  if (number < 1 || number >= int(namedBarriers) || threads < 1 || threads % warpLanes != 0 ||
      size_t(threads) > block.lanes.size()) {
    block.fail(lane,
               "comes to named barrier " + std::to_string(number) + " of " +
                   std::to_string(threads) + " threads; there are 1 to " +
                   std::to_string(namedBarriers - 1) + ", of whole warps of the block",
               site);
  }
  std::vector<Lane *> &arrived = block.atNamed[size_t(number)];
  if (!arrived.empty() && arrived[0]->namedThreads != threads) {
    block.fail(lane,
               "comes to a named barrier of " + std::to_string(threads) +
                   " threads, where others wait for " + std::to_string(arrived[0]->namedThreads),
               site);
  }
  lane.namedThreads = threads;
  arrived.push_back(&lane);
  if (arrived.size() < size_t(threads)) {
    block.pause(lane, Wait::NamedBarrier, site);
    return;
  }
  block.completeNamed(lane, arrived, site);
  if (block.work.seed != 0) {
    block.leave(lane);
  }
}
