//===- CpuExecutable.h - a program that a thread team walks -----*- C++ -*-===//
//
// The commands of a program with kernels as function pointers, and what a step
// needs besides: sizes and tile counts of each kernel, tile counters, the first
// error. Nothing is allocated after construction.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/Kernel.h"
#include "runtime/drivers/cpu/ThreadTeam.h"
#include "runtime/drivers/cpu/TileQueue.h"
#include "runtime/hal/Device.h"

#include <atomic>
#include <chrono>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace dsv3::runtime {

/// The scratch memory of a team: a stretch of `stride` bytes for each thread.
struct TeamScratch {
  std::byte *begin = nullptr;
  size_t stride = 0;
};

class CpuExecutable final : public Executable, private ThreadTeam::Task {
public:
  /// `functions` has a kernel for each of the program's, in its order.
  CpuExecutable(const Program &program, std::span<const plan::KernelFunction> functions);

  /// Runs one step on the team. See Device::run and Device::profile.
  Status run(ThreadTeam &team, const TeamScratch &scratch, std::span<const int64_t> sizes,
             ObservationSink *sink, LaunchProfile *profile = nullptr);

private:
  using Clock = std::chrono::steady_clock;
  /// A kernel with the sizes of the current step.
  struct Kernel {
    std::string symbol;
    plan::KernelFunction function = nullptr;
    std::vector<int32_t> sizeIndices;
    plan::TileCount tileCount;
    std::vector<int64_t> sizes;
    uint32_t tiles = 0;
  };
  /// A launch, or an observation (then `kernel` is null).
  struct Step {
    Kernel *kernel = nullptr;
    const void *const *args = nullptr;
    int32_t observation = 0;
    int64_t layer = -1;
  };

  Status setSizes(std::span<const int64_t> values);
  void run(int thread) override;
  void work(uint32_t turn, TileQueue::Tiles tiles, int thread);
  void endLaunch(uint32_t turn);
  uint32_t tilesOf(uint32_t turn) const;
  uint32_t nextTurn(uint32_t turn) const;
  Status firstFailure() const;

  /// How often each launch is run: turns of the queue for each step.
  uint32_t runs() const { return times ? uint32_t(times->repeats) + 1 : 1; }
  const Step &stepOf(uint32_t turn) const { return steps[turn / runs()]; }

  std::string name;
  size_t sizeCount;
  std::vector<Kernel> kernels;
  std::vector<const void *> args;
  std::vector<Step> withObservations, launchesOnly;

  // Of the step that is running.
  std::span<const Step> steps;
  ThreadTeam *team = nullptr;
  TeamScratch scratch;
  ObservationSink *sink = nullptr;
  LaunchProfile *times = nullptr; ///< of launches, where they are asked for
  uint32_t turns = 0, shares = 1; ///< shares: of TileQueue::take
  Clock::time_point launchBegan;  ///< the clock is read by who ends a launch
  TileQueue queue;

  static constexpr int64_t noFailure = std::numeric_limits<int64_t>::max();
  /// Position of the first step that failed, above 2^32 - 1 - code, so that the
  /// smallest value does not depend on which thread was first.
  std::atomic<int64_t> failed{noFailure};
};

} // namespace dsv3::runtime
