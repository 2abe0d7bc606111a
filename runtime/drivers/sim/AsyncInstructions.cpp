//===- AsyncInstructions.cpp - what threads ask for on sm_90a -------------===//
//
// The functions of dsv3::sim::Machine for barriers in shared memory and products of warp
// groups, called on the fibers of lanes.
//
//===----------------------------------------------------------------------===//

#include "runtime/drivers/sim/Block.h"

#include <algorithm>
#include <bit>
#include <cstring>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::runtime::sim;

/// What a barrier's eight bytes hold here. On a GPU they are nobody's business either.
static constexpr unsigned long long barrierMark = 0x6d62617272696572;

size_t Block::offsetOf(const void *place) {
  return size_t(static_cast<const std::byte *>(place) - sharedBegin());
}

//===----------------------------------------------------------------------===//
// Barriers
//===----------------------------------------------------------------------===//

void Block::initBarrier(MachineThread &thread, unsigned long long *place, int arrivals) {
  auto &lane = static_cast<Lane &>(thread);
  Block &block = *lane.of;
  const void *site = __builtin_return_address(0);
  block.check(lane, {site, place, sizeof *place, true, true});
  size_t number = block.async.barriers.size();
  auto [known, added] = block.async.barriers.try_emplace(place);
  if (!added || number == mostBarriers || arrivals < 1) {
    block.fail(lane,
               !added ? "initialises a barrier in shared memory that is one"
                      : "initialises a barrier for " + std::to_string(arrivals) +
                            " arrivals, after " + std::to_string(number) + " others",
               site);
  }
  *place = barrierMark;
  SharedBarrier &barrier = known->second;
  barrier.number = number;
  barrier.initialiser = lane.index;
  barrier.expected = barrier.missing = arrivals;
  if (block.work.checker) {
    block.work.checker->clocksOfBlocks();
  }
}

SharedBarrier &Block::barrierAt(Lane &lane, const unsigned long long *place, const void *site) {
  Block &block = *lane.of;
  block.check(lane, {site, place, sizeof *place, false, true});
  AsyncState &state = block.ownerOf(place).async;
  auto known = state.barriers.find(place);
  if (known == state.barriers.end() || *place != barrierMark) {
    block.fail(lane,
               known == state.barriers.end() ? "uses a barrier that was not initialised"
                                             : "uses a barrier that was overwritten",
               site);
  }
  return known->second;
}

void Block::endPhase(SharedBarrier &barrier) {
  if (barrier.missing > 0 || barrier.bytes != 0) {
    return;
  }
  ++barrier.phase;
  barrier.missing = barrier.expected;
  barrier.ended = barrier.arrived;
  for (Lane *lane : barrier.waiting) {
    lane->warp->ready |= lane->bit;
  }
  barrier.waiting.clear();
}

void Block::arrive(MachineThread &thread, unsigned long long *place, int bytes) {
  auto &lane = static_cast<Lane &>(thread);
  Block &block = *lane.of;
  const void *site = __builtin_return_address(0);
  SharedBarrier &barrier = barrierAt(lane, place, site);
  if (barrier.missing == 0) {
    block.fail(lane,
               "arrives at a barrier whose phase has all of its " +
                   std::to_string(barrier.expected) + " arrivals",
               site);
  }
  if (block.work.checker) {
    block.work.checker->clocksOfBlocks().release(lane.number, barrier.arrived);
  }
  barrier.bytes += bytes;
  --barrier.missing;
  block.endPhase(barrier);
}

bool Block::tryWait(MachineThread &thread, unsigned long long *place, int parity) {
  auto &lane = static_cast<Lane &>(thread);
  Block &block = *lane.of;
  const void *site = __builtin_return_address(0);
  SharedBarrier &barrier = barrierAt(lane, place, site);
  auto isUnderWay = [&] { return barrier.phase % 2 == uint32_t(parity) % 2; };
  if (isUnderWay()) {
    barrier.waiting.push_back(&lane);
    lane.barrier = &barrier;
    block.pause(lane, Wait::Phase, site);
  }
  constexpr uint64_t triesThatFail = 4; // one of so many, though the phase has ended
  bool fails = block.work.seed != 0 && block.random() % triesThatFail == 0;
  if (isUnderWay() || fails) {
    return false;
  }
  if (block.work.checker) {
    block.work.checker->clocksOfBlocks().acquire(lane.number, barrier.ended);
  }
  return true;
}

