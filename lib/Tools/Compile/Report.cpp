//===- Report.cpp - what a plan needs, before anything is loaded ----------===//
#include "Report.h"

#include "dsv3/Plan/MemoryNeeds.h"
#include "dsv3/Support/BytesText.h"

#include <fmt/format.h>

#include <algorithm>

namespace dsv3::compile {

static int64_t copies(const plan::Parameter &parameter) {
  return parameter.layers.empty() ? 1 : static_cast<int64_t>(parameter.layers.size());
}

/// "671.0 billion": the numbers that the checkpoint stores, scales not counted. With one
/// decimal place, so a double does.
static std::string parameterCount(const plan::Plan &plan) {
  double count = 0;
  for (const plan::Parameter &parameter : plan.parameters) {
    count += static_cast<double>(copies(parameter)) *
             static_cast<double>(parameter.groups * parameter.rows * parameter.columns);
  }
  if (count < 1e6) {
    return fmt::format("{:.0f}", count);
  }
  return count < 1e9 ? fmt::format("{:.1f} million", count / 1e6)
                     : fmt::format("{:.1f} billion", count / 1e9);
}

/// What to do about a variant that does not fit. The arena of a step grows with its tokens,
/// so that the number of --chunk is a share of the plan's.
static std::string advice(const plan::Plan &plan, const plan::MemoryNeeds &needs,
                          const Machine &machine) {
  const plan::Cache &cache = plan.cache;
  uint64_t memory = *machine.memory, fixed = needs.withoutCache(machine.threads);
  uint64_t pages = needs.pagesWithin(memory, machine.threads, cache);
  auto requests = static_cast<uint64_t>(cache.maxRequests);
  if (pages >= requests) {
    return fmt::format("--context {} makes it fit",
                       pages / requests * static_cast<uint64_t>(cache.pageTokens));
  }
  if (pages > 0) {
    return fmt::format("--batch {} makes it fit, with --context {}", pages, cache.pageTokens);
  }
  uint64_t step = needs.arena + needs.ports;
  uint64_t kept = fixed - step + static_cast<uint64_t>(cache.pageBytes());
  int64_t chunk = 0;
  for (const plan::Entry &entry : plan.entries) {
    chunk = std::max(chunk, entry.maxTokens);
  }
  if (kept < memory) {
    auto fewer =
        static_cast<int64_t>(static_cast<double>(chunk) * static_cast<double>(memory - kept) /
                             static_cast<double>(step));
    if (fewer > 0) {
      return fmt::format("--chunk {} makes the arena about small enough; {} are lacking", fewer,
                         bytesText(kept + step - memory));
    }
  }
  return fmt::format("no flag makes the weights fit: the machine lacks {}; {} of memory would do",
                     bytesText(kept + step - memory),
                     bytesText(needs.total(machine.threads, cache)));
}

std::string planReport(const checkpoint::ModelConfig &config, const plan::Plan &plan,
                       const Machine &machine) {
  std::string text;
  auto line = [&](const char *name, const std::string &value) {
    text += fmt::format("{:<12} {}\n", name, value);
  };
  line("model",
       fmt::format("{}, {} layers{}, {} parameters", config.modelType, config.numHiddenLayers,
                   plan.cache.layers > plan.layers ? " and an MTP layer" : "",
                   parameterCount(plan)));
  line("policy", plan.policy);
  for (size_t variant = 0; variant < plan.variants.size(); ++variant) {
    plan::MemoryNeeds needs = plan::memoryNeeds(plan, variant);
    uint64_t total = needs.total(machine.threads, plan.cache);
    line("variant", plan.variants[variant].name);
    line("  weights", bytesText(needs.weights));
    line("  arenas", fmt::format("{}, and {} of inputs and outputs", bytesText(needs.arena),
                                 bytesText(needs.ports)));
    line("  scratch",
         fmt::format("{} for each of {} threads", bytesText(needs.scratch), machine.threads));
    line("  cache", fmt::format("{}: {} tokens for {} request{}, {} a token",
                                bytesText(plan::fullCacheBytes(plan.cache)), plan.cache.maxContext,
                                plan.cache.maxRequests, plan.cache.maxRequests == 1 ? "" : "s",
                                bytesText(static_cast<uint64_t>(plan.cache.bytesPerToken()))));
    line("  total", bytesText(total));
    if (!machine.memory) {
      line("  memory", "this machine does not say what it has to give");
      continue;
    }
    uint64_t pages = needs.pagesWithin(*machine.memory, machine.threads, plan.cache);
    line("  memory", fmt::format("{} to give in this machine: room for {} tokens of cache",
                                 bytesText(*machine.memory),
                                 pages * static_cast<uint64_t>(plan.cache.pageTokens)));
    line("  fits", total <= *machine.memory ? "yes" : "no: " + advice(plan, needs, machine));
  }
  return text;
}

} // namespace dsv3::compile
