//===- MemoryCheck.cpp - does a model fit this machine --------------------===//
#include "runtime/cli/MemoryCheck.h"

#include "dsv3/Support/BytesText.h"

namespace dsv3::cli {

Expected<std::string> checkMemory(const plan::MemoryNeeds &needs, const plan::Cache &cache,
                                  const MemoryQuestion &question) {
  auto pagesOf = [&](const plan::MemoryNeeds &what) {
    return what.pagesWithin(question.available, question.threads, cache);
  };
  plan::MemoryNeeds least = needs;
  least.weights = question.mappedWeights ? 0 : needs.weights;
  if (pagesOf(least) == 0) {
    return Failure{"the model needs " + bytesText(needs.weights) + " for weights and " +
                       bytesText(needs.withoutCache(question.threads) - needs.weights) +
                       " for the values of a step, this machine has " +
                       bytesText(question.available) + " to give",
                   "",
                   "end other programs, use a machine with more memory or a smaller model, or "
                   "compile with a smaller --chunk, which makes the values of a step fewer"};
  }
  uint64_t pages = pagesOf(needs);
  if (pages == 0) {
    return "note: memory does not hold all " + bytesText(needs.weights) +
           " of mapped weights; steps read what is missing from the disk, again and again";
  }
  uint64_t fits = pages * uint64_t(cache.pageTokens);
  if (uint64_t(question.context) <= fits) {
    return std::string();
  }
  return "note: memory holds the cache of " + std::to_string(fits) + " of the " +
         std::to_string(question.context) + " tokens of context; --context " +
         std::to_string(fits) + " makes longer texts end instead";
}

} // namespace dsv3::cli
