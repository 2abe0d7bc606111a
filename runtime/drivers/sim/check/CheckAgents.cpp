//===- CheckAgents.cpp - tensor copies and tensor cores, checked ----------===//
//
// The part of Checker.h that is about agents which are no threads: what they touch, from
// when they are asked until a barrier or a wait tells a thread that they are done.
//
//===----------------------------------------------------------------------===//

#include "runtime/drivers/sim/check/Checker.h"

#include <algorithm>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::runtime::sim;

Clocks &Checker::clocksOfBlocks() {
  clocks.activate();
  return clocks;
}

bool Checker::hasBegun(uint16_t thread, size_t rank) const {
  const uint32_t *ofBlock = clocks.known(thread) + rank * blockThreads();
  return std::any_of(ofBlock, ofBlock + blockThreads(), [](uint32_t epoch) { return epoch > 0; });
}

void Checker::barrier(size_t rank) {
  now.segment += blockCount == 1 ? 1 : 0;
  if (clocks.active()) {
    clocks.join(rank * blockThreads(), blockThreads());
  }
}

void Checker::warpBarrier(size_t first, size_t count) {
  if (clocks.active()) {
    clocks.join(first, count);
  }
}

std::string Checker::checkAgents(const Moment &moment, const AccessEntry &access) {
  const auto *begin = static_cast<const std::byte *>(access.place);
  size_t firstWarp = rankOf(begin) * blockWarps;
  for (size_t i = 0; i < access.bytes; i += chunkBytes) {
    const ChunkUse &use = useOf(begin + i);
    if (use.copied > 0 && moment.known[use.copier] < use.copied) {
      return "touches shared memory to which a tensor was copied: the thread has not waited for "
             "the phase of its barrier";
    }
    if (!access.store) {
      continue;
    }
    if (use.stored > 0 && moment.known[use.storer] < use.stored) {
      return "writes shared memory that a tensor store reads: nothing says that it is finished";
    }
    for (size_t warp = 0; warp < blockWarps; ++warp) {
      if (moment.known[clocks.products(firstWarp + warp)] < use.products[warp]) {
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
  const Shadow &shadow = shadowOf(begin, true);
  for (size_t i = 0; i < access.bytes && problem.empty(); i += 2) {
    const Cell &cell = shadow.cell(begin + i);
    uint16_t other = 0;
    Race race = raceWithWrite(cell, moment, other);
    race = race == Race::None ? raceWithReads(cell, moment, other) : race;
    problem = race == Race::None ? "" : describeRace(race, access, other);
  }
  if (problem.empty()) {
    shadow.set(begin, access.bytes, ByteState::Pending);
  }
  return problem;
}

void Checker::finishTensorCopy(size_t agent, uint32_t epoch, const void *to) {
  const Shadow &shadow = shadowOf(to, true);
  shadow.set(to, chunkBytes, ByteState::Written);
  ChunkUse &use = useOf(to);
  use.copier = uint32_t(agent);
  use.copied = epoch;
  for (size_t i = 0; i < chunkBytes; i += 2) {
    shadow.cell(static_cast<const std::byte *>(to) + i).writeSegment = 0; // by no thread
  }
}

std::string Checker::checkRead(const Moment &moment, const AccessEntry &access,
                               const std::string &what) {
  std::string problem = checkStates(access);
  problem = problem.empty() ? checkAgents(moment, access) : problem;
  const auto *begin = static_cast<const std::byte *>(access.place);
  const Shadow &shadow = shadowOf(begin, true);
  for (size_t i = 0; i < access.bytes && problem.empty(); i += 2) {
    const Cell &cell = shadow.cell(begin + i);
    uint16_t other = 0;
    Race race = raceWithWrite(cell, moment, other);
    bool ofBlock = cell.writeSegment >= now.block;
    if (race != Race::None) {
      problem = describeRace(race, access, other);
    } else if (ofBlock && !clocks.isFenced(cell.writer, cell.writeEpoch, moment.thread)) {
      problem = what + " what " + threadName(cell.writer) +
                " wrote to shared memory: no fence.proxy.async of that thread lies between, nor "
                "one of the thread that reads";
    }
  }
  return problem;
}

std::string Checker::readByProduct(uint16_t thread, uint16_t warpSync, uint32_t epoch,
                                   const AccessEntry &access) {
  std::string problem = checkRead(momentOf(thread, warpSync, true), access, "multiplies");
  if (problem.empty()) {
    useOf(access.place).products[thread / warpThreads % blockWarps] = epoch;
  }
  return problem;
}

std::string Checker::readByStore(uint16_t thread, uint16_t warpSync, uint32_t epoch,
                                 const AccessEntry &access) {
  clocks.activate();
  std::string problem = checkRead(momentOf(thread, warpSync, true), access, "stores");
  if (problem.empty()) {
    ChunkUse &use = useOf(access.place);
    use.storer = uint32_t(clocks.stores(thread / warpThreads));
    use.stored = epoch;
  }
  return problem;
}
