//===- Clocks.cpp - what barriers in shared memory order ------------------===//

#include "runtime/drivers/sim/check/Clocks.h"

#include <algorithm>
#include <numeric>

using namespace dsv3::runtime::sim;

/// A phase before the first has no numbers.
static void raise(Clock &clock, const Clock &by) {
  clock.resize(std::max(clock.size(), by.size()));
  for (size_t i = 0; i < by.size(); ++i) {
    clock[i] = std::max(clock[i], by[i]);
  }
}

void Clocks::begin(size_t blocks, size_t warps, size_t chunks) {
  blockCount = blocks;
  warpCount = blocks * warps;
  threadCount = warpCount * warpThreads;
  chunkCount = blocks * chunks;
  ofThreads.clear();
}

void Clocks::activate() {
  if (active()) {
    return;
  }
  ofThreads.assign(threadCount, Clock(copies(blockCount, 0)));
  for (size_t i = 0; i < threadCount; ++i) {
    ofThreads[i][i] = 1;
  }
  fences.assign(threadCount, Clock(threadCount));
  uses.assign(chunkCount, {});
}

void Clocks::release(size_t thread, Clock &to) {
  raise(to, ofThreads[thread]);
  ++ofThreads[thread][thread];
}

void Clocks::release(size_t agent, uint32_t epoch, Clock &to) const {
  to.resize(ofThreads[0].size());
  to[agent] = std::max(to[agent], epoch);
}

void Clocks::acquire(size_t thread, const Clock &from) { raise(ofThreads[thread], from); }

void Clocks::join(size_t first, size_t count) {
  std::vector<size_t> threads(count);
  std::iota(threads.begin(), threads.end(), first);
  join(threads);
}

void Clocks::join(std::span<const size_t> threads) {
  Clock all;
  for (size_t thread : threads) {
    release(thread, all);
  }
  for (size_t thread : threads) {
    acquire(thread, all);
  }
}

void Clocks::learn(size_t thread, size_t agent, uint32_t epoch) {
  uint32_t &known = ofThreads[thread][agent];
  known = std::max(known, epoch);
}

void Clocks::fence(size_t thread) {
  std::copy_n(ofThreads[thread].begin(), threadCount, fences[thread].begin());
  ++ofThreads[thread][thread];
}
