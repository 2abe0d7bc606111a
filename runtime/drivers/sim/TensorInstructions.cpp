//===- TensorInstructions.cpp - copies of tensors, as threads ask for them ===//
//
// The functions of dsv3::sim::Machine for copies of boxes between a matrix in global memory
// and shared memory, called on the fibers of lanes.
//
//===----------------------------------------------------------------------===//

#include "runtime/drivers/sim/Cluster.h"

#include <algorithm>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::runtime::sim;

/// Global memory that is not there is a fault here, while the thread that asks for it runs.
static void touch(const TensorBox &box) {
  for (int row = 0; row < box.map.boxRows; ++row) {
    if (BoxRow part = rowOf(box, row); part.bytes > 0) {
      static_cast<void>(*static_cast<const volatile std::byte *>(part.from));
      static_cast<void>(*static_cast<const volatile std::byte *>(part.from + part.bytes - 1));
    }
  }
}

void Block::checkPlace(const Lane &lane, const TensorBox &box, const void *site) {
  size_t there = shared.size() - size_t(sharedBegin() - shared.data());
  if (box.to % tensorRowBytes != 0 || box.to > there || bytesOf(box) > there - box.to) {
    fail(lane,
         "copies a box of " + std::to_string(bytesOf(box)) +
             " bytes to a place that is not in shared memory, or no multiple of 128 bytes",
         site);
  }
}

//===----------------------------------------------------------------------===//
// To shared memory
//===----------------------------------------------------------------------===//

void Block::copyTensor(MachineThread &thread, void *to, const dsv3::sim::TensorMap *map, int column,
                       int row, unsigned long long *place) {
  auto &lane = static_cast<Lane &>(thread);
  Block &block = *lane.of;
  const void *site = __builtin_return_address(0);
  TensorBox box{*map, column, row, block.offsetOf(to)};
  block.checkSource(lane, box, site);
  block.beginCopy(lane, box, place, site);
}

void Block::copyToBlocks(MachineThread &thread, void *to, const dsv3::sim::TensorMap *map,
                         int column, int row, unsigned long long *place, unsigned mask) {
  auto &lane = static_cast<Lane &>(thread);
  Block &block = *lane.of;
  const void *site = __builtin_return_address(0);
  if (mask == 0 || mask >> block.cluster.size() != 0) {
    block.fail(lane,
               "copies to the blocks of mask " + std::to_string(mask) + " of a cluster of " +
                   std::to_string(block.cluster.size()),
               site);
  }
  TensorBox box{*map, column, row, block.offsetOf(to)};
  block.checkSource(lane, box, site);
  size_t barrier = block.offsetOf(place);
  for (size_t i = 0; i < block.cluster.size(); ++i) {
    if ((mask >> i & 1) != 0) {
      Block &other = block.cluster.block(i);
      other.beginCopy(lane, box,
                      reinterpret_cast<unsigned long long *>(other.sharedBegin() + barrier), site);
    }
  }
}

void Block::beginCopy(Lane &lane, const TensorBox &box, const unsigned long long *place,
                      const void *site) {
  SharedBarrier &barrier = barrierAt(lane, place, site);
  if (!barrier.fenced) {
    fail(lane,
         "has a tensor copy arrive at a barrier that thread " +
             std::to_string(barrier.initialiser) +
             " initialised: no fence.mbarrier_init of that thread lies between",
         site);
  }
  checkPlace(lane, box, site);
  checkCopy(lane, box, site);
  if (work.meter) {
    work.meter->fill(box);
  }
  async.copies.push_back({box, &barrier});
  if (coin()) {
    finishCopy(async.copies.size() - 1);
  }
}

void Block::checkSource(Lane &lane, const TensorBox &box, const void *site) {
  for (int row = 0; work.checker && row < box.map.boxRows; ++row) {
    if (BoxRow part = rowOf(box, row); part.bytes > 0) {
      check(lane, {site, part.from, uint32_t(part.bytes), false, false});
    }
  }
  touch(box);
  if (work.meter) {
    work.meter->load(box, site);
  }
}

