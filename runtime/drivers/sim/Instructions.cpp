//===- Instructions.cpp - what threads of a block ask for -----------------===//
//
// The functions of dsv3::sim::Machine, called on the fibers of lanes.
//
//===----------------------------------------------------------------------===//

#include "runtime/drivers/sim/Cluster.h"

#include <algorithm>
#include <bit>
#include <cstring>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::runtime::sim;

const dsv3::sim::Machine Block::machine{syncBlock,
                                        syncWarp,
                                        shuffle,
                                        ballot,
                                        loadMatrices,
                                        loadTransposed,
                                        multiplyMatrices,
                                        multiplyCodes,
                                        copyAsync,
                                        commitCopies,
                                        waitForCopies,
                                        atomicLeast,
                                        atomicSum,
                                        loadVolatile,
                                        sharedArray,
                                        observe,
                                        initBarrier,
                                        arrive,
                                        tryWait,
                                        fence,
                                        copyTensor,
                                        sharedAddress,
                                        multiplyGroup,
                                        multiplyFragment,
                                        multiplyGroupOfCodes,
                                        commitProducts,
                                        waitForProducts,
                                        setRegisters,
                                        waitForEarlierLaunches,
                                        storeMatrices,
                                        copyToBlocks,
                                        storeTensor,
                                        commitStores,
                                        waitForStores,
                                        arriveCluster,
                                        waitForCluster,
                                        ofBlock,
                                        syncNamed};

void Block::syncBlock(MachineThread &thread) {
  auto &lane = static_cast<Lane &>(thread);
  Block &block = *lane.of;
  if (++block.atBarrier < block.lanes.size()) {
    block.pause(lane, Wait::BlockBarrier, __builtin_return_address(0));
    return;
  }
  block.atBarrier = 0;
  for (auto &warp : block.warps) {
    warp->ready = warp->lanes;
    block.flush(*warp);
  }
  if (block.work.checker) {
    block.work.checker->barrier(size_t(block.rank));
  }
  if (block.work.meter) {
    block.work.meter->barrier();
  }
  if (block.work.seed != 0) {
    block.leave(lane);
  }
}

Exchange &Block::join(Lane &lane, Wait kind, const Exchange &own, const void *site) {
  Warp &warp = *lane.warp;
  if (warp.arrived == 0) {
    warp.kind = kind;
  } else if (warp.kind != kind) {
    fail(lane,
         "lanes of a warp at different instructions: others " + std::string(nameOf(warp.kind)) +
             ", this one would " + std::string(nameOf(kind)),
         site);
  }
  auto &exchange = warp.exchange[warp.turn % 2];
  Exchange &mine = exchange[size_t(std::countr_zero(lane.bit))];
  mine = own;
  lane.site = site;
  warp.arrived |= lane.bit;
  if (warp.arrived != warp.lanes) {
    pause(lane, kind, site);
    return mine;
  }
  complete(warp);
  warp.arrived = 0;
  ++warp.turn;
  warp.ready = warp.lanes;
  if (work.seed != 0) {
    leave(lane);
  }
  return mine;
}

void Block::complete(Warp &warp) {
  auto &exchange = warp.exchange[warp.turn % 2];
  flush(warp);
  if (warp.kind == Wait::Matrices) {
    runtime::sim::loadMatrices(exchange);
  } else if (warp.kind == Wait::Transposed) {
    runtime::sim::loadTransposed(exchange);
  } else if (warp.kind == Wait::StoreMatrices) {
    runtime::sim::storeMatrices(exchange);
  } else if (warp.kind == Wait::Multiply || warp.kind == Wait::MultiplyCodes) {
    (warp.kind == Wait::Multiply ? runtime::sim::multiplyMatrices
                                 : runtime::sim::multiplyCodes)(exchange);
    if (work.checker) {
      work.checker->counters().product();
    }
    if (work.meter) {
      work.meter->product(warp.kind == Wait::MultiplyCodes ? 2 : 1);
    }
  } else if (warp.kind == Wait::Ballot) {
    runtime::sim::ballot(exchange, warp.lanes);
    if (work.meter) {
      work.meter->shuffle(warp.number); // takes about as long
    }
  } else if (warp.kind == Wait::Shuffle && work.meter) {
    work.meter->shuffle(warp.number);
  } else if (warp.kind == Wait::WarpBarrier) {
    ++warp.syncs;
    if (work.checker) {
      work.checker->warpBarrier(lanes[warp.number * warpLanes]->number,
                                size_t(std::popcount(warp.lanes)));
    }
  } else if (warp.kind == Wait::Product) {
    completeProducts(warp);
  }
}

void Block::syncWarp(MachineThread &thread) {
  auto &lane = static_cast<Lane &>(thread);
  lane.of->join(lane, Wait::WarpBarrier, {}, __builtin_return_address(0));
}

