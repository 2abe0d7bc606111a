//===- Report.cpp - what a plan needs, before anything is loaded ----------===//
#include "Report.h"

#include "dsv3/Plan/Layout.h"

#include <fmt/format.h>

#include <algorithm>

namespace dsv3::compile {

std::string humanBytes(int64_t bytes) {
  constexpr std::array<const char *, 5> units{"B", "kB", "MB", "GB", "TB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 999.5 && unit + 1 < units.size(); ++unit) {
    value /= 1000;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, units[unit]);
}

static int64_t copies(const plan::Parameter &parameter) {
  return parameter.layers.empty() ? 1 : static_cast<int64_t>(parameter.layers.size());
}

MemoryNeeds memoryNeeds(const plan::Plan &plan, size_t variant) {
  MemoryNeeds needs;
  for (const plan::Parameter &parameter : plan.parameters) {
    plan::PackedShape shape(parameter, parameter.layouts[variant]);
    needs.weights +=
        copies(parameter) * (shape.dataElements() * static_cast<int64_t>(byteSize(parameter.type)) +
                             shape.scaleElements() * 4);
  }
  for (const plan::Entry &entry : plan.entries) {
    needs.arena = std::max(needs.arena, entry.arenaBytes);
    int64_t ports = 0;
    for (const auto *list : {&entry.inputs, &entry.outputs}) {
      for (const plan::Port &port : *list) {
        ports += entry.maxima[static_cast<size_t>(port.size)] * port.columns *
                 static_cast<int64_t>(byteSize(port.type));
      }
    }
    needs.ports = std::max(needs.ports, ports);
  }
  needs.pages = plan.cache.maxPagesPerRequest() * plan.cache.maxRequests;
  needs.pageBytes = plan.cache.bytesPerToken() * plan.cache.pageTokens;
  return needs;
}

/// Numbers that the checkpoint stores, scales not counted.
static int64_t parameterCount(const plan::Plan &plan) {
  int64_t count = 0;
  for (const plan::Parameter &parameter : plan.parameters) {
    count += copies(parameter) * parameter.groups * parameter.rows * parameter.columns;
  }
  return count;
}

/// What to do about `needs` not fitting.
static std::string advice(const plan::Plan &plan, const MemoryNeeds &needs, int64_t memory) {
  int64_t left = memory - needs.weights - needs.arena - needs.ports;
  int64_t pages = left / needs.pageBytes;
  if (left < 0 || pages == 0) {
    int64_t lacking = needs.weights + needs.arena + needs.ports + needs.pageBytes - memory;
    if (needs.weights + needs.pageBytes < memory) {
      return fmt::format("--chunk with fewer tokens makes the arena smaller; {} are lacking",
                         humanBytes(lacking));
    }
    return fmt::format("no flag makes the weights fit: the machine lacks {}; {} of memory would do",
                       humanBytes(lacking), humanBytes(needs.total()));
  }
  if (pages >= plan.cache.maxRequests) {
    return fmt::format("--context {} makes it fit",
                       pages / plan.cache.maxRequests * plan.cache.pageTokens);
  }
  return fmt::format("--batch {} makes it fit, with --context {}", pages, plan.cache.pageTokens);
}

std::string planReport(const checkpoint::ModelConfig &config, const plan::Plan &plan,
                       int64_t memory) {
  std::string text;
  auto line = [&](const char *name, const std::string &value) {
    text += fmt::format("{:<12} {}\n", name, value);
  };
  line("model", fmt::format("{}, {} layers{}, {:.1f} billion parameters", config.modelType,
                            config.numHiddenLayers,
                            plan.cache.layers > plan.layers ? " and an MTP layer" : "",
                            static_cast<double>(parameterCount(plan)) / 1e9));
  line("policy", plan.policy);
  for (size_t variant = 0; variant < plan.variants.size(); ++variant) {
    MemoryNeeds needs = memoryNeeds(plan, variant);
    line("variant", plan.variants[variant].name);
    line("  weights", humanBytes(needs.weights));
    line("  arenas", fmt::format("{}, and {} of inputs and outputs", humanBytes(needs.arena),
                                 humanBytes(needs.ports)));
    line("  cache", fmt::format("{}: {} tokens for {} request{}, {} a token",
                                humanBytes(needs.cache()), plan.cache.maxContext,
                                plan.cache.maxRequests, plan.cache.maxRequests == 1 ? "" : "s",
                                humanBytes(plan.cache.bytesPerToken())));
    line("  total", humanBytes(needs.total()));
    int64_t left = memory - needs.weights - needs.arena - needs.ports;
    int64_t tokens = std::max<int64_t>(0, left / needs.pageBytes) * plan.cache.pageTokens;
    line("  memory", fmt::format("{} in this machine: room for {} tokens of cache",
                                 humanBytes(memory), tokens));
    if (needs.total() <= memory) {
      line("  fits", "yes");
    } else {
      line("  fits", "no: " + advice(plan, needs, memory));
    }
  }
  return text;
}

} // namespace dsv3::compile