void Block::checkCopy(Lane &lane, const TensorBox &box, const void *site) {
  for (size_t at = 0; work.checker && at < bytesOf(box); at += chunkBytes) {
    const std::byte *to = sharedBegin() + swizzle128(box.to + at);
    std::string problem = work.checker->startTensorCopy(
        lane.number, uint16_t(lane.warp->syncs), {site, to, uint32_t(chunkBytes), true, true});
    if (!problem.empty()) {
      fail(lane, std::move(problem), site);
    }
  }
}

void Block::finishCopy(size_t index) {
  TensorCopy copy = async.copies[index];
  async.copies.erase(async.copies.begin() + ptrdiff_t(index));
  SharedBarrier &barrier = *copy.barrier;
  copyBox(copy.box, sharedBegin());
  if (work.checker) {
    Clocks &clocks = work.checker->clocksOfBlocks();
    size_t agent = clocks.copies(size_t(rank), barrier.number);
    for (size_t at = 0; at < bytesOf(copy.box); at += chunkBytes) {
      work.checker->finishTensorCopy(agent, barrier.phase + 1,
                                     sharedBegin() + swizzle128(copy.box.to + at));
    }
    clocks.release(agent, barrier.phase + 1, barrier.arrived);
  }
  barrier.bytes -= int64_t(bytesOf(copy.box));
  endPhase(barrier);
}

//===----------------------------------------------------------------------===//
// From shared memory
//===----------------------------------------------------------------------===//

void Block::storeTensor(MachineThread &thread, const void *from, const dsv3::sim::TensorMap *map,
                        int column, int row) {
  auto &lane = static_cast<Lane &>(thread);
  Block &block = *lane.of;
  const void *site = __builtin_return_address(0);
  TensorBox box{*map, column, row, block.offsetOf(from)};
  PendingStore store{box, lane.storeGroup, ++lane.warp->stores, site, block.coin()};
  block.checkPlace(lane, box, site);
  block.checkStore(lane, box, site);
  touch(box);
  if (block.work.meter) {
    block.work.meter->store(box, site);
  }
  if (store.done) {
    storeBox(box, block.sharedBegin());
  }
  lane.stores.push_back(store);
}

void Block::checkStore(Lane &lane, const TensorBox &box, const void *site) {
  for (size_t at = 0; work.checker && at < bytesOf(box); at += chunkBytes) {
    const std::byte *from = sharedBegin() + swizzle128(box.to + at);
    std::string problem =
        work.checker->readByStore(lane.number, uint16_t(lane.warp->syncs), lane.warp->stores,
                                  {site, from, uint32_t(chunkBytes), false, true});
    if (!problem.empty()) {
      fail(lane, std::move(problem), site);
    }
  }
  for (int row = 0; work.checker && row < box.map.boxRows; ++row) {
    if (BoxRow part = rowOf(box, row); part.bytes > 0) {
      check(lane, {site, part.from, uint32_t(part.bytes), true, false});
    }
  }
}

void Block::commitStores(MachineThread &thread) { ++static_cast<Lane &>(thread).storeGroup; }

void Block::waitForStores(MachineThread &thread, int pending) {
  auto &lane = static_cast<Lane &>(thread);
  Block &block = *lane.of;
  uint32_t epoch = 0;
  auto unfinished = lane.stores.begin();
  for (; unfinished != lane.stores.end() && unfinished->group + uint32_t(pending) < lane.storeGroup;
       ++unfinished) {
    if (!unfinished->done) {
      storeBox(unfinished->box, block.sharedBegin());
    }
    epoch = unfinished->epoch;
  }
  lane.stores.erase(lane.stores.begin(), unfinished);
  if (block.work.checker && epoch > 0) {
    Clocks &clocks = block.work.checker->clocksOfBlocks();
    clocks.learn(lane.number, clocks.stores(lane.number / size_t(warpLanes)), epoch);
  }
}
