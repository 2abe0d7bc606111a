//===- ProfileReport.h - where the time of steps goes, as text --*- C++ -*-===//
#pragma once

#include "runtime/bench/StepBench.h"

#include <string>
#include <vector>

namespace dsv3::cli {

struct ProfiledStep {
  std::string name; ///< prompt, decode
  runtime::StepProfile profile;
};

struct ProfileResult {
  std::string model, variant, device;
  const plan::Plan *plan = nullptr;
  runtime::MachineResult machine;
  std::string limitsOrigin; ///< where the machine's figures come from
  std::vector<ProfiledStep> steps;
};

/// "measured", or "predicted for h200".
std::string timeOrigin(const runtime::StepProfile &profile);

/// Three lines that sum up, and a table of kernels for each step.
std::string profileText(const ProfileResult &result);
/// The same and more as one JSON object.
std::string profileJson(const ProfileResult &result);

} // namespace dsv3::cli
