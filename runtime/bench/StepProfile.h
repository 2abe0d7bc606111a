//===- StepProfile.h - where the time of a step goes ------------*- C++ -*-===//
#pragma once

#include "dsv3/Plan/StepCost.h"
#include "runtime/hal/Device.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dsv3::runtime {

/// One launch of a step.
struct LaunchResult {
  size_t kernel = 0; ///< of the plan
  int64_t layer = -1;
  double seconds = 0;      ///< of the first run
  double againSeconds = 0; ///< of repeats, with what fits in caches there
  plan::Cost cost;
};

/// A step, launch by launch in its order.
struct StepProfile {
  plan::StepShape shape;
  std::vector<LaunchResult> launches;
  /// As LaunchProfile has them.
  std::string_view predictedFor;
  std::vector<LaunchPrediction> predictions;
  /// As LaunchProfile has it: where caches were emptied before each run. The average of the
  /// repeats.
  std::optional<double> nothing = {};

  double seconds() const;
};

/// What predictions of a kernel's launches say together.
struct KernelPrediction {
  std::string_view limit; ///< of most of the time
  double memoryBytes = 0, l2Bytes = 0, flops = 0, tensorFlops = 0;
  int64_t blocks = 0, observedBlocks = 0;
  /// Of the kernel's code, the same in each launch: as LaunchPrediction has them.
  int64_t registers = 0, blocksAtOnce = 0;
};

/// One kernel of a step, summed over its launches.
struct KernelResult {
  std::string symbol, family;
  int64_t firstLayer = -1, lastLayer = -1; ///< -1: outside of layers
  int64_t launches = 0;
  double seconds = 0, againSeconds = 0; ///< as of launches
  plan::Cost cost;
  KernelPrediction prediction; ///< only where times are predicted
};

/// The kernels of a step, slowest first.
std::vector<KernelResult> byKernel(const plan::Plan &plan, const StepProfile &profile);

} // namespace dsv3::runtime
