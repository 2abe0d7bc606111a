//===- Report.h - what a plan needs, before anything is loaded --*- C++ -*-===//
#pragma once

#include "dsv3/Checkpoint/ModelConfig.h"
#include "dsv3/Plan/Plan.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace dsv3::compile {

/// The machine that a report is for.
struct Machine {
  std::optional<uint64_t> memory; ///< bytes that it has to give; empty: unknown
  int threads = 1;
};

/// The plan of a compilation with more flags, which makes something smaller.
struct Alternative {
  std::string flags;
  plan::Plan plan;
};
/// Asked for where a plan does not fit; the one to take first comes first.
using Alternatives = std::function<std::vector<Alternative>()>;

/// The report of --plan-only: bytes of each kind and their total, what the machine has and
/// what is missing, how many tokens of cache find room beside the rest, and which flags make
/// it fit, if any do.
std::string planReport(const checkpoint::ModelConfig &config, const plan::Plan &plan,
                       const Machine &machine, const Alternatives &alternatives);

} // namespace dsv3::compile
