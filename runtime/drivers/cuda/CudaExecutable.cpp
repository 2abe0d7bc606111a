//===- CudaExecutable.cpp - a program as launches on a stream -------------===//

#include "runtime/drivers/cuda/CudaExecutable.h"

#include "dsv3/Plan/GpuKernel.h"
#include "runtime/drivers/cuda/CudaStopwatch.h"
#include "runtime/hal/KernelFailure.h"

#include <algorithm>
#include <array>
#include <limits>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::runtime::cuda;

/// Shared memory that a kernel can have without asking for it.
static constexpr int64_t givenShared = int64_t(48) * 1024;
/// Graphs that an entry keeps: one for each number of rows of small steps. What has other sizes
/// from step to step is launched one by one.
static constexpr size_t mostGraphs = 16;

Status CudaExecutable::addKernels(const Program &program, std::span<const CudaKernel> code) {
  const DriverApi &api = *context->api;
  kernels.resize(program.kernels.size());
  for (size_t i = 0; i < kernels.size(); ++i) {
    const ProgramKernel &from = program.kernels[i];
    kernels[i] = {from.symbol,
                  code[i],
                  from.sizes,
                  from.tiles,
                  unsigned(from.scratchBytes),
                  std::vector<int64_t>(from.sizes.size()),
                  {}};
    if (from.scratchBytes > givenShared) {
      Status status = api.check(
          api.FuncSetAttribute(code[i].function, functionMaxDynamicShared, int(from.scratchBytes)),
          "cannot give the kernel '" + from.symbol + "' " + std::to_string(from.scratchBytes) +
              " bytes of shared memory");
      if (!status) {
        return status;
      }
    }
  }
  return {};
}

/// How many arguments a command has: those up to the next one's.
static size_t argCount(const Program &program, size_t command) {
  size_t end = command + 1 < program.commands.size() ? program.commands[command + 1].firstArg
                                                     : program.args.size();
  return end - program.commands[command].firstArg;
}

Status CudaExecutable::encodeTensorMaps(const Step &step, bool sized) {
  if (sized && step.kernel->grid.columns == 0) {
    return {}; // it is not launched; there are no maps of 0 rows
  }
  TensorMap *map = tensorMaps.data() + step.firstMap;
  for (const plan::MappedMatrix &matrix : step.kernel->code.mapped) {
    if (sized != (matrix.size >= 0)) {
      ++map;
      continue;
    }
    const void *argument = parameters[step.firstParameter + size_t(matrix.argument)];
    Result result = encodeTensorMap(*context->api, *static_cast<const DevicePointer *>(argument),
                                    matrix, matrix.rowsOf(step.kernel->sizes), *map++);
    if (result != success) {
      return Failure{"cannot encode a tensor map: the driver says " + context->api->nameOf(result),
                     whereOf(step)};
    }
  }
  return {};
}

Status CudaExecutable::addSteps(const Program &program) {
  for (const Address &address : program.args) {
    args.push_back(reinterpret_cast<DevicePointer>(address));
  }
  observations = program.observations;
  uint32_t count = 0;
  size_t mapCount = 0;
  for (const Command &command : program.commands) {
    Step step;
    step.layer = command.layer;
    if (command.kind == Command::Kind::Launch) {
      step.kernel = &kernels[size_t(command.target)];
      step.number = count++;
      mapCount += step.kernel->code.mapped.size();
    } else {
      step.observation = command.target;
      step.observed = args[command.firstArg];
    }
    steps.push_back(step);
  }
  numbers.resize(count);
  tensorMaps.resize(mapCount);
  size_t maps = 0;
  for (size_t i = 0; i < steps.size(); ++i) {
    Step &step = steps[i];
    if (!step.kernel) {
      continue;
    }
    launches.push_back(&step);
    step.firstParameter = parameters.size();
    auto launchArgs = std::span(args).subspan(program.commands[i].firstArg, argCount(program, i));
    for (DevicePointer &arg : launchArgs) {
      parameters.push_back(&arg);
    }
    for (int64_t &size : step.kernel->sizes) {
      parameters.push_back(&size);
    }
    numbers[step.number] = step.number;
    parameters.push_back(&mark);
    parameters.push_back(&numbers[step.number]);
    const auto &mapped = step.kernel->code.mapped;
    Status checked =
        plan::checkMatrices(mapped, launchArgs.size(), step.kernel->sizes.size(), whereOf(step));
    if (!checked) {
      return checked;
    }
    step.firstMap = maps;
    for (size_t map = 0; map < mapped.size(); ++map) {
      parameters.push_back(&tensorMaps[maps++]);
    }
    if (Status encoded = encodeTensorMaps(step, false); !encoded) {
      return encoded;
    }
  }
  return {};
}

