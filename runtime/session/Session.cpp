//===- Session.cpp - a model in the middle of a text ----------------------===//

#include "runtime/session/Session.h"

#include <algorithm>
#include <numeric>

using namespace dsv3;
using namespace dsv3::runtime;

static std::string number(int64_t value) { return std::to_string(value); }

Session::Session(Device &device, const plan::Plan &plan, StepBuffers buffers)
    : device(device), program(&plan), buffers(std::move(buffers)), stepSizes(plan.sizes.size(), 1) {
}

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
  int64_t most = program->cache.maxContext;
  if (options.context < 0 || options.context > most) {
    return Failure{"expected a context of 1 to " + number(most) + " tokens, found " +
                       number(options.context),
                   "--context", "compile with a larger --context"};
  }
  if (options.chunk < 0) {
    return Failure{"expected a chunk of 1 or more tokens, found " + number(options.chunk),
                   "--chunk"};
  }
  contextTokens = options.context == 0 ? most : options.context;
  cancel = options.cancel;
  for (const plan::Entry &entry : program->entries) {
    chunk = std::max(chunk, entry.maxTokens);
  }
  numbers.resize(size_t(chunk));
  chunk = options.chunk == 0 ? chunk : std::min(chunk, options.chunk);
  return {};
}

Status Session::allocate() {
  const plan::Cache &geometry = program->cache;
  int64_t pages = (contextTokens + geometry.pageTokens - 1) / geometry.pageTokens;
  cacheLayerBytes = pages * geometry.pageTokens * (geometry.latent + geometry.rope) *
                    int64_t(byteSize(geometry.type));
  int64_t arenaBytes = 0;
  for (const plan::Entry &entry : program->entries) {
    arenaBytes = std::max(arenaBytes, entry.arenaBytes);
  }
  auto make = [&](std::unique_ptr<Buffer> &buffer, int64_t bytes, const char *what) -> Status {
    auto made = device.allocate(bytes, what);
    if (!made) {
      return made.status();
    }
    buffer = std::move(*made);
    return {};
  };
  if (Status status = make(arena, arenaBytes, "the arena of a step"); !status) {
    return status;
  }
  if (Status status = make(cache, cacheLayerBytes * geometry.layers, "the latent cache"); !status) {
    return status;
  }
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
  int64_t count = (contextTokens + program->cache.pageTokens - 1) / program->cache.pageTokens;
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

/// That the sizes and ports hold what append gives them.
Status Session::checkEntry(const plan::Entry &entry) const {
  StepSizes sizes = buffers.sizes();
  int64_t admitted =
      std::min(entry.maxima[size_t(sizes.tokens)], entry.maxima[size_t(sizes.outputs)]);
  if (admitted < entry.maxTokens) {
    return Failure{"expected sizes for steps of " + number(entry.maxTokens) +
                       " tokens, found a maximum of " + number(admitted),
                   "entry '" + entry.name + "'"};
  }
  auto has = [](const std::vector<plan::Port> &ports, std::string_view name) {
    return std::ranges::find(ports, name, &plan::Port::name) != ports.end();
  };
  if (!has(entry.inputs, "ids") || !has(entry.outputs, "logits") ||
      (entry.role == "mtp" && !has(entry.inputs, "hidden"))) {
    return Failure{"expected ports for ids and logits, and for hidden in an MTP module",
                   "entry '" + entry.name + "'"};
  }
  return {};
}

Status Session::prepare(const SessionKernels &kernels, const ParameterAddresses &parameters) {
  std::vector<std::string> symbols;
  for (const plan::Kernel &kernel : program->kernels) {
    symbols.push_back(kernel.symbol);
  }
  auto loaded =
      device.loadObject({kernels.objectPath, program->variants[kernels.variant].checksum}, symbols);
  if (!loaded) {
    return loaded.status();
  }
  object = std::move(*loaded);
  for (const plan::Entry &entry : program->entries) {
    if (entry.role != "step" && entry.role != "mtp") {
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
    Expected<Program> resolved = resolve(*program, entry, kernels.variant, addresses);
    if (!resolved) {
      return resolved.status();
    }
    auto executable = device.prepare(*resolved, *object);
    if (!executable) {
      return executable.status();
    }
    (entry.role == "step" ? steps : mtp).push_back({&entry, std::move(*executable)});
  }
  return steps.empty() ? Status(Failure{"expected an entry of the role step, found none", "plan"})
                       : Status();
}

Status Session::checkAppend(std::span<const int32_t> ids, int64_t end) const {
  if (end > contextTokens) {
    bool longest = contextTokens == program->cache.maxContext;
    return Failure{"expected at most " + number(contextTokens) + " tokens of context, found " +
                       number(end),
                   "",
                   longest ? "compile with a larger --context"
                           : "--context may be up to " + number(program->cache.maxContext)};
  }
  for (int32_t id : ids) {
    if (id < 0 || id >= program->vocabSize) {
      return Failure{"expected ids from 0 to " + number(program->vocabSize - 1) + ", found " +
                     number(id)};
    }
  }
  return {};
}

Expected<std::pair<Session::Prepared *, int64_t>> Session::choose(std::vector<Prepared> &role,
                                                                  int64_t wanted) {
  Prepared *largest = nullptr;
  for (Prepared &prepared : role) {
    const plan::Entry &entry = *prepared.entry;
    if (entry.minTokens <= wanted && wanted <= entry.maxTokens) {
      return std::pair(&prepared, wanted);
    }
    if (entry.maxTokens < wanted && (!largest || entry.maxTokens > largest->entry->maxTokens)) {
      largest = &prepared;
    }
  }
  if (!largest) {
    return Failure{"no entry of the plan admits a step of " + number(wanted) + " tokens", "",
                   "try another --chunk"};
  }
  return std::pair(largest, largest->entry->maxTokens);
}

Status Session::feed(std::vector<Prepared> &role, std::span<const int32_t> ids,
                     std::span<const float> hidden, int64_t &position, OutputRows rows,
                     Observer *observer) {
  auto columns = size_t(program->hiddenSize);
  while (!ids.empty()) {
    if (cancelled()) {
      return Failure{"interrupted"};
    }
    auto chosen = choose(role, std::min(chunk, int64_t(ids.size())));
    if (!chosen) {
      return chosen.status();
    }
    auto [prepared, count] = *chosen;
    if (!hidden.empty()) {
      auto part = hidden.first(size_t(count) * columns);
      if (Status status = buffers.upload(InputPort::Hidden, std::as_bytes(part)); !status) {
        return status;
      }
      hidden = hidden.subspan(part.size());
    }
    Status status = step(*prepared, ids.first(size_t(count)), position, rows, observer);
    if (!status) {
      return status;
    }
    position += count;
    ids = ids.subspan(size_t(count));
    if (observer) {
      observer->outputs(lastOutputs);
    }
  }
  return {};
}

namespace {

/// Gives a device's observations names and shapes.
class NamedObservations final : public ObservationSink {
public:
  NamedObservations(const plan::Entry &entry, std::span<const int64_t> sizes, int64_t position,
                    Observer &observer)
      : entry(entry), sizes(sizes), position(position), observer(observer) {}

  void observed(int32_t observation, int64_t layer, const void *data) override {
    const plan::Observation &known = entry.observations[size_t(observation)];
    observer.value(
        {known.name, layer, known.type, position, sizes[size_t(known.size)], known.columns, data});
  }

private:
  const plan::Entry &entry;
  std::span<const int64_t> sizes;
  int64_t position;
  Observer &observer;
};

} // namespace

Status Session::step(Prepared &prepared, std::span<const int32_t> ids, int64_t position,
                     OutputRows rows, Observer *observer) {
  auto count = int64_t(ids.size());
  int64_t firstRow = rows == OutputRows::All ? 0 : count - 1;
  int64_t outputRows = count - firstRow;
  auto uploadFrom = [&](InputPort port, int64_t first, int64_t length) {
    auto part = std::span(numbers).first(size_t(length));
    std::iota(part.begin(), part.end(), int32_t(first));
    return buffers.upload(port, std::as_bytes(part));
  };
  // The port `requests` stays 0, as it was allocated.
  if (Status status = buffers.upload(InputPort::Ids, std::as_bytes(ids)); !status) {
    return status;
  }
  if (Status status = uploadFrom(InputPort::Positions, position, count); !status) {
    return status;
  }
  if (Status status = uploadFrom(InputPort::Rows, firstRow, outputRows); !status) {
    return status;
  }
  stepSizes[size_t(buffers.sizes().tokens)] = count;
  stepSizes[size_t(buffers.sizes().outputs)] = outputRows;
  Status status;
  if (observer && observer->wantsValues()) {
    NamedObservations sink(*prepared.entry, stepSizes, position, *observer);
    status = device.run(*prepared.executable, stepSizes, &sink);
  } else {
    status = device.run(*prepared.executable, stepSizes, nullptr);
  }
  if (!status) {
    return status;
  }
  auto logits = buffers.read(OutputPort::Logits, outputRows * program->vocabSize);
  auto normed = buffers.read(OutputPort::Normed, outputRows * program->hiddenSize);
  if (!logits || !normed) {
    return logits ? normed.status() : logits.status();
  }
  lastOutputs.position = position + firstRow;
  lastOutputs.rows = outputRows;
  lastOutputs.logits = *logits;
  lastOutputs.normed = *normed;
  return {};
}

Status Session::append(std::span<const int32_t> ids, OutputRows rows, Observer *observer) {
  if (Status status = checkAppend(ids, tokens + int64_t(ids.size())); !status) {
    return status;
  }
  return feed(steps, ids, {}, tokens, rows, observer);
}

Status Session::appendMtp(std::span<const int32_t> nextIds, std::span<const float> normed,
                          OutputRows rows, Observer *observer) {
  if (mtp.empty()) {
    return Failure{"the model has no MTP module"};
  }
  int64_t end = mtpTokens + int64_t(nextIds.size());
  if (end > tokens) {
    return Failure{"expected tokens that the model has seen, up to position " + number(tokens) +
                   ", found " + number(end)};
  }
  if (normed.size() != nextIds.size() * size_t(program->hiddenSize)) {
    return Failure{"expected " + number(program->hiddenSize) + " values of the head's input for " +
                   number(int64_t(nextIds.size())) + " tokens, found " +
                   number(int64_t(normed.size())) + " in all"};
  }
  if (Status status = checkAppend(nextIds, end); !status) {
    return status;
  }
  return feed(mtp, nextIds, normed, mtpTokens, rows, observer);
}

Status Session::rewind(int64_t position) {
  if (position < 0 || position > tokens) {
    return Failure{"expected a position of 0 to " + number(tokens) + " to go back to, found " +
                   number(position)};
  }
  tokens = position;
  mtpTokens = std::min(mtpTokens, position);
  return {};
}
