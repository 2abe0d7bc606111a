//===- Report.cpp - what a plan needs, before anything is loaded ----------===//
#include "Report.h"

#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/MemoryNeeds.h"
#include "dsv3/Support/BytesText.h"
#include "dsv3/Support/KeyMarks.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace dsv3::compile {

/// "671.0 billion": the numbers that the checkpoint stores, scales not counted; those of a tensor
/// once, whatever parameters are made of it. With one decimal place, so a double does.
static std::string parameterCount(const plan::Plan &plan) {
  double count = 0;
  std::set<std::pair<std::string, int64_t>> counted;
  for (const plan::Parameter &parameter : plan.parameters) {
    std::vector<int64_t> layers = parameter.layers;
    if (layers.empty()) {
      layers.push_back(-1);
    }
    for (const plan::Segment &segment : parameter.segments) {
      bool ofExperts = segment.key.find(expertMark) != std::string::npos;
      double elements = static_cast<double>(segment.fileRows) *
                        static_cast<double>(std::max<int64_t>(1, segment.fileColumns)) *
                        static_cast<double>(ofExperts ? parameter.groups : 1);
      for (int64_t layer : layers) {
        count += counted.emplace(segment.key, layer).second ? elements : 0;
      }
    }
  }
  if (count < 1e6) {
    return fmt::format("{:.0f}", count);
  }
  return count < 1e9 ? fmt::format("{:.1f} million", count / 1e6)
                     : fmt::format("{:.1f} billion", count / 1e9);
}

/// The flags of the first alternative that fits with as many requests, and the context it has
/// room for where that is not all; empty if none fits.
static std::string smallerTypes(size_t variant, const Machine &machine,
                                const Alternatives &alternatives) {
  for (const Alternative &other : alternatives()) {
    const plan::Cache &cache = other.plan.cache;
    plan::MemoryNeeds needs = plan::memoryNeeds(other.plan, variant);
    uint64_t pages = needs.pagesWithin(*machine.memory, machine.threads, cache);
    if (needs.total(machine.threads, cache) <= *machine.memory) {
      return other.flags;
    }
    if (auto requests = static_cast<uint64_t>(cache.maxRequests); pages >= requests) {
      return fmt::format("{} --context {}", other.flags,
                         pages / requests * static_cast<uint64_t>(cache.pageTokens));
    }
  }
  return {};
}

/// What to do about a variant that does not fit. The arena of a step grows with its tokens,
/// so that the number of --chunk is a share of the plan's.
static std::string advice(const plan::Plan &plan, const plan::MemoryNeeds &needs, size_t variant,
                          const Machine &machine, const Alternatives &alternatives) {
  const plan::Cache &cache = plan.cache;
  uint64_t memory = *machine.memory, fixed = needs.withoutCache(machine.threads);
  uint64_t pages = needs.pagesWithin(memory, machine.threads, cache);
  auto requests = static_cast<uint64_t>(cache.maxRequests);
  if (pages >= requests) {
    return fmt::format("--context {} makes it fit",
                       pages / requests * static_cast<uint64_t>(cache.pageTokens));
  }
  if (pages > 0) {
    return fmt::format("--context {} --batch {} makes it fit", cache.pageTokens, pages);
  }
  if (std::string flags = smallerTypes(variant, machine, alternatives); !flags.empty()) {
    return flags + " makes it fit";
  }
  // What is there whatever the flags are, and what shrinks with --chunk.
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
      return fmt::format("--context {} --batch 1 --chunk {} about makes it fit (the chunk is {})",
                         cache.pageTokens, fewer, chunk);
    }
  }
  if (needs.weights > memory) {
    return fmt::format("no flag makes it fit: the weights alone are {} more than the memory",
                       bytesText(needs.weights - memory));
  }
  return fmt::format("no flag makes it fit: weights, scratch and a page of cache alone are {}",
                     bytesText(kept));
}

/// How much of the cache finds room beside the rest.
static std::string cacheRoom(const plan::Plan &plan, const plan::MemoryNeeds &needs,
                             const Machine &machine) {
  const plan::Cache &cache = plan.cache;
  uint64_t fixed = needs.withoutCache(machine.threads), memory = *machine.memory;
  auto all = static_cast<uint64_t>(cache.maxContext) * static_cast<uint64_t>(cache.maxRequests);
  if (needs.total(machine.threads, cache) <= memory) {
    return fmt::format("for all {} tokens of cache", all);
  }
  if (fixed >= memory) {
    return fmt::format("for no token of cache: the rest alone takes {}", bytesText(fixed));
  }
  uint64_t pages = needs.pagesWithin(memory, machine.threads, cache);
  return fmt::format("for {} of {} tokens of cache, in the {} that the rest leaves",
                     pages * static_cast<uint64_t>(cache.pageTokens), all,
                     bytesText(memory - fixed));
}

std::string planReport(const checkpoint::ModelConfig &config, const plan::Plan &plan,
                       const Machine &machine, const Alternatives &alternatives) {
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
    line("  arenas", fmt::format("{}: {} of values, {} of inputs and outputs",
                                 bytesText(needs.arena + needs.ports), bytesText(needs.arena),
                                 bytesText(needs.ports)));
    bool gpu = plan::findGpuVariant(plan.variants[variant].name) != nullptr;
    if (!gpu) {
      line("  scratch",
           fmt::format("{}: {} for each of {} threads",
                       bytesText(needs.scratch * static_cast<uint64_t>(machine.threads)),
                       bytesText(needs.scratch), machine.threads));
    }
    line("  cache", fmt::format("{}: {} tokens for {} request{}, {} a token",
                                bytesText(plan::fullCacheBytes(plan.cache)), plan.cache.maxContext,
                                plan.cache.maxRequests, plan.cache.maxRequests == 1 ? "" : "s",
                                bytesText(static_cast<uint64_t>(plan.cache.bytesPerToken()))));
    line("  total", bytesText(total));
    if (gpu) {
      continue; // dsv3-run asks the GPU what it has to give
    }
    if (!machine.memory) {
      line("  memory", "this machine does not say what it has to give");
      continue;
    }
    bool fits = total <= *machine.memory;
    line("  memory", fmt::format("{} to give in this machine", bytesText(*machine.memory)));
    if (!fits) {
      line("  missing", bytesText(total - *machine.memory));
    }
    line("  room", cacheRoom(plan, needs, machine));
    line("  fits", fits ? "yes" : "no: " + advice(plan, needs, variant, machine, alternatives));
  }
  return text;
}

} // namespace dsv3::compile
