//===- MemoryCheck.cpp - does a model fit this machine --------------------===//
#include "runtime/cli/MemoryCheck.h"

#include "runtime/base/Memory.h"
#include "runtime/params/ParameterStore.h"

#include <algorithm>

namespace dsv3::cli {

Expected<std::string> checkMemory(const plan::Plan &plan, size_t variant, int64_t context,
                                  uint64_t available) {
  uint64_t weights = runtime::parameterBytes(plan, variant).value_or(UINT64_MAX);
  uint64_t arena = 0;
  for (const plan::Entry &entry : plan.entries) {
    arena = std::max(arena, uint64_t(entry.arenaBytes));
  }
  auto perToken = uint64_t(plan.cache.bytesPerToken());
  uint64_t least = arena + perToken * uint64_t(plan.cache.pageTokens);
  if (weights > available || least > available - weights) {
    return Failure{"the model needs " + runtime::bytesText(weights) + " for weights and " +
                       runtime::bytesText(arena) + " for its arena, this machine has " +
                       runtime::bytesText(available) + " to give",
                   "",
                   "end other programs, use a machine with more memory or a smaller model, or "
                   "compile with a smaller --chunk for a smaller arena"};
  }
  uint64_t fits = (available - weights - arena) / perToken;
  if (uint64_t(context) <= fits) {
    return std::string();
  }
  return "note: memory holds the cache of about " + std::to_string(fits) + " of the " +
         std::to_string(context) + " tokens of context; --context " + std::to_string(fits) +
         " makes longer texts end instead";
}

} // namespace dsv3::cli
