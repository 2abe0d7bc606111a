//===- CpuExecutable.cpp - a program that a thread team walks -------------===//
//
// All threads walk the same list, launch by launch, as their tiles are dealt (TileQueue.h).
// The thread that does the last tile of a launch has the next one dealt, or, if a tile has
// failed, says that the list is at its end.
//
//===----------------------------------------------------------------------===//

#include "runtime/drivers/cpu/CpuExecutable.h"

#include "runtime/hal/KernelFailure.h"

#include <algorithm>
#include <chrono>

using namespace dsv3;
using namespace dsv3::runtime;

/// A thread takes its part of what is left, divided by this: more evens out threads of
/// different speed, less makes longer stretches.
static constexpr uint32_t sharesPerThread = 2;

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

Status CpuExecutable::setSizes(std::span<const int64_t> values) {
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
  }
  return {};
}

uint32_t CpuExecutable::tilesOf(uint32_t turn) const {
  const Step &step = stepOf(turn);
  return step.kernel ? step.kernel->tiles : 1;
}

/// The first launch from `turn` on that has tiles.
uint32_t CpuExecutable::nextTurn(uint32_t turn) const {
  while (turn < turns && tilesOf(turn) == 0) {
    ++turn;
  }
  return turn;
}

/// A few tiles of a launch, or an observation.
void CpuExecutable::work(uint32_t turn, TileQueue::Tiles tiles, int thread) {
  const Step &step = stepOf(turn);
  if (!step.kernel) {
    sink->observed(step.observation, step.layer, *step.args);
    return;
  }
  void *mine = scratch.begin + size_t(thread) * scratch.stride;
  int32_t code =
      step.kernel->function(step.args, step.kernel->sizes.data(), tiles.begin, tiles.end, mine);
  if (code != 0) {
    int64_t mark = int64_t(turn / runs()) << 32 | int64_t(~uint32_t(code));
    int64_t known = failed.load(std::memory_order_relaxed);
    while (mark < known && !failed.compare_exchange_weak(known, mark)) {
    }
  }
}

/// After the last tile of a launch, on the thread that did it.
void CpuExecutable::endLaunch(uint32_t turn) {
  if (times) {
    auto now = Clock::now();
    double seconds = std::chrono::duration<double>(now - launchBegan).count();
    uint32_t run = turn % runs();
    double &kept = run == 0 ? times->first[turn / runs()] : times->again[turn / runs()];
    kept = run <= 1 ? seconds : std::min(kept, seconds);
    launchBegan = Clock::now();
  }
  bool stops = failed.load(std::memory_order_relaxed) != noFailure;
  queue.restart(stops ? turns : nextTurn(turn + 1));
}

void CpuExecutable::run(int thread) {
  for (uint32_t turn = queue.turn(); turn < turns; turn = queue.turn()) {
    const Step &step = stepOf(turn);
    uint32_t all = tilesOf(turn), done = 0;
    // Observations are thread 0's, which is the caller's own.
    if (step.kernel || thread == 0) {
      for (auto tiles = queue.take(turn, all, shares); !tiles.empty();
           tiles = queue.take(turn, all, shares)) {
        work(turn, tiles, thread);
        done += tiles.end - tiles.begin;
      }
    }
    if (done > 0 && queue.finish(done, all)) {
      endLaunch(turn);
    } else {
      queue.wait(team->waiter(thread), turn, team->mostPauses());
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
  if (Status status = setSizes(sizes); !status) {
    return status;
  }
  steps = observer ? withObservations : launchesOnly;
  team = &threads;
  shares = threads.size() == 1 ? 1 : uint32_t(threads.size()) * sharesPerThread;
  scratch = memory;
  sink = observer;
  times = profile;
  if (times) {
    times->first.assign(steps.size(), 0.0);
    times->again.assign(steps.size(), 0.0);
  }
  failed.store(noFailure, std::memory_order_relaxed);
  turns = uint32_t(steps.size()) * runs();
  launchBegan = times ? Clock::now() : Clock::time_point();
  queue.restart(nextTurn(0));
  threads.share(*this);
  return firstFailure();
}
