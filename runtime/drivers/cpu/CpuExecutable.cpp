//===- CpuExecutable.cpp - a program that a thread team walks -------------===//
//
// All threads walk the same list and meet after each launch. They leave it early
// only together: whether a step has failed is asked after its barrier, and only
// failures up to this step count, since faster threads may be one step ahead.
//
//===----------------------------------------------------------------------===//

#include "runtime/drivers/cpu/CpuExecutable.h"

#include <algorithm>
#include <chrono>

using namespace dsv3;
using namespace dsv3::runtime;

/// A thread takes about this many chunks of each launch: enough to even out
/// threads of different speed, few enough to keep the counter cool.
static constexpr uint32_t chunksPerThread = 8;

CpuExecutable::CpuExecutable(const Program &program,
                             std::span<const plan::KernelFunction> functions)
    : name(program.name), sizeCount(size_t(program.sizeCount)),
      args(program.args.begin(), program.args.end()) {
  kernels.resize(program.kernels.size());
  for (size_t i = 0; i < kernels.size(); ++i) {
    const ProgramKernel &from = program.kernels[i];
    kernels[i].symbol = from.symbol;
    kernels[i].function = functions[i];
    kernels[i].sizeIndices = from.sizes;
    kernels[i].tileCount = from.tiles;
    kernels[i].sizes.resize(from.sizes.size());
  }
  for (const Command &command : program.commands) {
    Step step;
    step.args = args.data() + command.firstArg;
    step.layer = command.layer;
    if (command.kind == Command::Kind::Launch) {
      step.kernel = &kernels[size_t(command.target)];
      launchesOnly.push_back(step);
    } else {
      step.observation = command.target;
    }
    withObservations.push_back(step);
  }
}

Status CpuExecutable::setSizes(std::span<const int64_t> values, int threads) {
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
    if (tiles < 0 || tiles > std::numeric_limits<uint32_t>::max() / 2) {
      return Failure{"expected a number of tiles below 2^31, found " + std::to_string(tiles),
                     "entry '" + name + "', kernel '" + kernel.symbol + "'"};
    }
    kernel.tiles = uint32_t(tiles);
    kernel.chunk = threads == 1
                       ? std::max(kernel.tiles, 1U)
                       : std::max(kernel.tiles / (uint32_t(threads) * chunksPerThread), 1U);
  }
  return {};
}

/// The part of launch number `turn` that falls to a thread.
void CpuExecutable::launch(const Step &step, uint32_t position, int thread, uint32_t turn) {
  const Kernel &kernel = *step.kernel;
  void *mine = scratch.begin + size_t(thread) * scratch.stride;
  std::atomic<uint32_t> &counter = counters[turn % 2].next;
  if (thread == 0) {
    counters[(turn + 1) % 2].next.store(0, std::memory_order_relaxed);
  }
  for (;;) {
    uint32_t begin = counter.fetch_add(kernel.chunk, std::memory_order_relaxed);
    if (begin >= kernel.tiles) {
      return;
    }
    uint32_t end = std::min(begin + kernel.chunk, kernel.tiles);
    int32_t code = kernel.function(step.args, kernel.sizes.data(), begin, end, mine);
    if (code != 0) {
      int64_t mark = int64_t(position) << 32 | int64_t(~uint32_t(code));
      int64_t known = failed.load(std::memory_order_relaxed);
      while (mark < known && !failed.compare_exchange_weak(known, mark)) {
      }
    }
  }
}

void CpuExecutable::run(int thread) {
  if (times) {
    runMeasured(thread);
    return;
  }
  uint32_t turn = 0;
  for (uint32_t position = 0; position < steps.size(); ++position) {
    const Step &step = steps[position];
    if (step.kernel) {
      launch(step, position, thread, turn++);
    } else if (thread == 0) {
      sink->observed(step.observation, step.layer, *step.args);
    }
    team->barrier(thread);
    if (failed.load(std::memory_order_relaxed) >> 32 <= int64_t(position)) {
      return;
    }
  }
}

static Failure kernelFailure(int32_t code, std::string where) {
  if (plan::KernelError(code) == plan::KernelError::IndexOutOfRange) {
    return {"a kernel found an index out of range in its input", std::move(where),
            "check the token ids; if they are right, compile the model again"};
  }
  return {"a kernel failed with code " + std::to_string(code) + ", which has no meaning here",
          std::move(where), "compile the model again"};
}

/// As run, with a clock around every launch. Thread 0 reads it after a barrier, so what it
/// reads includes the wait for the slowest thread.
void CpuExecutable::runMeasured(int thread) {
  using Clock = std::chrono::steady_clock;
  uint32_t turn = 0;
  for (uint32_t position = 0; position < steps.size(); ++position) {
    for (int run = 0; run <= times->repeats; ++run) {
      Clock::time_point begin = Clock::now();
      launch(steps[position], position, thread, turn++);
      team->barrier(thread);
      if (thread == 0) {
        double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
        double &kept = run == 0 ? times->first[position] : times->again[position];
        kept = run <= 1 ? seconds : std::min(kept, seconds);
      }
    }
    if (failed.load(std::memory_order_relaxed) >> 32 <= int64_t(position)) {
      return;
    }
  }
}

Status CpuExecutable::firstFailure() const {
  int64_t mark = failed.load(std::memory_order_relaxed);
  if (mark == noFailure) {
    return {};
  }
  const Step &step = steps[size_t(mark >> 32)];
  std::string layer = step.layer < 0 ? "" : ", layer " + std::to_string(step.layer);
  return kernelFailure(int32_t(~uint32_t(mark)),
                       "entry '" + name + "'" + layer + ", kernel '" + step.kernel->symbol + "'");
}

Status CpuExecutable::run(ThreadTeam &threads, const TeamScratch &memory,
                          std::span<const int64_t> sizes, ObservationSink *observer,
                          LaunchProfile *profile) {
  if (Status status = setSizes(sizes, threads.size()); !status) {
    return status;
  }
  steps = observer ? withObservations : launchesOnly;
  team = &threads;
  scratch = memory;
  sink = observer;
  times = profile;
  if (times) {
    times->first.assign(steps.size(), 0.0);
    times->again.assign(steps.size(), 0.0);
  }
  failed.store(noFailure, std::memory_order_relaxed);
  counters[0].next.store(0, std::memory_order_relaxed);
  threads.run(*this);
  return firstFailure();
}
