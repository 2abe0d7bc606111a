//===- StepProfile.cpp - where the time of a step goes --------------------===//

#include "runtime/bench/StepProfile.h"

#include <algorithm>
#include <map>
#include <numeric>

using namespace dsv3;
using namespace dsv3::runtime;

double StepProfile::seconds() const {
  return std::accumulate(
      launches.begin(), launches.end(), 0.0,
      [](double sum, const LaunchResult &launch) { return sum + launch.seconds; });
}

/// Adds a launch to its kernel's sums.
static void add(KernelResult &kernel, const LaunchResult &launch) {
  bool first = kernel.launches++ == 0;
  kernel.firstLayer = first ? launch.layer : std::min(kernel.firstLayer, launch.layer);
  kernel.lastLayer = std::max(kernel.lastLayer, launch.layer);
  kernel.seconds += launch.seconds;
  kernel.againSeconds += launch.againSeconds;
  kernel.cost += launch.cost;
}

static void add(KernelPrediction &sum, const LaunchPrediction &launch) {
  sum.memoryBytes += launch.memoryBytes;
  sum.l2Bytes += launch.l2Bytes;
  sum.flops += launch.flops;
  sum.tensorFlops += launch.tensorFlops;
  sum.blocks += launch.blocks;
  sum.observedBlocks += launch.observedBlocks;
  sum.registers = launch.registers;
  sum.blocksAtOnce = launch.blocksAtOnce;
}

std::vector<KernelResult> runtime::byKernel(const plan::Plan &plan, const StepProfile &profile) {
  std::vector<KernelResult> results(plan.kernels.size());
  std::vector<std::map<std::string_view, double>> limits(results.size());
  for (size_t i = 0; i < profile.launches.size(); ++i) {
    const LaunchResult &launch = profile.launches[i];
    add(results[launch.kernel], launch);
    if (i < profile.predictions.size()) {
      add(results[launch.kernel].prediction, profile.predictions[i]);
      limits[launch.kernel][profile.predictions[i].limit] += launch.seconds;
    }
  }
  for (size_t i = 0; i < results.size(); ++i) {
    results[i].symbol = plan.kernels[i].symbol;
    results[i].family = plan.kernels[i].family;
    if (!limits[i].empty()) {
      results[i].prediction.limit = std::ranges::max_element(limits[i], {}, [](const auto &limit) {
                                      return limit.second;
                                    })->first;
    }
  }
  std::erase_if(results, [](const KernelResult &result) { return result.launches == 0; });
  std::ranges::stable_sort(results, std::greater(), &KernelResult::seconds);
  return results;
}
