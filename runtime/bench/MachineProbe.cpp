//===- MachineProbe.cpp - what this machine can do at most ----------------===//

#include "runtime/bench/MachineProbe.h"

#include "dsv3/Plan/Names.h"
#include "runtime/bench/TeamTask.h"

#include <cstring>
#include <immintrin.h>

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

/// Keeps the compiler from dropping a computation whose result nobody reads.
template <typename T>
static void keep(const T &value) {
  asm volatile("" : : "m"(value));
}

__attribute__((target("avx2"))) static void readNarrow(Part part) {
  __m256i sums[8] = {};
  for (uint64_t at = 0; at + sizeof sums <= part.bytes; at += sizeof sums) {
    for (size_t i = 0; i < 8; ++i) {
      const auto *from = reinterpret_cast<const __m256i *>(part.begin + at) + i;
      sums[i] = _mm256_xor_si256(sums[i], _mm256_load_si256(from));
    }
  }
  for (__m256i &sum : sums) {
    keep(sum);
  }
}

__attribute__((target("avx512f"))) static void readWide(Part part) {
  __m512i sums[8] = {};
  for (uint64_t at = 0; at + sizeof sums <= part.bytes; at += sizeof sums) {
    for (size_t i = 0; i < 8; ++i) {
      const auto *from = reinterpret_cast<const __m512i *>(part.begin + at) + i;
      sums[i] = _mm512_xor_si512(sums[i], _mm512_load_si512(from));
    }
  }
  for (__m512i &sum : sums) {
    keep(sum);
  }
}

__attribute__((target("avx2,fma"))) static void multiplyNarrow() {
  __m256 sums[accumulators];
  for (int i = 0; i < accumulators; ++i) {
    sums[i] = _mm256_set1_ps(float(i)); // equal sums would be computed once
  }
  __m256 factor = _mm256_set1_ps(0.5F), term = _mm256_set1_ps(1.0F);
  for (int64_t round = 0; round < fmaRounds; ++round) {
#pragma GCC unroll 12
    for (__m256 &sum : sums) {
      sum = _mm256_fmadd_ps(sum, factor, term);
    }
  }
  for (__m256 &sum : sums) {
    keep(sum);
  }
}

__attribute__((target("avx512f"))) static void multiplyWide() {
  __m512 sums[accumulators];
  for (int i = 0; i < accumulators; ++i) {
    sums[i] = _mm512_set1_ps(float(i)); // equal sums would be computed once
  }
  __m512 factor = _mm512_set1_ps(0.5F), term = _mm512_set1_ps(1.0F);
  for (int64_t round = 0; round < fmaRounds; ++round) {
#pragma GCC unroll 12
    for (__m512 &sum : sums) {
      sum = _mm512_fmadd_ps(sum, factor, term);
    }
  }
  for (__m512 &sum : sums) {
    keep(sum);
  }
}

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
  MachineProbe probe(*std::move(team), *std::move(memory), variant == plan::variantV4);
  // Pages that were never written are all the same one.
  std::byte *data = probe.memory.data();
  uint64_t share = bytes / uint64_t(probe.team->size());
  secondsOf(*probe.team,
            [&](int thread) { std::memset(data + uint64_t(thread) * share, 1, size_t(share)); });
  return probe;
}

double MachineProbe::readBandwidth() {
  uint64_t share = memory.size() / uint64_t(team->size()) / 4096 * 4096;
  double seconds = secondsOf(*team, [&](int thread) {
    Part part{memory.data() + uint64_t(thread) * share, share};
    wide ? readWide(part) : readNarrow(part);
  });
  return double(share) * team->size() / seconds;
}

double MachineProbe::copyRate() {
  uint64_t half = memory.size() / 2, share = half / uint64_t(team->size());
  double seconds = secondsOf(*team, [&](int thread) {
    std::byte *from = memory.data() + uint64_t(thread) * share;
    std::memcpy(from + half, from, size_t(share));
  });
  return double(share) * team->size() / seconds;
}

Yardstick MachineProbe::yardstick() const { return {*team, memory, wide}; }

double MachineProbe::fmaPeak() {
  double seconds = secondsOf(*team, [&](int) { wide ? multiplyWide() : multiplyNarrow(); });
  double lanes = wide ? 16 : 8;
  return 2 * lanes * accumulators * double(fmaRounds) * team->size() / seconds;
}
