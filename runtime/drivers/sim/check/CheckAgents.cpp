//===- CheckAgents.cpp - tensor copies and tensor cores, checked ----------===//
//
// The part of Checker.h that is about agents which are no threads: what they touch, from
// when they are asked until a barrier or a wait tells a thread that they are done.
//
//===----------------------------------------------------------------------===//

#include "runtime/drivers/sim/check/Checker.h"

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::runtime::sim;

Clocks &Checker::clocksOfBlock() {
  clocks.activate();
  return clocks;
}

void Checker::barrier() {
  ++now.segment;
  if (clocks.active()) {
    clocks.join(0, blockThreads);
  }
}

void Checker::warpBarrier(size_t first, size_t count) {
  if (clocks.active()) {
    clocks.join(first, count);
  }
}

std::string Checker::checkAgents(const Moment &moment, const AccessEntry &access) {
  const auto *begin = static_cast<const std::byte *>(access.place);
  for (size_t i = 0; i < access.bytes; i += chunkBytes) {
    const ChunkUse &use = useOf(begin + i);
    if (use.copied > 0 && moment.known[use.copier] < use.copied) {
      return "touches shared memory to which a tensor was copied: the thread has not waited for "
             "the phase of its barrier";
    }
    for (size_t warp = 0; warp < mostWarps && access.store; ++warp) {
      if (moment.known[clocks.products(warp)] < use.products[warp]) {
        return "writes shared memory that a product of warp " + std::to_string(warp) +
               " reads: nothing says that it is finished";
      }
    }
  }
  return "";
}

std::string Checker::startTensorCopy(uint16_t thread, uint16_t warpSync,
                                     const AccessEntry &access) {
  std::string problem = checkStates(access);
  Moment moment = momentOf(thread, warpSync, true);
  problem = problem.empty() ? checkAgents(moment, access) : problem;
  const auto *begin = static_cast<const std::byte *>(access.place);
  for (size_t i = 0; i < access.bytes && problem.empty(); i += 2) {
    const Cell &cell = block->cell(begin + i);
    uint16_t other = 0;
    Race race = raceWithWrite(cell, moment, other);
    race = race == Race::None ? raceWithReads(cell, moment, other) : race;
    problem = race == Race::None ? "" : describeRace(race, access, other);
  }
  if (problem.empty()) {
    block->set(begin, access.bytes, ByteState::Pending);
  }
  return problem;
}

void Checker::finishTensorCopy(size_t barrier, uint32_t epoch, const void *to) {
  block->set(to, chunkBytes, ByteState::Written);
  ChunkUse &use = useOf(to);
  use.copier = uint32_t(clocks.copies(barrier));
  use.copied = epoch;
  for (size_t i = 0; i < chunkBytes; i += 2) {
    block->cell(static_cast<const std::byte *>(to) + i).writeSegment = 0; // by no thread
  }
}

std::string Checker::readByProduct(uint16_t thread, uint16_t warpSync, uint32_t epoch,
                                   const AccessEntry &access) {
  std::string problem = checkStates(access);
  Moment moment = momentOf(thread, warpSync, true);
  problem = problem.empty() ? checkAgents(moment, access) : problem;
  const auto *begin = static_cast<const std::byte *>(access.place);
  for (size_t i = 0; i < access.bytes && problem.empty(); i += 2) {
    const Cell &cell = block->cell(begin + i);
    uint16_t other = 0;
    Race race = raceWithWrite(cell, moment, other);
    bool ofBlock = cell.writeSegment >= now.block;
    if (race != Race::None) {
      problem = describeRace(race, access, other);
    } else if (ofBlock && !clocks.isFenced(cell.writer, cell.writeEpoch)) {
      problem = "multiplies what thread " + std::to_string(cell.writer) +
                " wrote to shared memory: no fence.proxy.async of that thread lies between";
    }
  }
  if (problem.empty()) {
    useOf(begin).products[thread / 32U] = epoch;
  }
  return problem;
}