unsigned Block::shuffle(MachineThread &thread, Source source, unsigned value, unsigned from) {
  auto &lane = static_cast<Lane &>(thread);
  const Exchange *all = lane.warp->exchange[lane.warp->turn % 2].data();
  auto self = unsigned(std::countr_zero(lane.bit));
  Exchange own;
  own.words[0] = value;
  lane.of->join(lane, Wait::Shuffle, own, __builtin_return_address(0));
  switch (source) {
  case Source::Xor:
    from = self ^ from;
    break;
  case Source::Up:
    from = from > self ? self : self - from;
    break;
  case Source::Lane:
    break;
  }
  return all[from % warpLanes].words[0];
}

unsigned Block::ballot(MachineThread &thread, bool vote) {
  auto &lane = static_cast<Lane &>(thread);
  Exchange own;
  own.words[0] = vote ? 1 : 0;
  return lane.of->join(lane, Wait::Ballot, own, __builtin_return_address(0)).words[0];
}

/// What ldmatrix, stmatrix and cp.async move for a lane.
static constexpr uint32_t rowBytes = 16;

void Block::loadRow(MachineThread &thread, Wait kind, const void *row, unsigned (&fragment)[4],
                    const void *site) {
  auto &lane = static_cast<Lane &>(thread);
  lane.of->check(lane, {site, row, rowBytes, false, true});
  Exchange own;
  own.row = row;
  const Exchange &taken = lane.of->join(lane, kind, own, site);
  std::ranges::copy(taken.words, fragment);
}

void Block::loadMatrices(MachineThread &thread, const void *row, unsigned (&fragment)[4]) {
  loadRow(thread, Wait::Matrices, row, fragment, __builtin_return_address(0));
}

void Block::loadTransposed(MachineThread &thread, const void *row, unsigned (&fragment)[4]) {
  loadRow(thread, Wait::Transposed, row, fragment, __builtin_return_address(0));
}

void Block::storeMatrices(MachineThread &thread, void *row, const unsigned (&fragment)[4]) {
  auto &lane = static_cast<Lane &>(thread);
  lane.of->check(lane, {__builtin_return_address(0), row, rowBytes, true, true});
  Exchange own;
  own.words = std::to_array(fragment);
  own.to = row;
  lane.of->join(lane, Wait::StoreMatrices, own, __builtin_return_address(0));
}

void Block::multiply(MachineThread &thread, Wait kind, float (&sums)[4], const unsigned (&a)[4],
                     std::array<unsigned, 2> b, const void *site) {
  auto &lane = static_cast<Lane &>(thread);
  Exchange own;
  own.words = std::to_array(a);
  own.second = b;
  std::ranges::copy(sums, own.sums.begin());
  const Exchange &taken = lane.of->join(lane, kind, own, site);
  std::ranges::copy(taken.sums, sums);
}

void Block::multiplyMatrices(MachineThread &thread, float (&sums)[4], const unsigned (&a)[4],
                             unsigned b0, unsigned b1) {
  multiply(thread, Wait::Multiply, sums, a, {b0, b1}, __builtin_return_address(0));
}

void Block::multiplyCodes(MachineThread &thread, float (&sums)[4], const unsigned (&a)[4],
                          unsigned b0, unsigned b1) {
  multiply(thread, Wait::MultiplyCodes, sums, a, {b0, b1}, __builtin_return_address(0));
}

void Block::perform(Lane &lane, const PendingCopy &copy) {
  auto bytes = size_t(copy.bytes);
  std::memcpy(copy.to, copy.from, bytes);
  std::memset(static_cast<std::byte *>(copy.to) + bytes, 0, rowBytes - bytes);
  if (work.checker) {
    work.checker->finishCopy(lane.number, uint16_t(lane.warp->syncs), copy.to);
  }
}

void Block::copyAsync(MachineThread &thread, void *to, const void *from, int bytes) {
  auto &lane = static_cast<Lane &>(thread);
  Block &block = *lane.of;
  const void *site = __builtin_return_address(0);
  if (block.observes()) {
    if (bytes > 0) {
      block.check(lane, {site, from, uint32_t(bytes), false, false, true});
    }
    block.check(lane, {site, to, rowBytes, true, true, true});
  }
  if (block.work.checker) {
    block.work.checker->startCopy(to);
  }
  PendingCopy copy{to, from, bytes, lane.group};
  // With checks a copy is late, always: who does not wait for it is found.
  if (!block.observes() && block.coin()) {
    block.perform(lane, copy);
  } else {
    lane.copies.push_back(copy);
  }
}

void Block::commitCopies(MachineThread &thread) { ++static_cast<Lane &>(thread).group; }

void Block::waitForCopies(MachineThread &thread, int pending) {
  auto &lane = static_cast<Lane &>(thread);
  auto unfinished = lane.copies.begin();
  if (lane.of->work.meter && lane.bit == 1 && !lane.copies.empty()) {
    lane.of->work.meter->waitForCopies(lane.warp->number, pending);
  }
  for (; unfinished != lane.copies.end() && unfinished->group + uint32_t(pending) < lane.group;
       ++unfinished) {
    lane.of->perform(lane, *unfinished);
  }
  lane.copies.erase(lane.copies.begin(), unfinished);
}

