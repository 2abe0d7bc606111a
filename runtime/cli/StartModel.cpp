//===- StartModel.cpp - weights and a session -----------------------------===//
#include "dsv3/Support/BytesText.h"
#include "dsv3/Support/Cpus.h"
#include "dsv3/Support/MemoryLimits.h"
#include "runtime/base/Progress.h"
#include "runtime/cli/Calibration.h"
#include "runtime/cli/DeviceFlag.h"
#include "runtime/cli/Interrupt.h"
#include "runtime/cli/MemoryCheck.h"
#include "runtime/cli/Model.h"
#include "runtime/cli/Streams.h"
#include "runtime/cli/Weights.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>

namespace dsv3::cli {

/// Fails if the model does not fit the device, or loading it the host; says where not all of the
/// cache does.
static Status checkFits(const ModelFiles &files, const ModelFlags &flags, bool mappedWeights) {
  std::optional<uint64_t> onDevice = files.device->availableMemory(), onHost = availableMemory();
  const plan::Plan &plan = files.bundle.plan();
  plan::MemoryNeeds needs = plan::memoryNeeds(plan, files.variant);
  if (onDevice) {
    bool expertsOnHost = keepsExpertsOnHost(flags);
    uint64_t passing = mappedWeights ? 0
                       : flags.keepPacked
                           ? needs.weights
                           : runtime::mostBytesUnderWay(plan, files.variant, expertsOnHost);
    if (Status fits = onHost ? checkHostMemory(needs, {*onHost, expertsOnHost, passing}) : Status();
        !fits) {
      return fits;
    }
    needs.weights -= expertsOnHost ? needs.experts : 0;
  }
  std::optional<uint64_t> available = onDevice ? onDevice : onHost;
  if (!available) {
    return {};
  }
  int threads = flags.threads > 0 ? flags.threads : usefulThreads();
  uint64_t inPlace = files.checkpoint ? plan::inPlaceBytes(plan, files.variant) : 0;
  uint64_t packed = mappedWeights ? plan::weightBytes(plan, files.variant) : 0;
  Expected<std::string> note = checkMemory(needs, plan.cache,
                                           {.context = files.context,
                                            .threads = threads,
                                            .available = *available,
                                            .mappedBytes = onDevice ? 0 : inPlace + packed});
  if (!note) {
    return note.status();
  }
  if (!note->empty()) {
    say(*note);
  }
  return {};
}

/// Copies weights that are in memory to the device, in pieces.
static Status upload(runtime::Device &device, runtime::Buffer &to,
                     std::span<const std::byte> weights) {
  constexpr size_t pieceBytes = size_t(64) << 20;
  runtime::Progress progress("copying weights to the device", stderr);
  const std::atomic<bool> *cancel = watchInterrupts();
  for (size_t at = 0; at < weights.size(); at += pieceBytes) {
    if (cancel->load()) {
      return Failure{"interrupted"};
    }
    auto piece = weights.subspan(at, std::min(pieceBytes, weights.size() - at));
    if (Status copied = device.upload(to, int64_t(at), piece); !copied) {
      return copied;
    }
    progress.update(at + piece.size(), weights.size());
  }
  return {};
}

/// Where the weights are: those of routed experts from `experts` on, the others from `others` on.
static runtime::ParameterAddresses addressesOf(const runtime::ParameterOffsets &places,
                                               const std::byte *others, const std::byte *experts) {
  return {[&places, others, experts](int32_t parameter, int64_t layer) -> const void * {
            return places.data(size_t(parameter), layer).in(others, experts);
          },
          [&places, others, experts](int32_t parameter, int64_t layer) -> const void * {
            auto at = places.scales(size_t(parameter), layer);
            return at ? at->in(others, experts) : nullptr;
          }};
}

/// Where the weights are that the CPU reads.
static runtime::ParameterAddresses addressesOf(const runtime::ParameterStore &store) {
  return {[&store](int32_t parameter, int64_t layer) -> const void * {
            return store.data(size_t(parameter), layer);
          },
          [&store](int32_t parameter, int64_t layer) -> const void * {
            return store.scales(size_t(parameter), layer);
          }};
}

/// Where the weights are that a device with memory of its own reads.
static runtime::ParameterAddresses addressesOf(const RunningModel &model) {
  const runtime::ParameterOffsets &places = model.weights->store.places();
  const auto *others = static_cast<const std::byte *>(model.deviceWeights->address());
  const std::byte *experts = others + places.othersBytes();
  if (model.hostExperts) {
    experts = static_cast<const std::byte *>(model.hostExperts->address());
    say(bytesText(uint64_t(model.deviceWeights->bytes())) + " of weights on the device, " +
        bytesText(uint64_t(model.hostExperts->bytes())) + " of routed experts on the host");
  }
  return addressesOf(places, others, experts);
}

/// Weights that are worth a word about their pages.
static constexpr uint64_t largeBytes = uint64_t(256) << 20;

/// Says what large weights are read in place, and whether others lie in huge pages.
static void sayPages(const ModelFiles &files, const LoadedWeights &weights) {
  uint64_t inPlace = plan::inPlaceBytes(files.bundle.plan(), files.variant);
  if (files.checkpoint && inPlace >= largeBytes) {
    say(bytesText(inPlace) + " of weights are read where the checkpoint has them");
  }
  std::span<const std::byte> bytes = weights.store.bytes();
  if (bytes.size() < largeBytes) {
    return;
  }
  uint64_t share = (100 * weights.store.hugeBytes() + bytes.size() / 2) / bytes.size();
  std::string text =
      bytesText(bytes.size()) + " of weights, " + std::to_string(share) + " % in huge pages";
  if (share < 50 && weights.origin != WeightOrigin::Mapped) {
    text += ": the system gave no more; /sys/kernel/mm/transparent_hugepage/enabled should say "
            "[madvise] or [always]";
  }
  say(text);
}

/// Fails if the kernels are damaged or nothing here compiles them.
static Status checkKernels(const ModelFiles &files) {
  const plan::Plan &plan = files.bundle.plan();
  std::vector<std::string> symbols;
  symbols.reserve(plan.kernels.size());
  for (const plan::Kernel &kernel : plan.kernels) {
    symbols.push_back(kernel.symbol);
  }
  std::string object = files.bundle.objectPath(files.variant).string();
  return files.device->loadObject({object, plan.variants[files.variant].checksum}, symbols)
      .status();
}

/// Memory for the weights where they are used, if that is not where they are packed: of those of
/// routed experts that stay on the host, and of the others on the device.
static Status reserve(const ModelFiles &files, const ModelFlags &flags, RunningModel &model,
                      WeightMemory &memory) {
  const plan::Plan &plan = files.bundle.plan();
  uint64_t stay = keepsExpertsOnHost(flags) ? plan::expertBytes(plan, files.variant) : 0;
  if (stay > 0) {
    auto reserved = model.device->allocateMapped(int64_t(stay), "the weights of routed experts");
    if (!reserved) {
      return reserved.failure();
    }
    model.hostExperts = *std::move(reserved);
    memory.experts = {model.hostExperts->hostAddress(), size_t(stay)};
  }
  auto bytes = int64_t(plan::weightBytes(plan, files.variant) - stay);
  auto reserved = model.device->allocate(bytes, "the weights");
  if (!reserved) {
    return reserved.failure();
  }
  model.deviceWeights = *std::move(reserved);
  runtime::ParameterOffsets places(plan, files.variant);
  memory.take = [&model, others = places.othersBytes()](runtime::WeightPlace place,
                                                        std::span<const std::byte> weights) {
    uint64_t offset = place.offset + (place.ofExperts ? others : 0);
    return model.device->upload(*model.deviceWeights, int64_t(offset), weights);
  };
  return {};
}

/// Loads the weights to where the model's device reads them.
static Status fetchWeights(ModelFiles &files, const ModelFlags &flags, RunningModel &model) {
  Expected<std::optional<runtime::FileMapping>> packed = findPacked(files, flags);
  if (!packed) {
    return packed.failure();
  }
  bool mapped = packed->has_value(), elsewhere = gpuOf(flags.device).has_value();
  if (Status fits = checkFits(files, flags, mapped); !fits) {
    return fits;
  }
  model.device = std::move(files.device);
  WeightMemory memory{availableMemory().value_or(UINT64_MAX)};
  if (Status reserved = elsewhere ? reserve(files, flags, model, memory) : Status(); !reserved) {
    return reserved;
  }
  Expected<LoadedWeights> weights = loadWeights(files, flags, *std::move(packed), memory);
  if (!weights) {
    return weights.failure();
  }
  if (!elsewhere) {
    sayPages(files, *weights);
  }
  model.weights = *std::move(weights);
  bool stayed = elsewhere && !model.weights->taken;
  return stayed ? upload(*model.device, *model.deviceWeights, model.weights->store.bytes())
                : Status();
}

Expected<std::unique_ptr<RunningModel>> startModel(ModelFiles &files, const ModelFlags &flags) {
  // Kernels that fail should be found before minutes go into weights.
  if (Status sound = checkKernels(files); !sound) {
    return sound;
  }
  if (Status sensible = flags.calibration.empty() ? Status() : checkCalibration(files, flags);
      !sensible) {
    return sensible;
  }
  auto model = std::make_unique<RunningModel>();
  if (Status fetched = fetchWeights(files, flags, *model); !fetched) {
    return fetched;
  }
  bool elsewhere = model->deviceWeights != nullptr;
  runtime::ParameterAddresses addresses =
      elsewhere ? addressesOf(*model) : addressesOf(model->weights->store);
  runtime::SessionOptions options{flags.context, flags.chunk, watchInterrupts()};
  Expected<std::unique_ptr<runtime::Session>> session = runtime::Session::create(
      *model->device, files.bundle.plan(),
      {files.variant, files.bundle.objectPath(files.variant).string()}, addresses, options);
  if (!session) {
    return session.failure();
  }
  model->session = *std::move(session);
  if (elsewhere) {
    model->weights.reset(); // all addresses are resolved
  }
  return model;
}

} // namespace dsv3::cli
