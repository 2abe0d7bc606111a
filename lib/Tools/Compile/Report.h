//===- Report.h - what a plan needs, before anything is loaded --*- C++ -*-===//
#pragma once

#include "dsv3/Checkpoint/ModelConfig.h"
#include "dsv3/Plan/Plan.h"

#include <cstdint>
#include <optional>
#include <string>

namespace dsv3::compile {

/// The machine that a report is for.
struct Machine {
  std::optional<uint64_t> memory; ///< bytes that it has to give; empty: unknown
  int threads = 1;
};

/// The report of --plan-only: bytes of each kind and their total, what the machine has and
/// what is missing, how many tokens of cache find room beside the rest, and which flags make
/// it fit, if any do.
std::string planReport(const checkpoint::ModelConfig &config, const plan::Plan &plan,
                       const Machine &machine);

} // namespace dsv3::compile
