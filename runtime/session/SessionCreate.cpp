//===- SessionCreate.cpp - all that is done before the first step ---------===//
//
// Allocates what the plan asks for and prepares every entry.
//
//===----------------------------------------------------------------------===//

#include "runtime/session/Session.h"

#include "dsv3/Plan/MemoryNeeds.h"
#include "dsv3/Plan/Names.h"
#include "runtime/session/ContextRoom.h"

#include <algorithm>
#include <numeric>

using namespace dsv3;
using namespace dsv3::runtime;

Session::Session(Device &device, const plan::Plan &plan, StepBuffers buffers)
    : device(device), model(&plan), buffers(std::move(buffers)), stepSizes(plan.sizes.size(), 1) {}

Expected<std::unique_ptr<Session>> Session::create(Device &device, const plan::Plan &plan,
                                                   const SessionKernels &kernels,
                                                   const ParameterAddresses &parameters,
                                                   const SessionOptions &options) {
  Expected<StepBuffers> buffers = StepBuffers::create(device, plan);
  if (!buffers) {
    return buffers.failure();
  }
  std::unique_ptr<Session> session(new Session(device, plan, std::move(*buffers)));
  if (Status status = session->applyOptions(options); !status) {
    return status;
  }
  if (Status status = session->allocate(); !status) {
    return status;
  }
  if (Status status = session->prepare(kernels, parameters); !status) {
    return status;
  }
  return session;
}

Status Session::applyOptions(const SessionOptions &options) {
  int64_t most = model->cache.maxContext;
  if (options.context < 0 || options.context > most) {
    return Failure{"expected a context of 1 to " + std::to_string(most) + " tokens, found " +
                       std::to_string(options.context),
                   "--context", ContextRoom{most, most, std::nullopt}.hint("give less")};
  }
  if (options.chunk < 0) {
    return Failure{"expected a chunk of 1 or more tokens, found " + std::to_string(options.chunk),
                   "--chunk"};
  }
  contextTokens = options.context == 0 ? most : options.context;
  cancel = options.cancel;
  int64_t mostOfSteps = 0; // the MTP module, whose tokens nobody chooses, may admit more
  for (const plan::Entry &entry : model->entries) {
    chunk = std::max(chunk, entry.maxTokens);
    mostOfSteps = std::max(mostOfSteps, entry.role == plan::roleStep ? entry.maxTokens : 0);
  }
  numbers.resize(size_t(chunk));
  samplingRows.resize(size_t(mostOfSteps));
  chunk = options.chunk == 0 ? chunk : std::min(chunk, options.chunk);
  return {};
}

Status Session::allocate() {
  const plan::Cache &geometry = model->cache;
  int64_t cacheBytes = geometry.pagesFor(contextTokens) * geometry.pageBytes();
  cacheLayerBytes = cacheBytes / geometry.layers;
  auto make = [&](std::unique_ptr<Buffer> &buffer, int64_t bytes, const char *what) -> Status {
    auto made = device.allocate(bytes, what);
    if (!made) {
      return made.status();
    }
    buffer = std::move(*made);
    return {};
  };
  if (Status status = make(arena, int64_t(plan::arenaBytes(*model)), "the arena of a step");
      !status) {
    return status;
  }
  if (Status status = make(cache, cacheBytes, "the latent cache"); !status) {
    return status;
  }
  device.forget(*cache);
  int64_t entries = geometry.maxRequests * geometry.maxPagesPerRequest();
  if (Status status = make(pageTable, entries * int64_t(sizeof(int32_t)), "the page table");
      !status) {
    return status;
  }
  return fillPageTable();
}

/// The only request, number 0, has all pages, in order. What lies behind them in
/// the table stays 0, so that every entry is a page that exists.
Status Session::fillPageTable() {
  constexpr int64_t block = 1024;
  std::vector<int32_t> pages(block);
  int64_t count = model->cache.pagesFor(contextTokens);
  for (int64_t first = 0; first < count; first += block) {
    std::iota(pages.begin(), pages.end(), int32_t(first));
    auto part = std::span(pages).first(size_t(std::min(block, count - first)));
    Status status =
        device.upload(*pageTable, first * int64_t(sizeof(int32_t)), std::as_bytes(part));
    if (!status) {
      return status;
    }
  }
  return {};
}

static bool has(const std::vector<plan::Port> &ports, std::string_view name) {
  return std::ranges::find(ports, name, &plan::Port::name) != ports.end();
}

/// That the sizes and ports hold what append gives them.
Status Session::checkEntry(const plan::Entry &entry) const {
  StepSizes sizes = buffers.sizes();
  int64_t admitted =
      std::min(entry.maxima[size_t(sizes.tokens)], entry.maxima[size_t(sizes.outputs)]);
  if (admitted < entry.maxTokens) {
    return Failure{"expected sizes for steps of " + std::to_string(entry.maxTokens) +
                       " tokens, found a maximum of " + std::to_string(admitted),
                   "entry '" + entry.name + "'"};
  }
  bool isMtp = entry.role == plan::roleMtp;
  if (!has(entry.inputs, plan::portIds) || !has(entry.outputs, plan::portLogits) ||
      !(isMtp ? has(entry.inputs, plan::portHidden)
              : has(entry.inputs, plan::portSampling) && has(entry.outputs, plan::portTokens))) {
    return Failure{"expected ports for ids and logits, for hidden in an MTP module, and for "
                   "sampling and tokens elsewhere",
                   "entry '" + entry.name + "'"};
  }
  return {};
}

Status Session::prepare(const SessionKernels &kernels, const ParameterAddresses &parameters) {
  std::vector<std::string> symbols;
  for (const plan::Kernel &kernel : model->kernels) {
    symbols.push_back(kernel.symbol);
  }
  auto loaded =
      device.loadObject({kernels.objectPath, model->variants[kernels.variant].checksum}, symbols);
  if (!loaded) {
    return loaded.status();
  }
  object = std::move(*loaded);
  for (const plan::Entry &entry : model->entries) {
    if (entry.role != plan::roleStep && entry.role != plan::roleMtp) {
      return Failure{"expected the role step or mtp, found '" + entry.role + "'",
                     "entry '" + entry.name + "'"};
    }
    if (Status status = checkEntry(entry); !status) {
      return status;
    }
    std::vector<Address> inputs = buffers.inputsOf(entry), outputs = buffers.outputsOf(entry);
    EntryAddresses addresses{arena->address(), inputs,          outputs,
                             cache->address(), cacheLayerBytes, pageTable->address(),
                             parameters};
    Expected<Program> resolved = resolve(*model, entry, kernels.variant, addresses);
    if (!resolved) {
      return resolved.status();
    }
    auto executable = device.prepare(*resolved, *object);
    if (!executable) {
      return executable.status();
    }
    Role &role = entry.role == plan::roleStep ? steps : mtp;
    role.ranges.push_back({entry.minTokens, entry.maxTokens});
    role.prepared.push_back({&entry, std::move(*executable), has(entry.outputs, plan::portNormed)});
  }
  return steps.prepared.empty()
             ? Status(Failure{"expected an entry of the role step, found none", "plan"})
             : Status();
}
