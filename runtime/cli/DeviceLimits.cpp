//===- DeviceLimits.cpp - what a model's device can do at most ------------===//
#include "runtime/cli/DeviceLimits.h"

#include "dsv3/Plan/Chip.h"
#include "dsv3/Support/Cpus.h"
#include "dsv3/Support/MemoryLimits.h"
#include "runtime/bench/DeviceProbe.h"
#include "runtime/cli/DeviceFlag.h"

#include <fmt/format.h>

#include <algorithm>

namespace dsv3::cli {

/// Memory that is read to measure a machine: many times what caches hold, but no more than a
/// quarter of what is free.
static uint64_t probeBytes(std::optional<uint64_t> available) {
  constexpr uint64_t wanted = uint64_t(1) << 30;
  return std::min(wanted, available.value_or(wanted) / 4) / 4096 * 4096;
}

/// Scores over latent and rotated key, then the latent's weighted sum, for all heads.
double attentionFlops(const checkpoint::ModelConfig &config) {
  return 2.0 * double(config.numHiddenLayers) * double(config.numAttentionHeads) *
         double(2 * config.kvLoraRank + config.qkRopeHeadDim);
}

/// Scores over a key, then the weighted sum of values, for all heads.
double expandedAttentionFlops(const checkpoint::ModelConfig &config) {
  return 2.0 * double(config.numHiddenLayers) * double(config.numAttentionHeads) *
         double(config.qkNopeHeadDim + config.qkRopeHeadDim + config.vHeadDim);
}

static Expected<DeviceLimits> cpuLimits(std::string_view variant, int threads) {
  auto made = runtime::MachineProbe::create(threads > 0 ? threads : usefulThreads(), variant,
                                            probeBytes(availableMemory()));
  if (!made) {
    return made.failure();
  }
  auto probe = std::make_unique<runtime::MachineProbe>(*std::move(made));
  runtime::MachineProbe *cpu = probe.get();
  return DeviceLimits{std::move(probe), cpu, "measured, f32"};
}

/// Operations a second of the fastest units that products under the policy may use, and what they
/// are.
static std::pair<double, std::string_view> peakUnder(std::string_view policy,
                                                     const plan::Chip &chip) {
  if (policy == "f32") {
    return {chip.fmaPeak(), "f32 multiply-adds"};
  }
  if (policy == "w8a8" && chip.tensorFp8 > 0) {
    return {chip.fp8Peak(), "FP8 tensor cores, dense"};
  }
  return {chip.bf16Peak(), "bf16 tensor cores, dense"};
}

Expected<DeviceLimits> deviceLimits(runtime::Device &device, const plan::Plan &plan, size_t variant,
                                    const ModelFlags &flags) {
  std::optional<GpuName> gpu = gpuOf(flags.device);
  if (!gpu) {
    return cpuLimits(plan.variants[variant].name, flags.threads);
  }
  const plan::Chip *chip =
      flags.chip.empty() ? plan::chipOfDriver(device.productName()) : plan::findChip(flags.chip);
  if (!chip) {
    return Failure{"no peak is known for " + std::string(device.productName()), "--device",
                   "name the chip that is most like it: --chip=" + plan::chipNames()};
  }
  auto [peak, units] = peakUnder(plan.policy, *chip);
  std::string ofTable = fmt::format("{}'s peak of {}", chip->name, units);
  if (gpu->simulated) {
    return DeviceLimits{std::make_unique<runtime::TableProbe>(chip->memoryBandwidth, peak), nullptr,
                        std::string(chip->name) + "'s memory interface, " + ofTable};
  }
  auto probe =
      runtime::DeviceProbe::create(device, int64_t(probeBytes(device.availableMemory())), peak);
  if (!probe) {
    return probe.failure();
  }
  return DeviceLimits{*std::move(probe), nullptr, "measured by a copy on the GPU, " + ofTable};
}

} // namespace dsv3::cli
