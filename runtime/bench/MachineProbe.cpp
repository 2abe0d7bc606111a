//===- MachineProbe.cpp - what this machine can do at most ----------------===//

#include "runtime/bench/MachineProbe.h"

#include "dsv3/Plan/Names.h"
#include "runtime/bench/TeamTask.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

using namespace dsv3;
using namespace dsv3::runtime;

/// Fused multiply-adds of each accumulator in one measurement.
static constexpr int64_t fmaRounds = 10'000'000;
/// Accumulators: more than latency times units of any CPU.
static constexpr int accumulators = 12;

namespace {
/// Memory that a thread works on.
struct Part {
  std::byte *begin = nullptr;
  uint64_t bytes = 0;
};
} // namespace

/// The nearest cache that a line is asked into, as __builtin_prefetch counts them.
static constexpr int l1 = 3, l2 = 2;

/// Keeps the compiler from dropping a computation whose result nobody reads.
template <typename T>
static void keep(const T &value) {
  asm volatile("" : : "m"(value));
}

#define DSV3_LOOPS "runtime/bench/ProbeLoops.inc"
#include "runtime/bench/Widths.inc"

Expected<MachineProbe> MachineProbe::create(int threads, std::string_view variant, uint64_t bytes) {
  Expected<std::unique_ptr<ThreadTeam>> team =
      ThreadTeam::create({.threads = threads, .pin = true});
  if (!team) {
    return team.failure();
  }
  Expected<Memory> memory = Memory::allocate(bytes, "measuring the machine");
  if (!memory) {
    return memory.failure();
  }
  MachineProbe probe(*std::move(team), *std::move(memory), variant.starts_with(plan::variantV4));
  // Pages that were never written are all the same one.
  std::byte *data = probe.memory.data();
  uint64_t share = bytes / uint64_t(probe.team->size());
  secondsOf(*probe.team,
            [&](int thread) { std::memset(data + uint64_t(thread) * share, 1, size_t(share)); });
  return probe;
}

std::vector<double> MachineProbe::readRates() {
  uint64_t share = memory.size() / uint64_t(team->size()) / 4096 * 4096;
  auto rate = [&](void (*read)(Part)) {
    double seconds = secondsOf(
        *team, [&](int thread) { read({memory.data() + uint64_t(thread) * share, share}); });
    return double(share) * team->size() / seconds;
  };
  constexpr uint64_t near = 2048, far = 8192;
  std::vector<double> rates{rate(narrow::read<0, l1>), rate(narrow::read<near, l1>),
                            rate(narrow::read<far, l1>), rate(narrow::read<far, l2>)};
  if (useWide) {
    rates.insert(rates.end(), {rate(wide::read<0, l1>), rate(wide::read<near, l1>),
                               rate(wide::read<far, l1>), rate(wide::read<far, l2>)});
  }
  return rates;
}

double MachineProbe::copyRate() {
  uint64_t half = memory.size() / 2, share = half / uint64_t(team->size());
  double seconds = secondsOf(*team, [&](int thread) {
    std::byte *from = memory.data() + uint64_t(thread) * share;
    std::memcpy(from + half, from, size_t(share));
  });
  return double(share) * team->size() / seconds;
}

Yardstick MachineProbe::yardstick() const { return {*team, memory, useWide}; }

double MachineProbe::fmaPeak() {
  double seconds = secondsOf(*team, [&](int) { useWide ? wide::multiply() : narrow::multiply(); });
  auto lanes = double(useWide ? wide::lanes : narrow::lanes);
  return 2 * lanes * accumulators * double(fmaRounds) * team->size() / seconds;
}