Expected<std::unique_ptr<CudaExecutable>>
CudaExecutable::create(std::shared_ptr<const CudaContext> context, const Program &program,
                       std::span<const CudaKernel> kernels, DevicePointer mark) {
  if (kernels.size() != program.kernels.size()) {
    return Failure{"expected an object with " + std::to_string(program.kernels.size()) +
                       " kernels, found " + std::to_string(kernels.size()),
                   "entry '" + program.name + "'"};
  }
  context->use();
  std::unique_ptr<CudaExecutable> executable(new CudaExecutable(std::move(context)));
  executable->name = program.name;
  executable->sizeCount = size_t(program.sizeCount);
  executable->mark = mark;
  if (Status status = executable->addKernels(program, kernels); !status) {
    return status;
  }
  if (Status status = executable->addSteps(program); !status) {
    return status;
  }
  return executable;
}

std::string CudaExecutable::whereOf(const Step &step) const {
  return "entry '" + name + "'" + (step.layer < 0 ? "" : ", layer " + std::to_string(step.layer)) +
         ", kernel '" + step.kernel->symbol + "'";
}

Status CudaExecutable::setSizes(std::span<const int64_t> values) {
  if (values.size() != sizeCount) {
    return Failure{"expected " + std::to_string(sizeCount) + " sizes for a step, found " +
                       std::to_string(values.size()),
                   "entry '" + name + "'"};
  }
  for (Kernel &kernel : kernels) {
    for (size_t i = 0; i < kernel.sizes.size(); ++i) {
      kernel.sizes[i] = values[size_t(kernel.sizeIndices[i])];
    }
    int64_t tiles = kernel.tileCount.evaluate(kernel.sizes.data());
    if (tiles < 0 || tiles > std::numeric_limits<int32_t>::max()) {
      return Failure{"expected a number of tiles below 2^31, found " + std::to_string(tiles),
                     "entry '" + name + "', kernel '" + kernel.symbol + "'"};
    }
    kernel.grid = kernel.code.grid.of(tiles, context->multiprocessors);
  }
  repeated = std::ranges::equal(sizes, values);
  if (repeated) {
    return {};
  }
  sizes.clear(); // until their maps are there
  for (const Step *step : launches) {
    if (Status encoded = encodeTensorMaps(*step, true); !encoded) {
      return encoded;
    }
  }
  sizes.assign(values.begin(), values.end());
  return {};
}

Status CudaExecutable::checkStep(Result result, const char *what, const std::string &where) const {
  Status status = context->api->check(result, what);
  return status ? status
                : Failure{status.failure().what, where + ", on " + context->name,
                          status.failure().hint};
}

Status CudaExecutable::clearMark() {
  static_assert(plan::noFailure == ~uint64_t(0), "its bytes are 0xFF");
  return checkStep(context->api->MemsetD8Async(mark, 0xFF, sizeof(uint64_t), context->stream),
                   "cannot begin a step", "entry '" + name + "'");
}

Status CudaExecutable::launch(const Step &step, bool overlap) {
  const Kernel &kernel = *step.kernel;
  auto [columns, sharing, parts] = kernel.grid;
  if (columns == 0) {
    return {};
  }
  std::array<LaunchAttribute, 2> attributes;
  unsigned count = 0;
  if (overlap && kernel.code.dependent) {
    attributes[count].id = attributeProgrammaticSerialization;
    attributes[count++].allowed = 1;
  }
  if (kernel.grid.clusterBlocks() > 1) {
    attributes[count].id = attributeClusterDimension;
    unsigned (&blocks)[3] = attributes[count++].blocks;
    blocks[0] = unsigned(sharing);
    blocks[1] = unsigned(parts);
    blocks[2] = 1;
  }
  LaunchConfig config{{unsigned(columns), unsigned(parts), 1},
                      {unsigned(kernel.code.threads), 1, 1},
                      kernel.shared,
                      context->stream,
                      attributes.data(),
                      count};
  Result result = context->api->LaunchKernelEx(&config, kernel.code.function,
                                               &parameters[step.firstParameter], nullptr);
  if (result == success) {
    return {};
  }
  bool earlier = troubleOf(result) == Trouble::Fault; // noticed only now
  return checkStep(result, "cannot launch",
                   whereOf(step) + (earlier ? " or one that was launched before it" : ""));
}

