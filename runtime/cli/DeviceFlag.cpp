//===- DeviceFlag.cpp - where a model runs --------------------------------===//
#include "runtime/cli/DeviceFlag.h"

#include "dsv3/Plan/Chip.h"
#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/Names.h"
#include "dsv3/Support/Cpus.h"
#include "runtime/base/Numa.h"
#include "runtime/bundle/CompileCache.h"
#include "runtime/cli/Interrupt.h"
#include "runtime/cli/Model.h"
#include "runtime/cli/Streams.h"
#include "runtime/drivers/cpu/CpuDevice.h"
#include "runtime/drivers/cuda/CudaDevice.h"
#include "runtime/drivers/sim/SimDevice.h"
#include "runtime/jit/Nvrtc.h"

#include <CLI/CLI.hpp>

#include <charconv>
#include <utility>
#include <vector>

namespace dsv3::cli {

static constexpr std::string_view cpuName = "cpu", gpuName = "cuda", simName = "sim",
                                  autoName = "auto";

std::optional<GpuName> gpuOf(std::string_view text) {
  GpuName name{text.starts_with(simName), 0};
  if (!name.simulated && !text.starts_with(gpuName)) {
    return std::nullopt;
  }
  text.remove_prefix((name.simulated ? simName : gpuName).size());
  if (text.empty()) {
    return name;
  }
  name.number = -1;
  auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), name.number);
  bool whole = text[0] == ':' && error == std::errc() && end == text.data() + text.size();
  return whole && name.number >= 0 ? std::optional(name) : std::nullopt;
}

CLI::Validator deviceNames() {
  auto check = [](std::string &text) {
    return text == cpuName || text == autoName || gpuOf(text)
               ? std::string()
               : "expected cpu, cuda:N, sim or auto, N being a number from 0 on, found '" + text +
                     "'";
  };
  return {check, "cpu|cuda:N|sim|auto"};
}

CLI::Validator deviceInPlaceOfAuto() {
  auto replace = [](std::string &text) {
    if (text == autoName) {
      Status usable = runtime::createCudaDevice(0, {}).status();
      usable = usable ? runtime::Nvrtc::load().status() : usable;
      if (!usable) {
        say("note: the model runs on the CPU: " + usable.failure().message());
      }
      text = usable ? gpuName : cpuName;
    }
    return std::string();
  };
  return {replace, ""};
}

/// That is predicted where none is named.
static constexpr const char *defaultChip = "h100";

void addChipFlag(CLI::App &command, ModelFlags &flags) {
  auto known = [](std::string &name) {
    return plan::findChip(name) ? std::string()
                                : "expected " + plan::chipNames() + ", found '" + name + "'";
  };
  command
      .add_option(
          "--chip", flags.chip,
          "with --device=sim: the GPU whose times are predicted [" + std::string(defaultChip) +
              "]; with cuda:N:\nwhose peak is compared with [the one that the driver names]")
      ->check(CLI::Validator(known, plan::chipNames()));
}

Status chooseChip(ModelFlags &flags) {
  std::optional<GpuName> gpu = gpuOf(flags.device);
  if (!gpu && !flags.chip.empty()) {
    return Failure{"it names an NVIDIA GPU, and this is about a CPU", "--chip " + flags.chip,
                   "give --device=sim or cuda:N too"};
  }
  if (gpu && gpu->simulated) {
    if (flags.simCheck) {
      return Failure{"times are predicted without checks", "--sim-check",
                     "leave it out; generate and score check"};
    }
    flags.chip = flags.chip.empty() ? defaultChip : flags.chip;
  }
  return {};
}

bool isSimulated(const ModelFlags &flags) {
  std::optional<GpuName> gpu = gpuOf(flags.device);
  return gpu && gpu->simulated;
}

std::string deviceText(const runtime::Device &device, const ModelFlags &flags) {
  int threads = flags.threads > 0 ? flags.threads : usefulThreads();
  return gpuOf(flags.device)
             ? std::string(device.productName())
             : std::string(device.name()) + ", " + std::to_string(threads) + " threads";
}

static Expected<std::unique_ptr<runtime::Device>>
simulatedDevice(const ModelFlags &flags, int number,
                const runtime::KernelCompilerOptions &compiling) {
  if (number != 0) {
    return Failure{"expected the simulated GPU sim or sim:0, found sim:" + std::to_string(number),
                   "--device", "there is one: a model runs on one device"};
  }
  runtime::SimOptions options;
  options.threads = flags.threads;
  options.seed = flags.simSeed;
  options.check = flags.simCheck;
  options.chip = flags.chip.empty() ? nullptr : plan::findChip(flags.chip);
  options.registers = options.chip != nullptr;
  options.compiling = compiling;
  options.cancel = watchInterrupts();
  return runtime::createSimDevice(options);
}

Expected<std::unique_ptr<runtime::Device>> createDevice(const ModelFlags &flags) {
  std::optional<GpuName> gpu = gpuOf(flags.device);
  // The validator of the flag has seen it.
  runtime::NumaMode mode = *runtime::numaModeFromName(flags.numa);
  if (!gpu) {
    runtime::NumaPlacement placement = runtime::placeOnNodes(mode, runtime::numaNodes());
    if (!placement.note.empty()) {
      say(placement.note);
    }
    bool pin = !placement.cpus.empty();
    return runtime::createCpuDevice(
        {.threads = flags.threads, .pin = pin, .cpus = std::move(placement.cpus)});
  }
  if (mode != runtime::NumaMode::None) {
    return Failure{"--numa places the threads that compute on CPUs, not those of a GPU", "--numa",
                   "leave --numa or --device out"};
  }
  runtime::KernelCompilerOptions options;
  if (auto directory = runtime::compileCacheDirectory()) {
    options.cache = *directory / plan::cubinFolderName;
  }
  options.threads = flags.threads;
  options.cancel = watchInterrupts();
  options.say = [](const std::string &text) { say(text); };
  return gpu->simulated ? simulatedDevice(flags, gpu->number, options)
                        : runtime::createCudaDevice(gpu->number, options);
}

Expected<std::string> gpuVariant(const runtime::Device &device, std::string_view policy) {
  bool codes = policy == "w8a8";
  std::vector<std::string_view> names, all;
  std::string known;
  for (const plan::GpuVariant &variant : plan::gpuVariants()) {
    all.push_back(variant.name);
    if (!codes || variant.hasFp8()) {
      names.push_back(variant.name);
      known += (known.empty() ? "" : ", ") + std::string(variant.name);
    }
  }
  if (std::optional<size_t> best = device.preferredVariant(names)) {
    return std::string(names[*best]);
  }
  if (codes && device.preferredVariant(all)) {
    return Failure{"policy w8a8 has code for GPUs with FP8 (" + known + "), which this one is not",
                   "--policy", "give --policy=bf16"};
  }
  return Failure{"there is no code for this GPU", "--device", "use the CPU: leave --device out"};
}

} // namespace dsv3::cli
