//===- Report.cpp - what a plan needs, before anything is loaded ----------===//
#include "Report.h"

#include "dsv3/Plan/MemoryNeeds.h"

#include <fmt/format.h>

#include <array>

namespace dsv3::compile {

std::string humanBytes(uint64_t bytes) {
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

uint64_t fullCacheBytes(const plan::Cache &cache) {
  return static_cast<uint64_t>(cache.maxPagesPerRequest() * cache.maxRequests * cache.pageBytes());
}

/// Numbers that the checkpoint stores, scales not counted.
static int64_t parameterCount(const plan::Plan &plan) {
  int64_t count = 0;
  for (const plan::Parameter &parameter : plan.parameters) {
    count += copies(parameter) * parameter.groups * parameter.rows * parameter.columns;
  }
  return count;
}

namespace {
/// What a variant takes of a machine's memory.
struct Fit {
  Fit(const plan::Plan &plan, size_t variant, const Machine &machine)
      : cache(plan.cache), needs(plan::memoryNeeds(plan, variant)),
        fixed(needs.withoutCache(machine.threads)), page(static_cast<uint64_t>(cache.pageBytes())),
        memory(machine.memory.value_or(0)), pages(memory < fixed ? 0 : (memory - fixed) / page) {}

  const plan::Cache &cache;
  plan::MemoryNeeds needs;
  uint64_t fixed, page, memory;
  uint64_t pages; ///< of the cache that find room

  uint64_t total() const { return fixed + fullCacheBytes(cache); }

  /// What to do about it not fitting.
  std::string advice() const {
    auto requests = static_cast<uint64_t>(cache.maxRequests);
    if (pages == 0) {
      std::string lacking = humanBytes(fixed + page - memory);
      if (needs.weights + page < memory) {
        return fmt::format("--chunk with fewer tokens makes the arena smaller; {} are lacking",
                           lacking);
      }
      return fmt::format(
          "no flag makes the weights fit: the machine lacks {}; {} of memory would do", lacking,
          humanBytes(total()));
    }
    if (pages >= requests) {
      return fmt::format("--context {} makes it fit",
                         pages / requests * static_cast<uint64_t>(cache.pageTokens));
    }
    return fmt::format("--batch {} makes it fit, with --context {}", pages, cache.pageTokens);
  }
};
} // namespace

std::string planReport(const checkpoint::ModelConfig &config, const plan::Plan &plan,
                       const Machine &machine) {
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
    Fit fit(plan, variant, machine);
    line("variant", plan.variants[variant].name);
    line("  weights", humanBytes(fit.needs.weights));
    line("  arenas", fmt::format("{}, and {} of inputs and outputs", humanBytes(fit.needs.arena),
                                 humanBytes(fit.needs.ports)));
    line("  scratch",
         fmt::format("{} for each of {} threads", humanBytes(fit.needs.scratch), machine.threads));
    line("  cache", fmt::format("{}: {} tokens for {} request{}, {} a token",
                                humanBytes(fullCacheBytes(plan.cache)), plan.cache.maxContext,
                                plan.cache.maxRequests, plan.cache.maxRequests == 1 ? "" : "s",
                                humanBytes(static_cast<uint64_t>(plan.cache.bytesPerToken()))));
    line("  total", humanBytes(fit.total()));
    if (!machine.memory) {
      line("  memory", "this machine does not say what it has to give");
      continue;
    }
    line("  memory", fmt::format("{} to give in this machine: room for {} tokens of cache",
                                 humanBytes(fit.memory),
                                 fit.pages * static_cast<uint64_t>(plan.cache.pageTokens)));
    line("  fits", fit.total() <= fit.memory ? "yes" : "no: " + fit.advice());
  }
  return text;
}

} // namespace dsv3::compile
