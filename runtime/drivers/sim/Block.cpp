//===- Block.cpp - runs a block of a launch at a time ---------------------===//

#include "runtime/drivers/sim/Cluster.h"
#include "runtime/drivers/sim/Fault.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>
#include <cstring>
#include <limits>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::runtime::sim;

Expected<std::unique_ptr<Block>> Block::create(Cluster &cluster, int rank) {
  Expected<std::unique_ptr<StackRegion>> region = StackRegion::create();
  if (!region) {
    return region.failure();
  }
  return std::unique_ptr<Block>(new Block(*std::move(region), cluster, rank));
}

Status Block::prepare(const BlockWork &next) {
  bool grows = next.threads != work.threads;
  work = next;
  if (work.threads == 0 || work.threads > mostThreads) {
    return Failure{"expected a block of 1 to " + std::to_string(mostThreads) + " threads, found " +
                   std::to_string(work.threads)};
  }
  shared.resize(work.sharedBytes + (mostArrays + 2) * sharedGap);
  if (Status grown = region->grow(work.threads); !grown) {
    return grown;
  }
  if (grows) {
    makeLanes();
  }
  return {};
}

void Block::makeLanes() {
  size_t warpCount = (work.threads + warpLanes - 1) / warpLanes;
  while (warps.size() < warpCount) {
    warps.push_back(std::make_unique<Warp>());
  }
  warps.resize(warpCount);
  lanes.resize(std::min(lanes.size(), work.threads));
  for (size_t i = lanes.size(); i < work.threads; ++i) {
    auto lane = std::make_unique<Lane>();
    lane->machine = &machine;
    lane->index = int(i);
    lane->of = this;
    lane->bit = uint32_t(1) << i % warpLanes;
    startFiber(*lane);
    lanes.push_back(std::move(lane));
  }
  for (size_t i = 0; i < warpCount; ++i) {
    size_t count = std::min<size_t>(warpLanes, work.threads - i * warpLanes);
    warps[i]->number = i;
    warps[i]->lanes = ~uint32_t(0) >> (warpLanes - count);
  }
  for (size_t i = 0; i < lanes.size(); ++i) {
    lanes[i]->warp = warps[i / warpLanes].get();
  }
}

void Block::laneMain(void *argument) {
  auto &lane = *static_cast<Lane *>(argument);
  while (true) { // a block each time
    lane.of->work.entry->call(lane.of->work.parameters);
    lane.of->end(lane);
  }
}

uint64_t Block::random() {
  // xorshift64*
  randomState ^= randomState >> 12;
  randomState ^= randomState << 25;
  randomState ^= randomState >> 27;
  return randomState * 0x2545F4914F6CDD1DULL;
}

Lane &Block::choose(const Warp &warp, uint32_t after) {
  uint32_t ready = warp.ready;
  int at = 0;
  if (work.seed == 0) {
    uint32_t later = ready & ~(after | (after - 1));
    at = std::countr_zero(later != 0 ? later : ready);
  } else {
    uint64_t skipped = random() % uint64_t(std::popcount(ready));
    for (; skipped > 0; --skipped) {
      ready &= ready - 1;
    }
    at = std::countr_zero(ready);
  }
  return *lanes[warp.number * warpLanes + size_t(at)];
}

Warp *Block::chooseWarp() {
  size_t first = work.seed == 0 ? lastWarp : random() % warps.size();
  for (size_t i = 0; i < warps.size(); ++i) {
    size_t at = (first + i) % warps.size();
    if (warps[at]->ready != 0) {
      lastWarp = at;
      return warps[at].get();
    }
  }
  return nullptr;
}

std::byte *Block::sharedBegin() {
  auto begin = reinterpret_cast<uintptr_t>(shared.data());
  return shared.data() + (sharedGap - begin % sharedGap);
}

void Block::begin(int64_t number) {
  index = number;
  randomState =
      (work.seed + 1) * 0x9E3779B97F4A7C15ULL ^ (uint64_t(number) + 1) * 0xBF58476D1CE4E5B9ULL;
  randomState |= 1;
  // NaN in every type: what nobody wrote is seen in the results.
  std::memset(shared.data(), 0xFF, work.sharedBytes > 0 ? shared.size() : 0);
  size_t firstNumber = size_t(rank) * warps.size() * warpLanes;
  for (auto &lane : lanes) {
    lane->block = number / work.grid.parts;
    lane->blocks = work.grid.columns;
    lane->part = int(number % work.grid.parts);
    lane->parts = int(work.grid.parts);
    lane->rank = rank;
    lane->clusterWidth = int(work.grid.sharing);
    lane->number = uint16_t(firstNumber + size_t(lane->index));
    lane->wait = Wait::Nothing;
    lane->group = lane->storeGroup = 0;
    lane->multiplyAdds = 0;
    lane->copies.clear();
    lane->stores.clear();
    lane->barrier = nullptr;
    lane->clusterPhase.reset();
    lane->waited = !work.dependent;
  }
  for (auto &warp : warps) {
    warp->ready = warp->lanes;
    warp->arrived = warp->syncs = warp->turn = warp->stores = 0;
    warp->products.reset();
    warp->registers = 0;
  }
  async.reset();
  std::ranges::for_each(atNamed, [](std::vector<Lane *> &arrived) { arrived.clear(); });
  accesses.resize(observes() ? lanes.size() : 0);
  if (work.meter) {
    work.meter->beginBlock(warps.size(), shared);
  }
  failure.reset();
  left = lanes.size();
  atBarrier = lastWarp = 0;
}