void Block::waitForEarlierLaunches(MachineThread &thread) {
  static_cast<Lane &>(thread).waited = true;
}

/// The mark of failures: every launch may write it.
void Block::useMark(Lane &lane, const void *site) {
  if (!lane.waited) {
    fail(lane, "looks at the mark of failures before griddepcontrol.wait", site);
  }
}

void Block::atomicLeast(MachineThread &thread, unsigned long long *place,
                        unsigned long long value) {
  auto &lane = static_cast<Lane &>(thread);
  lane.of->useMark(lane, __builtin_return_address(0));
  unsigned long long seen = __atomic_load_n(place, __ATOMIC_RELAXED);
  while (value < seen && !__atomic_compare_exchange_n(place, &seen, value, true, __ATOMIC_RELAXED,
                                                      __ATOMIC_RELAXED)) {
  }
}

void Block::atomicSum(MachineThread &thread, unsigned long long *place, unsigned long long value) {
  auto &lane = static_cast<Lane &>(thread);
  AccessEntry access{__builtin_return_address(0), place, sizeof *place, false, true};
  access.atomic = true;
  lane.of->check(lane, access);
  *place += value;
}

unsigned long long Block::loadVolatile(MachineThread &thread, const unsigned long long *place) {
  auto &lane = static_cast<Lane &>(thread);
  lane.of->useMark(lane, __builtin_return_address(0));
  return __atomic_load_n(place, __ATOMIC_RELAXED);
}

unsigned char *Block::sharedArray(MachineThread &thread, int number, long long offset,
                                  long long bytes) {
  auto &lane = static_cast<Lane &>(thread);
  Block &block = *lane.of;
  auto all = static_cast<long long>(block.work.sharedBytes);
  bytes = bytes < 0 ? all : bytes;
  if (offset + bytes > all || number >= int(mostArrays)) {
    block.fail(lane,
               "takes " + std::to_string(number + 1) + " arrays and " +
                   std::to_string(offset + bytes) + " bytes of shared memory, of " +
                   std::to_string(all) + " bytes that there are for at most " +
                   std::to_string(mostArrays),
               __builtin_return_address(0));
  }
  std::byte *place = block.sharedBegin() + offset + size_t(number) * sharedGap;
  if (block.work.checker) {
    block.work.checker->addArray(place, size_t(bytes));
  }
  return reinterpret_cast<unsigned char *>(place);
}

bool Block::isMachine(const Lane &lane, const void *place) const {
  auto isIn = [place](const void *begin, uintptr_t bytes) {
    return reinterpret_cast<uintptr_t>(place) - reinterpret_cast<uintptr_t>(begin) < bytes;
  };
  return isIn(&region->header(), dsv3::sim::regionBytes) || isIn(&lane, sizeof lane) ||
         isIn(&machine, sizeof machine);
}

void Block::observe(MachineThread &thread, const void *place, unsigned bytes, bool store,
                    const void *site) {
  auto &lane = static_cast<Lane &>(thread);
  Block &block = *lane.of;
  if (!block.observes() || bytes == 0) {
    return;
  }
  if (Meter *meter = block.work.meter) {
    bool shared = meter->isShared(place) || &block.ownerOf(place) != &block;
    if (shared || !(block.isMachine(lane, place) || meter->isCode(place))) {
      block.check(lane, {site, place, bytes, store, shared});
    }
    return;
  }
  bool shared = false;
  if (block.work.checker->isDevice(place, shared)) {
    block.check(lane, {site, place, bytes, store, shared});
    return;
  }
  // Constants lie beside the code.
  constexpr uintptr_t mostCodeBytes = uintptr_t(64) << 20;
  auto a = reinterpret_cast<uintptr_t>(place), b = reinterpret_cast<uintptr_t>(site);
  if (!block.isMachine(lane, place) && (a > b ? a - b : b - a) >= mostCodeBytes) {
    block.fail(lane,
               std::string(store ? "writes " : "reads ") + std::to_string(bytes) +
                   " bytes at an address that is none of the device",
               site);
  }
}

void Block::check(Lane &lane, const AccessEntry &access) {
  if (!observes()) {
    return;
  }
  if (work.checker) {
    checkRemote(lane, access);
    bool shared = false;
    work.checker->isDevice(access.place, shared);
    std::string problem =
        shared == access.shared
            ? work.checker->access(lane.number, uint16_t(lane.warp->syncs), access, lane.waited)
            : "takes an address for one of " + std::string(access.shared ? "shared" : "global") +
                  " memory that is not";
    if (!problem.empty()) {
      fail(lane, std::move(problem), access.site);
    }
  }
  accesses[size_t(lane.index)].push_back(access);
}

void Block::flush(const Warp &warp) {
  if (observes() && !failure) {
    size_t first = warp.number * warpLanes;
    size_t count = std::min<size_t>(warpLanes, accesses.size() - first);
    auto ofWarp = std::span(accesses).subspan(first, count);
    if (work.checker) {
      work.checker->counters().flush(ofWarp);
    } else {
      work.meter->flush(warp.number, ofWarp);
    }
  }
}
