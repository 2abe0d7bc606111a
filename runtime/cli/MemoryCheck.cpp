//===- MemoryCheck.cpp - does a model fit this machine --------------------===//
#include "runtime/cli/MemoryCheck.h"

#include "runtime/base/Memory.h"

namespace dsv3::cli {

Expected<std::string> checkMemory(const plan::MemoryNeeds &needs, const plan::Cache &cache,
                                  const MemoryQuestion &question) {
  uint64_t fixed = needs.withoutCache(question.threads);
  auto page = uint64_t(cache.pageBytes());
  auto lacks = [&](uint64_t bytes) {
    return bytes > question.available || page > question.available - bytes;
  };
  if (lacks(question.mappedWeights ? fixed - needs.weights : fixed)) {
    return Failure{"the model needs " + runtime::bytesText(needs.weights) + " for weights and " +
                       runtime::bytesText(fixed - needs.weights) +
                       " for the values of a step, this machine has " +
                       runtime::bytesText(question.available) + " to give",
                   "",
                   "end other programs, use a machine with more memory or a smaller model, or "
                   "compile with a smaller --chunk, which makes the values of a step fewer"};
  }
  if (lacks(fixed)) {
    return "note: memory does not hold all " + runtime::bytesText(needs.weights) +
           " of mapped weights; steps read what is missing from the disk, again and again";
  }
  uint64_t fits = (question.available - fixed) / page * uint64_t(cache.pageTokens);
  if (uint64_t(question.context) <= fits) {
    return std::string();
  }
  return "note: memory holds the cache of " + std::to_string(fits) + " of the " +
         std::to_string(question.context) + " tokens of context; --context " +
         std::to_string(fits) + " makes longer texts end instead";
}

} // namespace dsv3::cli
