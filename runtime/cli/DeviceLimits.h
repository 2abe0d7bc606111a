//===- DeviceLimits.h - what a model's device can do at most ----*- C++ -*-===//
//
// Beside which bench and profile put what steps reach: measured on CPUs, a measured copy and
// the peak of a table on GPUs, the table alone for a chip that is predicted.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/bench/LimitProbe.h"
#include "runtime/bench/MachineProbe.h"
#include "runtime/cli/Model.h"

#include <memory>
#include <string>

namespace dsv3::cli {

struct DeviceLimits {
  std::unique_ptr<runtime::LimitProbe> probe;
  runtime::MachineProbe *cpu = nullptr; ///< the same probe, of a CPU
  std::string origin;                   ///< of both limits, in words
};

/// Fails if there is no memory for measuring, or a GPU is not in the table of chips. The device
/// outlives the result. `flags` went through chooseChip.
Expected<DeviceLimits> deviceLimits(runtime::Device &device, const plan::Plan &plan, size_t variant,
                                    const ModelFlags &flags);

/// Operations of absorbed attention for one row and one cached token, all layers.
double attentionFlops(const checkpoint::ModelConfig &config);
/// Likewise of expanded attention, whose keys and values are there.
double expandedAttentionFlops(const checkpoint::ModelConfig &config);

} // namespace dsv3::cli
