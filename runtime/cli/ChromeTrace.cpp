//===- ChromeTrace.cpp - steps as a trace for a browser -------------------===//
#include "runtime/cli/ChromeTrace.h"

#include <nlohmann/json.hpp>

using nlohmann::ordered_json;

namespace dsv3::cli {

static constexpr int process = 1, stream = 1;

/// What a viewer shows for a process or a row.
static ordered_json nameEvent(const char *what, const std::string &name) {
  return {
      {"name", what}, {"ph", "M"}, {"pid", process}, {"tid", stream}, {"args", {{"name", name}}}};
}

static ordered_json launchEvent(const plan::Plan &plan, const ProfiledStep &step, size_t index,
                                double begin) {
  const runtime::LaunchResult &launch = step.profile.launches[index];
  ordered_json args{{"step", step.name},
                    {"layer", launch.layer},
                    {"bytes", launch.cost.bytes()},
                    {"flops", launch.cost.weightFlops},
                    {"time", timeOrigin(step.profile)}};
  if (index < step.profile.predictions.size()) {
    const runtime::LaunchPrediction &prediction = step.profile.predictions[index];
    args["limit"] = prediction.limit;
    args["memory_bytes"] = prediction.memoryBytes;
  }
  // Times are in microseconds.
  return {{"name", plan.kernels[launch.kernel].symbol},
          {"cat", plan.kernels[launch.kernel].family},
          {"ph", "X"},
          {"ts", 1e6 * begin},
          {"dur", 1e6 * launch.seconds},
          {"pid", process},
          {"tid", stream},
          {"args", std::move(args)}};
}

std::string chromeTrace(const ProfileResult &result) {
  ordered_json events = ordered_json::array();
  events.push_back(nameEvent("process_name", "dsv3-run profile " + result.model));
  events.push_back(nameEvent("thread_name", result.device));
  double begin = 0;
  for (const ProfiledStep &step : result.steps) {
    for (size_t i = 0; i < step.profile.launches.size(); ++i) {
      events.push_back(launchEvent(*result.plan, step, i, begin));
      begin += step.profile.launches[i].seconds;
    }
  }
  ordered_json trace{{"displayTimeUnit", "ms"}, {"traceEvents", std::move(events)}};
  return trace.dump() + "\n";
}

} // namespace dsv3::cli
