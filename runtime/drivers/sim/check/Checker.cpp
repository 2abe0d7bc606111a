//===- Checker.cpp - every access of a kernel, checked --------------------===//

#include "runtime/drivers/sim/check/Checker.h"

#include <algorithm>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::runtime::sim;

static constexpr size_t copyBytes = 16;

Expected<std::unique_ptr<Checker>> Checker::create(std::shared_ptr<const MappedMemory> mapped) {
  Expected<std::unique_ptr<Arena>> arena = Arena::create();
  if (!arena) {
    return arena.failure();
  }
  return std::unique_ptr<Checker>(new Checker(*std::move(arena), std::move(mapped)));
}

void Checker::beginStep() { step = now.segment + 1; }
void Checker::beginLaunch() { now.launch = now.ordered = now.block = ++now.segment; }

Status Checker::beginBlocks(std::span<const std::span<std::byte>> shared, size_t warps) {
  now.block = ++now.segment;
  blockCount = shared.size();
  blockWarps = warps;
  blockChunks = shared[0].size() / chunkBytes + 1;
  blocks.resize(std::max(blocks.size(), blockCount));
  for (size_t i = 0; i < blockCount; ++i) {
    SharedMemory &block = blocks[i];
    if (!block.shadow || shared[i].data() != block.bytes.data() ||
        shared[i].size() != block.bytes.size()) {
      Expected<std::unique_ptr<Shadow>> shadow = Shadow::create(shared[i].data(), shared[i].size());
      if (!shadow) {
        return shadow.status();
      }
      block = {*std::move(shadow), shared[i]};
    }
    block.shadow->set(shared[i].data(), shared[i].size(), ByteState::Outside);
  }
  clocks.begin(blockCount, warps, blockChunks);
  if (blockCount > 1) {
    clocks.activate(); // barriers of a block order its own threads alone
  }
  return {};
}

void Checker::addArray(const void *place, size_t bytes) const {
  if (bytes > 0 && *shadowOf(place, true).state(place) == ByteState::Outside) {
    shadowOf(place, true).set(place, bytes, ByteState::Empty);
  }
}

size_t Checker::rankOf(const void *place) const {
  size_t rank = 0;
  while (rank < blockCount && !blocks[rank].shadow->covers(place)) {
    ++rank;
  }
  return rank;
}

const Shadow &Checker::shadowOf(const void *place, bool shared) const {
  return shared ? *blocks[std::min(rankOf(place), blockCount - 1)].shadow : device->shadow();
}

ChunkUse &Checker::useOf(const void *place) {
  size_t rank = rankOf(place);
  auto offset = size_t(static_cast<const std::byte *>(place) - blocks[rank].bytes.data());
  return clocks.use(rank * blockChunks + offset / chunkBytes);
}

bool Checker::isDevice(const void *place, bool &shared) const {
  shared = rankOf(place) < blockCount;
  return shared || device->shadow().covers(place);
}

std::string Checker::threadName(uint16_t thread) const {
  std::string name = "thread " + std::to_string(thread % blockThreads());
  return blockCount == 1
             ? name
             : name + " of block " + std::to_string(thread / blockThreads()) + " of the cluster";
}

static std::string memoryName(const AccessEntry &access) {
  return access.shared ? "shared memory" : "global memory";
}
static std::string actionText(const AccessEntry &access) {
  const char *action = access.atomic ? "adds to " : access.store ? "writes " : "reads ";
  return action + std::to_string(access.bytes) + " bytes of " + memoryName(access);
}

std::string Checker::describe(ByteState state, const AccessEntry &access, const void *place) const {
  std::string what = actionText(access);
  if (state == ByteState::Outside) {
    return what + " outside of all " + (access.shared ? "arrays" : "buffers") +
           (access.shared ? "" : ": " + device->describe(place));
  }
  return what + (state == ByteState::Empty
                     ? " that nobody wrote so far" +
                           (access.shared ? std::string() : ": " + device->describe(place))
                     : " to which an asynchronous copy was not waited for");
}

std::string Checker::describeRace(Race race, const AccessEntry &access, uint16_t other) const {
  if (race == Race::BetweenLaunches) {
    return actionText(access) + " that an earlier launch of the step, in its thread " +
           std::to_string(other) + ", reads or writes too: no griddepcontrol.wait lies before";
  }
  return actionText(access) +
         (race == Race::BetweenBlocks
              ? " that another block of the launch, in its thread " + std::to_string(other) +
                    ", reads or writes too: nothing orders blocks"
              : " that " + threadName(other) + " reads or writes too: no barrier lies between");
}

Moment Checker::momentOf(uint16_t thread, uint16_t warpSync, bool shared) const {
  Moment moment = now;
  moment.thread = thread;
  moment.warpSync = warpSync;
  moment.epoch = clocks.epoch(thread);
  moment.known = clocks.known(thread);
  // Each block has shared memory of its own.
  moment.launch = moment.ordered = shared ? now.block : now.launch;
  return moment;
}

std::string Checker::checkStates(const AccessEntry &access) const {
  const Shadow &shadow = shadowOf(access.place, access.shared);
  const auto *begin = static_cast<const std::byte *>(access.place);
  for (size_t i = 0; i < access.bytes; ++i) {
    if (!shadow.covers(begin + i)) {
      return describe(ByteState::Outside, access, begin + i);
    }
    ByteState state = *shadow.state(begin + i);
    bool fine = state == ByteState::Written || (access.store && state == ByteState::Empty);
    if (!fine) {
      return describe(state, access, begin + i);
    }
  }
  return "";
}

std::string Checker::access(uint16_t thread, uint16_t warpSync, const AccessEntry &access,
                            bool waited) {
  if (std::string problem = checkStates(access); !problem.empty()) {
    return problem;
  }
  const Shadow &shadow = shadowOf(access.place, access.shared);
  const auto *begin = static_cast<const std::byte *>(access.place);
  if (access.store) {
    shadow.set(begin, access.bytes, ByteState::Written);
  }
  Moment moment = momentOf(thread, warpSync, access.shared);
  moment.ordered = access.shared || waited ? moment.ordered : step;
  if (access.shared && moment.known) {
    if (std::string problem = checkAgents(moment, access); !problem.empty()) {
      return problem;
    }
  }
  for (size_t i = 0; i < access.bytes; ++i) {
    Cell &cell = shadow.cell(begin + i);
    uint16_t other = 0;
    Race race = access.store ? noteWrite(cell, moment, other)
                             : noteRead(cell, moment, access.atomic, other);
    if (race != Race::None) {
      return describeRace(race, access, other);
    }
  }
  return "";
}

void Checker::startCopy(const void *to) const {
  shadowOf(to, true).set(to, copyBytes, ByteState::Pending);
}

void Checker::finishCopy(uint16_t thread, uint16_t warpSync, const void *to) {
  const Shadow &shadow = shadowOf(to, true);
  shadow.set(to, copyBytes, ByteState::Written);
  Moment moment = momentOf(thread, warpSync, true);
  const auto *begin = static_cast<const std::byte *>(to);
  for (size_t i = 0; i < copyBytes; ++i) {
    // Others see it from the next barrier on.
    uint16_t other = 0;
    noteWrite(shadow.cell(begin + i), moment, other);
  }
}
