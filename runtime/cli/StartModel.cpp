//===- StartModel.cpp - weights and a session -----------------------------===//
#include "dsv3/Support/Cpus.h"
#include "dsv3/Support/MemoryLimits.h"
#include "runtime/cli/Interrupt.h"
#include "runtime/cli/MemoryCheck.h"
#include "runtime/cli/Model.h"
#include "runtime/cli/Streams.h"
#include "runtime/cli/Weights.h"
#include "runtime/drivers/cpu/CpuDevice.h"

#include <cstdint>

namespace dsv3::cli {

Expected<std::unique_ptr<RunningModel>> startModel(ModelFiles &files, const ModelFlags &flags) {
  auto model = std::make_unique<RunningModel>();
  const plan::Plan &plan = files.bundle.plan();
  Expected<std::unique_ptr<runtime::Device>> device =
      runtime::createCpuDevice({.threads = flags.threads});
  if (!device) {
    return device.failure();
  }
  model->device = *std::move(device);
  std::string object = files.bundle.objectPath(files.variant).string();
  // Kernels that are damaged should be found before minutes go into weights.
  if (auto sound = model->device->loadObject({object, plan.variants[files.variant].checksum}, {});
      !sound) {
    return sound.failure();
  }
  Expected<std::optional<runtime::FileMapping>> packed = findPacked(files, flags);
  if (!packed) {
    return packed.failure();
  }
  std::optional<uint64_t> available = availableMemory();
  if (available) {
    int threads = flags.threads > 0 ? flags.threads : usefulThreads();
    Expected<std::string> note = checkMemory(plan::memoryNeeds(plan, files.variant), plan.cache,
                                             {.context = files.context,
                                              .threads = threads,
                                              .available = *available,
                                              .mappedWeights = packed->has_value()});
    if (!note) {
      return note.failure();
    }
    if (!note->empty()) {
      say(*note);
    }
  }
  Expected<LoadedWeights> weights =
      loadWeights(files, flags, *std::move(packed), available.value_or(UINT64_MAX));
  if (!weights) {
    return weights.failure();
  }
  model->weights = *std::move(weights);
  const runtime::ParameterStore &store = model->weights->store;
  runtime::ParameterAddresses addresses{
      [&store](int32_t parameter, int64_t layer) { return store.data(size_t(parameter), layer); },
      [&store](int32_t parameter, int64_t layer) {
        return store.scales(size_t(parameter), layer);
      }};
  runtime::SessionOptions options{flags.context, flags.chunk, watchInterrupts()};
  Expected<std::unique_ptr<runtime::Session>> session =
      runtime::Session::create(*model->device, plan, {files.variant, object}, addresses, options);
  if (!session) {
    return session.failure();
  }
  model->session = *std::move(session);
  return model;
}

} // namespace dsv3::cli
