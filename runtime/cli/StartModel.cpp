//===- StartModel.cpp - weights and a session -----------------------------===//
#include "dsv3/Support/BytesText.h"
#include "dsv3/Support/Cpus.h"
#include "dsv3/Support/MemoryLimits.h"
#include "runtime/base/Memory.h"
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

/// Fails if the model does not fit the device; says where not all of the cache does.
static Status checkFits(const ModelFiles &files, const ModelFlags &flags, bool mappedWeights) {
  std::optional<uint64_t> onDevice = files.device->availableMemory();
  std::optional<uint64_t> available = onDevice ? onDevice : availableMemory();
  if (!available) {
    return {};
  }
  const plan::Plan &plan = files.bundle.plan();
  int threads = flags.threads > 0 ? flags.threads : usefulThreads();
  Expected<std::string> note = checkMemory(plan::memoryNeeds(plan, files.variant), plan.cache,
                                           {.context = files.context,
                                            .threads = threads,
                                            .available = *available,
                                            .mappedWeights = mappedWeights && !onDevice});
  if (!note) {
    return note.status();
  }
  if (!note->empty()) {
    say(*note);
  }
  return {};
}

/// Copies the weights to the device, in pieces.
static Expected<std::unique_ptr<runtime::Buffer>> upload(runtime::Device &device,
                                                         std::span<const std::byte> weights) {
  constexpr size_t pieceBytes = size_t(64) << 20;
  auto buffer = device.allocate(int64_t(weights.size()), "the weights");
  if (!buffer) {
    return buffer.failure();
  }
  runtime::Progress progress("copying weights to the device", stderr);
  const std::atomic<bool> *cancel = watchInterrupts();
  for (size_t at = 0; at < weights.size(); at += pieceBytes) {
    if (cancel->load()) {
      return Failure{"interrupted"};
    }
    auto piece = weights.subspan(at, std::min(pieceBytes, weights.size() - at));
    if (Status copied = device.upload(**buffer, int64_t(at), piece); !copied) {
      return copied;
    }
    progress.update(at + piece.size(), weights.size());
  }
  return buffer;
}

/// Where the weights are: at `base`, as in the store.
static runtime::ParameterAddresses addressesIn(const runtime::ParameterStore &store,
                                               const std::byte *base) {
  auto moved = [&store, base](const void *at) -> const void * {
    return at ? base + (static_cast<const std::byte *>(at) - store.bytes().data()) : nullptr;
  };
  return {[&store, moved](int32_t parameter, int64_t layer) {
            return moved(store.data(size_t(parameter), layer));
          },
          [&store, moved](int32_t parameter, int64_t layer) {
            return moved(store.scales(size_t(parameter), layer));
          }};
}

/// Weights that are worth a word about their pages.
static constexpr uint64_t largeBytes = uint64_t(256) << 20;

/// Says whether large weights lie in huge pages.
static void sayPages(const LoadedWeights &weights) {
  std::span<const std::byte> bytes = weights.store.bytes();
  if (bytes.size() < largeBytes) {
    return;
  }
  uint64_t share = (100 * runtime::hugePageBytes(bytes) + bytes.size() / 2) / bytes.size();
  std::string text =
      bytesText(bytes.size()) + " of weights, " + std::to_string(share) + " % in huge pages";
  if (share < 50 && weights.origin != WeightOrigin::Mapped) {
    text += ": the system gave no more; /sys/kernel/mm/transparent_hugepage/enabled should say "
            "[madvise] or [always]";
  }
  say(text);
}

Expected<std::unique_ptr<RunningModel>> startModel(ModelFiles &files, const ModelFlags &flags) {
  auto model = std::make_unique<RunningModel>();
  const plan::Plan &plan = files.bundle.plan();
  std::string object = files.bundle.objectPath(files.variant).string();
  // Kernels that are damaged, or that nothing here compiles, should be found before minutes go
  // into weights.
  std::vector<std::string> symbols;
  symbols.reserve(plan.kernels.size());
  for (const plan::Kernel &kernel : plan.kernels) {
    symbols.push_back(kernel.symbol);
  }
  if (auto sound =
          files.device->loadObject({object, plan.variants[files.variant].checksum}, symbols);
      !sound) {
    return sound.failure();
  }
  if (Status sensible = flags.calibration.empty() ? Status() : checkCalibration(files, flags);
      !sensible) {
    return sensible;
  }
  Expected<std::optional<runtime::FileMapping>> packed = findPacked(files, flags);
  if (!packed) {
    return packed.failure();
  }
  if (Status fits = checkFits(files, flags, packed->has_value()); !fits) {
    return fits;
  }
  Expected<LoadedWeights> weights =
      loadWeights(files, flags, *std::move(packed), availableMemory().value_or(UINT64_MAX));
  if (!weights) {
    return weights.failure();
  }
  sayPages(*weights);
  model->device = std::move(files.device);
  model->weights = *std::move(weights);
  const runtime::ParameterStore &store = model->weights->store;
  const std::byte *base = store.bytes().data();
  bool elsewhere = gpuOf(flags.device).has_value();
  if (elsewhere) {
    auto copied = upload(*model->device, store.bytes());
    if (!copied) {
      return copied.failure();
    }
    model->deviceWeights = *std::move(copied);
    base = static_cast<const std::byte *>(model->deviceWeights->address());
  }
  runtime::SessionOptions options{flags.context, flags.chunk, watchInterrupts()};
  Expected<std::unique_ptr<runtime::Session>> session = runtime::Session::create(
      *model->device, plan, {files.variant, object}, addressesIn(store, base), options);
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
