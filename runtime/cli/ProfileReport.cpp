//===- ProfileReport.cpp - where the time of steps goes, as text ----------===//
#include "runtime/cli/ProfileReport.h"

#include "runtime/cli/BenchReport.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>

using nlohmann::ordered_json;

namespace dsv3::cli {

std::string timeOrigin(const runtime::StepProfile &profile) {
  return profile.predictedFor.empty() ? "measured"
                                      : "predicted for " + std::string(profile.predictedFor);
}

/// The sum of what the machine's limits allow for each launch.
static double limitSeconds(const runtime::StepProfile &profile,
                           const runtime::MachineResult &machine) {
  double seconds = 0;
  for (const runtime::LaunchResult &launch : profile.launches) {
    seconds += limitSeconds(launch.cost, machine);
  }
  return seconds;
}

static std::string stepText(const plan::StepShape &shape) {
  return fmt::format("{} {} behind {}", shape.tokens, shape.tokens == 1 ? "token" : "tokens",
                     shape.position);
}

/// "-" outside of layers, "3", "1-26".
static std::string layersText(const runtime::KernelResult &kernel) {
  if (kernel.lastLayer < 0) {
    return "-";
  }
  return kernel.firstLayer == kernel.lastLayer
             ? fmt::format("{}", kernel.firstLayer)
             : fmt::format("{}-{}", kernel.firstLayer, kernel.lastLayer);
}

/// How many times the least that they have to multiply tensor cores do; nothing where they do none.
static std::string paddingText(double done, double least) {
  return done > 0 && least > 0 ? fmt::format("{:.2f}", done / least) : "-";
}

/// What only predictions have: traffic, work, registers, blocks of a multiprocessor and the limit.
static std::string predictionText(const runtime::KernelResult &kernel) {
  const runtime::KernelPrediction &prediction = kernel.prediction;
  std::string registers =
      prediction.registers > 0 ? std::to_string(prediction.registers) : std::string("?");
  return fmt::format("{:>11.3f}{:>11.3f}{:>12.3f}{:>8}{:>6}{:>8}  {:<13}",
                     prediction.memoryBytes / 1e6, prediction.l2Bytes / 1e6, prediction.flops / 1e9,
                     paddingText(prediction.tensorFlops, kernel.cost.weightFlops), registers,
                     prediction.blocksAtOnce, prediction.limit);
}

/// A line below the tables where occupancy lacks registers; else empty.
static std::string registersNote(const ProfileResult &result) {
  bool unknown = std::ranges::any_of(result.steps, [](const ProfiledStep &step) {
    return std::ranges::any_of(step.profile.predictions,
                               [](const auto &launch) { return launch.registers == 0; });
  });
  return unknown
             ? "\nregs ?: NVRTC did not tell them; per SM are the blocks that threads and shared "
               "memory alone allow\n"
             : "";
}

/// Where a kernel's time comes from.
static std::string originText(const runtime::KernelPrediction &prediction,
                              const runtime::StepProfile &profile) {
  bool whole = prediction.observedBlocks == prediction.blocks;
  return timeOrigin(profile) + (whole ? std::string()
                                      : fmt::format(", {} of {} blocks observed",
                                                    prediction.observedBlocks, prediction.blocks));
}

static void addTable(std::string &text, const ProfiledStep &step, const ProfileResult &result) {
  bool predicted = !step.profile.predictedFor.empty();
  double total = step.profile.seconds();
  auto out = std::back_inserter(text);
  fmt::format_to(out, "\n{}, {}\n", step.name, stepText(step.profile.shape));
  fmt::format_to(out, "{:<34}{:>8}{:>9}{:>11}{:>8}{:>10}{:>10}{:>10}", "kernel", "layers",
                 "launches", "us", "share", "MB", "GFLOP", "roofline");
  fmt::format_to(out, "{}  time\n",
                 predicted ? fmt::format("{:>11}{:>11}{:>12}{:>8}{:>6}{:>8}  {:<13}", "MB memory",
                                         "MB L2", "GFLOP done", "tensor", "regs", "per SM", "limit")
                           : "");
  for (const runtime::KernelResult &kernel : runtime::byKernel(*result.plan, step.profile)) {
    fmt::format_to(out, "{:<34}{:>8}{:>9}{:>11.1f}{:>7.1f}%{:>10.3f}{:>10.3f}{:>9.0f}%",
                   kernel.symbol, layersText(kernel), kernel.launches, 1e6 * kernel.seconds,
                   100 * kernel.seconds / total, kernel.cost.bytes() / 1e6,
                   kernel.cost.weightFlops / 1e9,
                   100 * limitSeconds(kernel.cost, result.machine) / kernel.seconds);
    fmt::format_to(out, "{}  {}\n", predicted ? predictionText(kernel) : "",
                   originText(kernel.prediction, step.profile));
  }
}

std::string profileText(const ProfileResult &result) {
  std::string text;
  auto out = std::back_inserter(text);
  fmt::format_to(out, "model   {}, {}, {}; reads {:.1f} GB/s, multiplies {:.1f} GFLOP/s ({})\n",
                 result.model, result.variant, result.device,
                 result.machine.readBandwidth.median / 1e9, result.machine.peak.median / 1e9,
                 result.limitsOrigin);
  for (const ProfiledStep &step : result.steps) {
    const runtime::StepProfile &profile = step.profile;
    double seconds = profile.seconds();
    fmt::format_to(out,
                   "{:<7} {}: {:.3f} ms in {} launches, {:.1f} tokens/s, {:.0f} % of the "
                   "roofline; {}\n",
                   step.name, stepText(profile.shape), 1e3 * seconds, profile.launches.size(),
                   double(profile.shape.tokens) / seconds,
                   100 * limitSeconds(profile, result.machine) / seconds, timeOrigin(profile));
  }
  for (const ProfiledStep &step : result.steps) {
    addTable(text, step, result);
  }
  return text + registersNote(result);
}

static ordered_json json(const runtime::LaunchPrediction &prediction) {
  ordered_json parts = ordered_json::object();
  for (const auto &[name, seconds] : prediction.parts) {
    parts[std::string(name)] = seconds;
  }
  return {{"limit", prediction.limit},
          {"seconds_of_each_limit", parts},
          {"memory_bytes", prediction.memoryBytes},
          {"l2_bytes", prediction.l2Bytes},
          {"flops", prediction.flops},
          {"tensor_flops", prediction.tensorFlops},
          {"waits",
           {{"loads", prediction.loadsWaited},
            {"shuffles", prediction.shufflesWaited},
            {"barriers", prediction.barriersWaited}}},
          {"blocks", prediction.blocks},
          {"observed_blocks", prediction.observedBlocks},
          {"registers", prediction.registers},
          {"blocks_at_once", prediction.blocksAtOnce},
          {"occupancy_limit", prediction.occupancyLimit}};
}

static ordered_json json(const ProfiledStep &step, const ProfileResult &result) {
  const runtime::StepProfile &profile = step.profile;
  ordered_json launches = ordered_json::array();
  for (size_t i = 0; i < profile.launches.size(); ++i) {
    const runtime::LaunchResult &launch = profile.launches[i];
    const plan::Kernel &kernel = result.plan->kernels[launch.kernel];
    ordered_json row{
        {"kernel", kernel.symbol},
        {"family", kernel.family},
        {"layer", launch.layer},
        {"seconds", launch.seconds},
        {"again_seconds", launch.againSeconds},
        {"bytes", launch.cost.bytes()},
        {"flops", launch.cost.weightFlops},
        {"roofline_fraction", limitSeconds(launch.cost, result.machine) / launch.seconds}};
    if (i < profile.predictions.size()) {
      row["prediction"] = json(profile.predictions[i]);
    }
    launches.push_back(std::move(row));
  }
  return {{"step", step.name},
          {"tokens", profile.shape.tokens},
          {"depth", profile.shape.position},
          {"experts_touched", profile.shape.expertsTouched},
          {"time", timeOrigin(profile)},
          {"seconds", profile.seconds()},
          {"roofline_fraction", limitSeconds(profile, result.machine) / profile.seconds()},
          {"launches", std::move(launches)}};
}

std::string profileJson(const ProfileResult &result) {
  ordered_json steps = ordered_json::array();
  for (const ProfiledStep &step : result.steps) {
    steps.push_back(json(step, result));
  }
  ordered_json object{{"model", result.model},
                      {"variant", result.variant},
                      {"device", result.device},
                      {"machine",
                       {{"read_bandwidth", result.machine.readBandwidth.median},
                        {"peak", result.machine.peak.median},
                        {"origin", result.limitsOrigin}}},
                      {"steps", std::move(steps)}};
  return object.dump(2) + "\n";
}

} // namespace dsv3::cli
