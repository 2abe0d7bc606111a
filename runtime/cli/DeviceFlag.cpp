//===- DeviceFlag.cpp - where a model runs --------------------------------===//
#include "runtime/cli/DeviceFlag.h"

#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/Names.h"
#include "runtime/base/Numa.h"
#include "runtime/bundle/CompileCache.h"
#include "runtime/cli/Interrupt.h"
#include "runtime/cli/Model.h"
#include "runtime/cli/Streams.h"
#include "runtime/drivers/cpu/CpuDevice.h"
#include "runtime/drivers/cuda/CudaDevice.h"
#include "runtime/drivers/sim/SimDevice.h"

#include <charconv>
#include <utility>
#include <vector>

namespace dsv3::cli {

static constexpr std::string_view cpuName = "cpu", gpuName = "cuda", simName = "sim";

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
    return text == cpuName || gpuOf(text)
               ? std::string()
               : "expected cpu, cuda:N or sim, N being a number from 0 on, found '" + text + "'";
  };
  return {check, "cpu|cuda:N|sim"};
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

Expected<std::string> gpuVariant(const runtime::Device &device) {
  std::vector<std::string_view> names;
  for (const plan::GpuVariant &variant : plan::gpuVariants()) {
    names.push_back(variant.name);
  }
  std::optional<size_t> best = device.preferredVariant(names);
  return best ? Expected<std::string>(std::string(names[*best]))
              : Failure{"there is no code for this GPU", "--device",
                        "use the CPU: leave --device out"};
}

} // namespace dsv3::cli