Status CudaExecutable::observe(const Step &step, ObservationSink &sink) {
  std::string part = "entry '" + name + "'" +
                     (step.layer < 0 ? "" : ", up to layer " + std::to_string(step.layer));
  // Of a step that failed there is nothing to see.
  if (Status status = finish(part); !status) {
    return status;
  }
  const ProgramObservation &shape = observations[size_t(step.observation)];
  copy.resize(size_t(sizes[size_t(shape.size)] * shape.rowBytes));
  const DriverApi &api = *context->api;
  const char *what = "cannot copy a value that is observed";
  Status status = checkStep(
      api.MemcpyDtoHAsync(copy.data(), step.observed, copy.size(), context->stream), what, part);
  status = status ? checkStep(api.StreamSynchronize(context->stream), what, part) : status;
  if (status) {
    sink.observed(step.observation, step.layer, copy.data());
  }
  return status;
}

Status CudaExecutable::finish(const std::string &part) {
  const DriverApi &api = *context->api;
  const char *what = "a step failed";
  Status status =
      checkStep(api.MemcpyDtoHAsync(&failure, mark, sizeof failure, context->stream), what, part);
  status = status ? checkStep(api.StreamSynchronize(context->stream), what, part) : status;
  if (!status) {
    return status;
  }
  if (failure == plan::noFailure) {
    return {};
  }
  uint32_t number = plan::failedLaunch(failure);
  if (number >= launches.size()) {
    return Failure{"the mark of failures names launch " + std::to_string(number) + " of " +
                       std::to_string(launches.size()),
                   "entry '" + name + "'", "compile the model again"};
  }
  return kernelFailure(plan::failureCode(failure), whereOf(*launches[number]));
}

Status CudaExecutable::launchAll() {
  auto order = [this] {
    Status status = clearMark();
    bool overlap = false; // the mark is cleared before the first launch begins
    for (size_t i = 0; i < launches.size() && status; ++i) {
      status = launch(*launches[i], overlap);
      overlap |= launches[i]->kernel->grid.columns > 0;
    }
    return status;
  };
  auto known = std::ranges::find(graphs, sizes, &StepGraph::sizes);
  if (known == graphs.end() && repeated && graphs.size() < mostGraphs) {
    Expected<std::unique_ptr<CudaGraph>> graph = CudaGraph::capture(context, order);
    graphs.push_back({sizes, graph ? *std::move(graph) : nullptr});
    known = std::prev(graphs.end());
  }
  return known != graphs.end() && known->graph
             ? checkStep(known->graph->launch(), "cannot launch a step", "entry '" + name + "'")
             : order();
}

Status CudaExecutable::launchAndObserve(ObservationSink &sink) {
  Status status = clearMark();
  bool overlap = false; // neither with what clears the mark nor with what copies
  for (size_t i = 0; i < steps.size() && status; ++i) {
    const Step &step = steps[i];
    status = step.kernel ? launch(step, overlap) : observe(step, sink);
    overlap = step.kernel && (overlap || step.kernel->grid.columns > 0);
  }
  return status;
}

Status CudaExecutable::run(std::span<const int64_t> values, ObservationSink *sink) {
  context->use();
  Status status = setSizes(values);
  if (!status) {
    return status;
  }
  status = sink ? launchAndObserve(*sink) : launchAll();
  return status ? finish("entry '" + name + "'") : status;
}

Status CudaExecutable::profile(std::span<const int64_t> values, LaunchProfile &times) {
  times.first.assign(launches.size(), 0.0);
  times.again.assign(launches.size(), 0.0);
  Expected<std::unique_ptr<CudaStopwatch>> watch =
      CudaStopwatch::create(context, times.cold ? CachesBefore::Emptied : CachesBefore::AsLeft);
  Status status = watch ? setSizes(values) : watch.status();
  status = status ? clearMark() : status;
  auto measure = [&](const std::function<Status()> &order, const std::string &where) {
    Expected<double> seconds = (*watch)->measure(order);
    bool placed = seconds || !seconds.failure().where.empty();
    status = placed ? seconds.status()
                    : Failure{seconds.failure().what, where + ", on " + context->name,
                              seconds.failure().hint};
    return seconds ? *seconds : 0;
  };
  if (status && times.cold) {
    times.nothing = measure([] { return Status(); }, "entry '" + name + "'");
  }
  for (size_t i = 0; i < launches.size() && status; ++i) {
    for (int repeat = 0; repeat <= times.repeats && status; ++repeat) {
      double seconds = measure([&] { return launch(*launches[i], false); }, whereOf(*launches[i]));
      if (times.cold) {
        times.first[i] += seconds / (times.repeats + 1);
      } else if (repeat == 0) {
        times.first[i] = seconds;
      }
      if (repeat > 0) {
        times.again[i] = repeat == 1 ? seconds : std::min(times.again[i], seconds);
      }
    }
  }
  return status ? finish("entry '" + name + "'") : status;
}
