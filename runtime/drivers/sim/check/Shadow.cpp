//===- Shadow.cpp - what is known of each byte of memory ------------------===//

#include "runtime/drivers/sim/check/Shadow.h"

#include "runtime/drivers/sim/Warp.h"

#include <cerrno>
#include <cstring>
#include <string>
#include <sys/mman.h>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::runtime::sim;

/// Besides the last reader, in the same segment or launch.
enum Readers : uint8_t { OtherLanes = 1, OtherWarps = 2, OtherBlocks = 4 };

static bool sameWarp(uint16_t a, uint16_t b) { return a / warpLanes == b / warpLanes; }

/// Whether an access of `thread` is ordered before `now`.
static Race raceWith(uint32_t segment, uint16_t sync, uint16_t thread, uint32_t epoch,
                     const Moment &now) {
  if (segment < now.ordered || (segment >= now.block && segment < now.segment)) {
    return Race::None;
  }
  if (segment < now.launch) {
    return Race::BetweenLaunches;
  }
  if (segment < now.block) {
    return Race::BetweenBlocks;
  }
  bool ordered = thread == now.thread || (sameWarp(thread, now.thread) && sync != now.warpSync) ||
                 (now.known && now.known[thread] >= epoch);
  return ordered ? Race::None : Race::WithinBlock;
}

Race runtime::sim::raceWithWrite(const Cell &cell, const Moment &now, uint16_t &other) {
  other = cell.writer;
  return raceWith(cell.writeSegment, cell.writeSync, cell.writer, cell.writeEpoch, now);
}

Race runtime::sim::raceWithReads(const Cell &cell, const Moment &now, uint16_t &other) {
  other = cell.reader;
  Race race = raceWith(cell.readSegment, cell.readSync, cell.reader, cell.readEpoch, now);
  if (race != Race::None) {
    return race;
  }
  if (cell.readSegment >= now.launch && (cell.readers & OtherBlocks) != 0) {
    return Race::BetweenBlocks;
  }
  if (cell.readSegment == now.segment) {
    bool lanes = (cell.readers & OtherLanes) != 0 && cell.readSync == now.warpSync;
    if (lanes || (cell.readers & OtherWarps) != 0) {
      return Race::WithinBlock;
    }
  }
  return Race::None;
}

Race runtime::sim::noteRead(Cell &cell, const Moment &now, bool atomic, uint16_t &other) {
  Race race = raceWithWrite(cell, now, other);
  if (race == Race::None && cell.atomic != atomic) {
    race = raceWithReads(cell, now, other);
  }
  if (race != Race::None) {
    return race;
  }
  cell.atomic = atomic;
  uint8_t readers = 0;
  if (cell.readSegment >= now.launch) {
    readers = cell.readers & OtherBlocks;
    readers |= cell.readSegment < now.block ? OtherBlocks : 0;
  }
  if (cell.readSegment == now.segment && !now.known) {
    readers |= cell.readers & OtherWarps;
    if (!sameWarp(cell.reader, now.thread)) {
      readers |= OtherWarps;
    } else if (cell.readSync == now.warpSync) {
      readers |= cell.readers & OtherLanes;
      readers |= cell.reader != now.thread ? OtherLanes : 0;
    }
  }
  cell.readSegment = now.segment;
  cell.readSync = now.warpSync;
  cell.readEpoch = now.epoch;
  cell.reader = now.thread;
  cell.readers = readers;
  return Race::None;
}

Race runtime::sim::noteWrite(Cell &cell, const Moment &now, uint16_t &other) {
  Race race = raceWithWrite(cell, now, other);
  race = race == Race::None ? raceWithReads(cell, now, other) : race;
  if (race != Race::None) {
    return race;
  }
  cell.writeSegment = now.segment;
  cell.writeSync = now.warpSync;
  cell.writeEpoch = now.epoch;
  cell.writer = now.thread;
  return Race::None;
}

/// Zeroed memory that is not there before it is touched; null if there is no address space.
static void *reserve(size_t bytes) {
  void *mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return mapped == MAP_FAILED ? nullptr : mapped;
}

static size_t cellBytes(size_t bytes) { return bytes * sizeof(Cell); }

Expected<std::unique_ptr<Shadow>> Shadow::create(const void *begin, size_t bytes) {
  std::unique_ptr<Shadow> shadow(new Shadow(static_cast<const std::byte *>(begin), bytes));
  shadow->states = static_cast<ByteState *>(reserve(bytes));
  shadow->cells = static_cast<Cell *>(reserve(cellBytes(bytes)));
  if (!shadow->states || !shadow->cells) {
    return Failure{"cannot reserve address space to check memory: " +
                       std::string(std::strerror(errno)),
                   "--sim-check", "raise the limit of virtual memory (ulimit -v)"};
  }
  return shadow;
}

Shadow::~Shadow() {
  if (states) {
    munmap(states, bytes);
  }
  if (cells) {
    munmap(cells, cellBytes(bytes));
  }
}

void Shadow::set(const void *place, size_t count, ByteState state) const {
  std::memset(this->state(place), int(state), count);
}