void Block::fence(MachineThread &thread, dsv3::sim::Fence kind) {
  auto &lane = static_cast<Lane &>(thread);
  Block &block = *lane.of;
  if (kind == dsv3::sim::Fence::Products) {
    block.joinProducts(lane, {ProductStep::Fence}, __builtin_return_address(0));
    return;
  }
  for (auto &[place, barrier] : block.async.barriers) {
    barrier.fenced |= barrier.initialiser == lane.index;
  }
  if (kind == dsv3::sim::Fence::Proxy && block.work.checker) {
    block.work.checker->clocksOfBlocks().fence(lane.number);
  }
}

//===----------------------------------------------------------------------===//
// Products of warp groups
//===----------------------------------------------------------------------===//

void Block::joinProducts(Lane &lane, const ProductStep &step, const void *site) {
  Exchange own;
  own.product = &step; // the lane is here until all have come
  join(lane, Wait::Product, own, site);
}

void Block::multiplyGroup(MachineThread &thread, float *sums, int count, unsigned long long a,
                          unsigned long long b, bool adds) {
  auto &lane = static_cast<Lane &>(thread);
  lane.of->joinProducts(lane, {ProductStep::Begin, a, b, 0, sums, count, nullptr, false, adds},
                        __builtin_return_address(0));
}

void Block::multiplyFragment(MachineThread &thread, float (&sums)[dsv3::sim::productSums],
                             const unsigned (&a)[4], unsigned long long b, bool transposed) {
  auto &lane = static_cast<Lane &>(thread);
  lane.of->joinProducts(
      lane, {ProductStep::Begin, 0, b, 0, sums, dsv3::sim::productSums, a, false, true, transposed},
      __builtin_return_address(0));
}

void Block::multiplyGroupOfCodes(MachineThread &thread, float (&sums)[dsv3::sim::productSums],
                                 unsigned long long a, unsigned long long b, bool adds) {
  auto &lane = static_cast<Lane &>(thread);
  lane.of->joinProducts(
      lane, {ProductStep::Begin, a, b, 0, sums, dsv3::sim::productSums, nullptr, true, adds},
      __builtin_return_address(0));
}

void Block::commitProducts(MachineThread &thread) {
  auto &lane = static_cast<Lane &>(thread);
  lane.of->joinProducts(lane, {ProductStep::Commit}, __builtin_return_address(0));
}

void Block::waitForProducts(MachineThread &thread, int pending) {
  auto &lane = static_cast<Lane &>(thread);
  lane.of->joinProducts(lane, {ProductStep::Finish, 0, 0, uint32_t(pending)},
                        __builtin_return_address(0));
}

void Block::completeProducts(Warp &warp) {
  auto &lane = static_cast<Lane &>(*region->header().running);
  const auto &exchange = warp.exchange[warp.turn % 2];
  const ProductStep &step = *exchange[0].product;
  WarpProducts &products = warp.products;
  if (!std::ranges::all_of(exchange, [&](const Exchange &one) {
        return one.product->kind == step.kind && one.product->a == step.a &&
               one.product->b == step.b && one.product->pending == step.pending &&
               (one.product->fragment != nullptr) == (step.fragment != nullptr) &&
               one.product->codes == step.codes && one.product->adds == step.adds &&
               one.product->count == step.count && one.product->transposed == step.transposed;
      })) {
    fail(lane, "lanes of a warp are at different steps of products", lane.site);
  }
  bool fine = true;
  switch (step.kind) {
  case ProductStep::Fence:
    products.fenced = true;
    break;
  case ProductStep::Begin:
    fine = beginProduct(warp, lane, step);
    break;
  case ProductStep::Commit:
    products.commit();
    break;
  case ProductStep::Finish:
    fine = products.finish(step.pending, sharedBegin());
    finishGroups(warp, step.pending);
    break;
  }
  if (!fine) {
    fail(lane, "wrote to sums of a product before it was waited for", lane.site);
  }
}

/// What the lanes of a warp have of a in registers: PTX ISA, "Register Fragments for
/// wgmma.mma_async.m64nNk16".
static SliceFragment fragmentOf(const std::array<Exchange, warpLanes> &exchange) {
  SliceFragment fragment;
  for (size_t lane = 0; lane < exchange.size(); ++lane) {
    for (size_t i = 0; i < 4; ++i) {
      uint32_t pair = exchange[lane].product->fragment[i];
      size_t row = lane / 4 + i % 2 * 8, column = lane % 4 * 2 + i / 2 * 8;
      fragment[row][column] = uint16_t(pair);
      fragment[row][column + 1] = uint16_t(pair >> 16);
    }
  }
  return fragment;
}

