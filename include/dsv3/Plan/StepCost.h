//===- StepCost.h - what a step needs at least ------------------*- C++ -*-===//
//
// Bytes that a step must read and operations that it must do whatever the kernels:
// weights once each, experts as far as tokens chose them, the cache up to the last
// token. Benchmarks divide by the machine's limits and by what was measured.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/Plan.h"

#include <algorithm>
#include <functional>
#include <vector>

namespace dsv3::plan {

/// A step as it was run.
struct StepShape {
  int64_t tokens = 1;   ///< of the step
  int64_t outputs = 1;  ///< rows of logits
  int64_t position = 0; ///< tokens that were cached before
  /// Experts of a layer that the tokens chose, distinct ones, on average over the layers.
  double expertsTouched = 0;
};

struct Cost {
  double weightBytes = 0; ///< weights and their scales as stored, without padding
  double cacheBytes = 0;
  double weightFlops = 0; ///< multiplications and additions with weights

  double bytes() const { return weightBytes + cacheBytes; }
  Cost &operator+=(const Cost &other);
};

/// What a machine can do in a second.
struct MachineLimits {
  double readBandwidth = 0; ///< bytes
  double fmaPeak = 0;       ///< operations in f32

  /// Of reading and multiplying what takes longer: one goes on behind the other. In seconds.
  double seconds(double bytes, double flops) const {
    return std::max(bytes / readBandwidth, flops / fmaPeak);
  }
  /// Whether that is reading.
  bool boundByMemory(double bytes, double flops) const {
    return bytes / readBandwidth >= flops / fmaPeak;
  }
};

/// Distinct experts, of `experts`, that so many tokens choose on average where each chooses
/// `perToken` of them, all alike: E (1 - (1 - k / E)^T).
double evenlyTouched(int64_t experts, int64_t perToken, int64_t tokens);

/// Rows of a kernel's result in a step, from the size that its tiles are counted in.
double rowsOf(const Plan &plan, const Kernel &kernel, size_t variant, const StepShape &step);
/// What one launch of kernel `target` needs. `args` are those of the instruction.
Cost launchCost(const Plan &plan, size_t variant, const Instruction &launch, const StepShape &step);

/// All launches of an entry, calls of layers expanded.
Cost stepCost(const Plan &plan, size_t variant, const Entry &entry, const StepShape &step);
/// The seconds that their weights need at the limits, launch by launch.
double weightSeconds(const Plan &plan, size_t variant, const Entry &entry, const StepShape &step,
                     const MachineLimits &limits);
/// Calls visit(launch, layer) for the launches of an entry in the order of its program, calls of
/// layers expanded; outside of layers the layer is -1.
void forLaunches(const Entry &entry,
                 const std::function<void(const Instruction &, int64_t)> &visit);

} // namespace dsv3::plan