bool Block::runWarp() {
  FaultGuard guard(*this);
  constexpr uint64_t turnsUntilACopy = 4;
  bool copyComes = work.seed != 0 && random() % turnsUntilACopy == 0;
  if (copyComes && !async.copies.empty()) {
    finishCopy(random() % async.copies.size());
  }
  Warp *warp = chooseWarp();
  if (!warp) {
    return false;
  }
  Lane &lane = choose(*warp, 0x80000000U);
  region->header().running = &lane;
  Fiber::change(scheduler, lane.fiber);
  return true;
}

bool Block::endCopy() {
  if (async.copies.empty()) {
    return false;
  }
  finishCopy(work.seed == 0 ? 0 : random() % async.copies.size());
  return true;
}

void Block::end() {
  checkEnd();
  for (const auto &warp : warps) {
    flush(*warp);
  }
  if (work.meter && !failure) {
    std::vector<int64_t> multiplyAdds(lanes.size());
    std::ranges::transform(lanes, multiplyAdds.begin(),
                           [](const auto &lane) { return lane->multiplyAdds; });
    work.meter->endBlock(multiplyAdds);
  }
}

void Block::abandon() {
  std::ranges::for_each(lanes, [this](const auto &lane) { startFiber(*lane); });
}

void Block::startFiber(Lane &lane) {
  std::span<std::byte> stack = region->stack(size_t(lane.index));
#if defined(__SANITIZE_ADDRESS__)
  // Fibers that were there before, or at the same address in another region, never returned.
  ASAN_UNPOISON_MEMORY_REGION(stack.data(), stack.size());
#endif
  lane.fiber.start(stack, laneMain, &lane);
}

bool Block::waitsForPhase() const {
  return std::ranges::any_of(lanes, [](const auto &lane) { return lane->wait == Wait::Phase; });
}

void Block::leave(Lane &lane) {
  Fiber *next = &scheduler;
  if (lane.warp->ready != 0 && !failure) {
    Lane &other = choose(*lane.warp, lane.bit);
    region->header().running = &other;
    next = &other.fiber;
  }
  if (next != &lane.fiber) {
    Fiber::change(lane.fiber, *next);
  }
}

void Block::pause(Lane &lane, Wait kind, const void *site) {
  lane.wait = kind;
  lane.site = site;
  lane.warp->ready &= ~lane.bit;
  leave(lane);
  lane.wait = Wait::Nothing;
}

void Block::end(Lane &lane) {
  waitForCopies(lane, 0);
  commitCopies(lane);
  waitForCopies(lane, 0);
  if (!lane.stores.empty()) {
    fail(lane, "ends while a tensor store reads its shared memory", lane.stores[0].site);
  }
  lane.wait = Wait::Over;
  lane.warp->ready &= ~lane.bit;
  --left;
  cluster.leave(lane);
  leave(lane);
}

void Block::fail(const Lane &lane, std::string what, const void *site) {
  Block &block = *lane.of;
  block.failure = {std::move(what), block.index, lane.index, site};
  Fiber lost;
  Fiber::change(lost, block.scheduler);
}

void Block::fault(const void *address, const void *code) {
  char hex[20] = "";
  std::snprintf(hex, sizeof hex, "%p", address);
  fail(static_cast<Lane &>(*region->header().running),
       "touches memory at " + std::string(hex) + ", where there is none", code);
}

static std::string describe(const SharedBarrier &barrier) {
  return "phase " + std::to_string(barrier.phase) + " of barrier " +
         std::to_string(barrier.number) +
         " in shared memory, which never ends: " + std::to_string(barrier.missing) + " of " +
         std::to_string(barrier.expected) + " arrivals and " + std::to_string(barrier.bytes) +
         " bytes of tensor copies are missing";
}

void Block::checkEnd() {
  if (failure) {
    return;
  }
  if (!async.copies.empty()) {
    failure = {"ends while tensor copies are under way to its shared memory", index, 0, nullptr};
  }
  for (const auto &warp : warps) {
    if (warp->products.underWay()) {
      failure = {"ends while products are under way", index, int(warp->number) * warpLanes,
                 nullptr};
    }
  }
}

void Block::describeStuck() {
  std::array<size_t, waitCount> counts{};
  const Lane *first = lanes.front().get(); // that has not ended
  for (const auto &lane : lanes) {
    ++counts[size_t(lane->wait)];
    first = first->wait == Wait::Over ? lane.get() : first;
  }
  std::string list;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 0) {
      list += (list.empty() ? "" : ", ") + std::to_string(counts[i]) + " " +
              std::string(nameOf(Wait(i)));
    }
  }
  std::string what = "an instruction of a warp that not all lanes reach";
  if (counts[size_t(Wait::NamedBarrier)] > 0) {
    what = "a named barrier that not all its threads reach";
  }
  if (counts[size_t(Wait::BlockBarrier)] > 0) {
    what = "a barrier of the block that not all threads reach";
  } else if (counts[size_t(Wait::ClusterBarrier)] > 0 && counts[size_t(Wait::Phase)] == 0) {
    what = "a barrier of the cluster that not all threads reach";
  } else if (counts[size_t(Wait::Phase)] > 0) {
    // Others wait because of the one to which the least is missing.
    auto missing = [](const auto &lane) {
      return lane->wait == Wait::Phase ? lane->barrier->missing : std::numeric_limits<int>::max();
    };
    first = std::ranges::min_element(lanes, {}, missing)->get();
    what = describe(*first->barrier);
  }
  failure = {what + ": of the block's threads " + list, index, first->index, first->site};
}