bool Block::beginProduct(Warp &warp, Lane &lane, const ProductStep &step) {
  bool inRegisters = step.fragment != nullptr;
  std::optional<SharedMatrix> a = inRegisters ? SharedMatrix() : matrixOf(step.a);
  std::optional<SharedMatrix> b = matrixOf(step.b);
  if (!a || !b) {
    fail(lane, "multiplies matrices whose descriptors are not simulated", lane.site);
  }
  if (!warp.products.fenced) {
    fail(lane, "begins a product without a wgmma.fence before, since the last wait", lane.site);
  }
  size_t firstRow = warp.number % 4 * sliceRows;
  constexpr size_t ofRow = groupRowBytes / chunkBytes, depth = groupRowBytes / sizeof(uint16_t);
  size_t columns = size_t(step.count) * 2; // of 64 rows, 128 threads
  if (!inRegisters) {
    checkMatrix(warp, *a, firstRow, sliceRows, ofRow);
  }
  if (step.transposed) {
    checkMatrix(warp, *b, 0, depth, columns * sizeof(uint16_t) / chunkBytes);
  } else {
    checkMatrix(warp, *b, 0, columns, ofRow);
  }
  const auto &exchange = warp.exchange[warp.turn % 2];
  WarpProducts::Places places;
  std::ranges::transform(exchange, places.begin(),
                         [](const Exchange &one) { return one.product->sums; });
  SliceProduct product{*a,      *b,         std::nullopt, firstRow,
                       columns, step.codes, step.adds,    step.transposed};
  if (inRegisters) {
    product.fragment = fragmentOf(exchange);
  }
  if (work.meter) {
    work.meter->product(product);
  }
  return warp.products.begin(places, product, sharedBegin(), coin());
}

void Block::checkMatrix(Warp &warp, const SharedMatrix &matrix, size_t firstRow, size_t rows,
                        size_t chunks) {
  auto &running = static_cast<Lane &>(*region->header().running);
  // What the last lane knows: others wait for barriers in its place now and then.
  Lane &lane = *lanes[warp.number * warpLanes + warpLanes - 1];
  size_t there = shared.size() - size_t(sharedBegin() - shared.data());
  for (size_t row = firstRow; row < firstRow + rows; ++row) {
    for (size_t chunk = 0; chunk < chunks; ++chunk) {
      size_t at = matrix.addressOf(row, chunk);
      if (at + chunkBytes > there) {
        fail(running, "multiplies a matrix that leaves shared memory", running.site);
      }
      if (!work.checker) {
        continue;
      }
      std::string problem = work.checker->readByProduct(
          lane.number, uint16_t(warp.syncs), warp.products.currentGroup(),
          {running.site, sharedBegin() + at, uint32_t(chunkBytes), false, true});
      if (!problem.empty()) {
        fail(running, std::move(problem), running.site);
      }
    }
  }
}

void Block::finishGroups(const Warp &warp, uint32_t pending) {
  uint32_t current = warp.products.currentGroup();
  if (!work.checker || current <= pending + 1) {
    return;
  }
  Clocks &clocks = work.checker->clocksOfBlocks();
  for (size_t lane = 0; lane < size_t(std::popcount(warp.lanes)); ++lane) {
    clocks.learn(lanes[warp.number * warpLanes + lane]->number,
                 clocks.products(size_t(rank) * warps.size() + warp.number), current - pending - 1);
  }
}

/// Registers that a block is launched with, which its warps have among themselves: the most of a
/// multiprocessor that all threads can have alike, in units of eight.
static int registersOfBlock(size_t warps) {
  constexpr int ofMultiprocessor = 65536, mostOfThread = 256, unit = 8;
  int threads = int(warps) * int(warpLanes);
  return std::min(mostOfThread, ofMultiprocessor / threads / unit * unit) * threads;
}

void Block::setRegisters(MachineThread &thread, int count) {
  auto &lane = static_cast<Lane &>(thread);
  Block &block = *lane.of;
  lane.warp->registers = count;
  int wanted = 0;
  bool all = true;
  for (const auto &warp : block.warps) {
    wanted += warp->registers * warpLanes;
    all &= warp->registers > 0;
  }
  if (int there = registersOfBlock(block.warps.size()); all && wanted > there) {
    block.fail(lane,
               "setmaxnreg: the block's warps want " + std::to_string(wanted) + " of " +
                   std::to_string(there) + " registers, which never come",
               __builtin_return_address(0));
  }
}

unsigned Block::sharedAddress(MachineThread &thread, const void *place) {
  auto &lane = static_cast<Lane &>(thread);
  Block &block = *lane.of;
  size_t offset = block.offsetOf(place);
  constexpr size_t addresses = size_t(1) << 18; // of matrix descriptors
  if (offset >= std::min(block.sharedSize(), addresses)) {
    block.fail(lane, "takes a place for one of shared memory that is not",
               __builtin_return_address(0));
  }
  return unsigned(offset);
}
