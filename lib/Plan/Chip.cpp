//===- Chip.cpp - GPUs as the model of times knows them -------------------===//
//
// [W] NVIDIA's whitepapers: A100 Tensor Core GPU Architecture (2020), H100 Tensor Core GPU
//     Architecture (2022), Blackwell Architecture (2024), and the data sheets of the modules. Of
//     PCIe they state both directions together: 64 GB/s for generation 4, 128 GB/s for 5.
// [L] Benchmarking and Dissecting the Nvidia Hopper GPU Architecture, arXiv 2402.13499:
//     latencies of pointer chasing, and mma.sync at 63 % of an H100's peak.
// [C] Chips and Cheese, Nvidia's H100: Funny L2, and Tons of Bandwidth (2023): 5.5 to 6 TB/s
//     from the L2 of an H100 with 114 multiprocessors at 1755 MHz.
// [M] Measured: a copy shows 4.3 of 4.8 TB/s on an H200 (docs/performance.md).
// [F] Fitted: 152 launches of a decode step of model M, as a graph on an H100, took 1.18 ms
//     (docs/performance.md), of which 0.1 ms are taken for copies and the host.
// [A] Assumed, since nothing was published that could be cited.
//
//===----------------------------------------------------------------------===//

#include "dsv3/Plan/Chip.h"

#include <algorithm>
#include <array>

namespace dsv3::plan {

/// [M], for all of them.
static constexpr double copyFraction = 0.9;
/// What a launch takes besides its work: the gap behind the one before, then fetching code and
/// filling the multiprocessors. [F], for all of them.
static constexpr double launchSeconds = 4e-6;

/// SXM module of 80 GB. [W], latencies [L]; L2: 5120 bytes a clock [W].
static constexpr Chip a100{.name = "a100",
                           .driverName = "A100",
                           .capability = 80,
                           .multiprocessors = 108,
                           .clock = 1.41e9,
                           .memoryBandwidth = 2.039e12,
                           .copyFraction = copyFraction,
                           .busBandwidth = 32e9,
                           .l2Bytes = int64_t(40) << 20,
                           .l2Bandwidth = 5120 * 1.41e9,
                           .firstLevelBytes = 192 << 10,
                           .sharedBytes = 164 << 10,
                           .threads = 2048,
                           .blocks = 32,
                           .multiplyAdds = 64,
                           .tensorBf16 = 2048,
                           .warpMmaFraction = 1,
                           .memoryLatency = 466,
                           .l2Latency = 262,
                           .firstLevelLatency = 38,
                           .launchSeconds = launchSeconds};

/// SXM5 module. [W], latencies [L]; the clock is the one at which the tensor cores' 989 TFLOPS are
/// stated; L2: 28 bytes a clock for each multiprocessor, as in [C].
static constexpr Chip h100{.name = "h100",
                           .driverName = "H100",
                           .capability = 90,
                           .multiprocessors = 132,
                           .clock = 1.83e9,
                           .memoryBandwidth = 3.35e12,
                           .copyFraction = copyFraction,
                           .busBandwidth = 64e9,
                           .l2Bytes = int64_t(50) << 20,
                           .l2Bandwidth = 132 * 28 * 1.83e9,
                           .firstLevelBytes = 256 << 10,
                           .sharedBytes = 228 << 10,
                           .threads = 2048,
                           .blocks = 32,
                           .multiplyAdds = 128,
                           .tensorBf16 = 4096,
                           .tensorFp8 = 8192,
                           .warpMmaFraction = 0.63,
                           .memoryLatency = 479,
                           .l2Latency = 263,
                           .firstLevelLatency = 41,
                           .launchSeconds = launchSeconds};

/// An H100 with other memory. [W]
static constexpr Chip h200 = [] {
  Chip chip = h100;
  chip.name = "h200";
  chip.driverName = "H200";
  chip.memoryBandwidth = 4.8e12;
  return chip;
}();

/// [W] for memory, tensor cores, shared memory and threads; the clock follows from 2250 TFLOPS.
/// [A]: latencies and bytes of L2 a clock of an H100's multiprocessors, mma.sync at the rate that
/// it has there.
static constexpr Chip b200 = [] {
  Chip chip = h100;
  chip.name = "b200";
  chip.driverName = "B200";
  chip.capability = 100;
  chip.multiprocessors = 148;
  chip.clock = 1.856e9;
  chip.memoryBandwidth = 8e12;
  chip.l2Bytes = int64_t(126) << 20;
  chip.l2Bandwidth = 148 * 28 * 1.856e9;
  chip.tensorBf16 = 8192;
  chip.tensorFp8 = 16384;
  chip.warpMmaFraction = h100.warpMmaFraction / 2;
  return chip;
}();

static constexpr std::array<Chip, 4> table{a100, h100, h200, b200};

const Chip *findChip(std::string_view name) {
  const auto *found = std::ranges::find(table, name, &Chip::name);
  return found == table.end() ? nullptr : found;
}

std::string chipNames() {
  std::string names;
  for (const Chip &chip : table) {
    names += (names.empty() ? "" : ", ") + std::string(chip.name);
  }
  return names;
}

const Chip *chipOfDriver(std::string_view driverName) {
  const auto *found = std::ranges::find_if(table, [driverName](const Chip &chip) {
    return driverName.find(chip.driverName) != driverName.npos;
  });
  return found == table.end() ? nullptr : found;
}

bool runsOn(const GpuVariant &variant, int32_t capability) {
  bool exact = variant.name.ends_with('a');
  return exact ? variant.capability == capability
               : variant.capability / 10 == capability / 10 && variant.capability <= capability;
}

bool canRun(const GpuVariant &variant, int32_t capability) {
  bool plain = !variant.name.ends_with('a');
  return runsOn(variant, capability) || (plain && variant.capability <= capability);
}

std::string architectureFor(std::string_view variant, int32_t capability) {
  const GpuVariant *known = findGpuVariant(variant);
  return known && runsOn(*known, capability) ? std::string(variant)
                                             : "sm_" + std::to_string(capability);
}

const Chip *chipFor(const GpuVariant &variant) {
  const auto *found = std::ranges::find_if(
      table, [&](const Chip &chip) { return runsOn(variant, chip.capability); });
  return found == table.end() ? nullptr : found;
}

} // namespace dsv3::plan
