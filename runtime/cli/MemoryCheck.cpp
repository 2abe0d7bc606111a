//===- MemoryCheck.cpp - does a model fit this machine --------------------===//
#include "runtime/cli/MemoryCheck.h"

#include "dsv3/Checkpoint/TensorMap.h"
#include "dsv3/Support/BytesText.h"
#include "dsv3/Support/MemoryLimits.h"

namespace dsv3::cli {

/// As published: a projection of an FP8 model has a byte for each value, and few scales.
static uint64_t publishedBytes(const checkpoint::ModelConfig &config,
                               const checkpoint::ExpectedTensor &tensor) {
  uint64_t bytes = byteSize(checkpoint::publishedType(config, tensor.role));
  for (int64_t size : tensor.shape) {
    bytes *= uint64_t(size);
  }
  return bytes;
}

uint64_t leastWeightBytes(const checkpoint::ModelConfig &config,
                          const std::optional<checkpoint::Checkpoint> &checkpoint) {
  uint64_t total = 0;
  for (const checkpoint::ExpectedTensor &tensor : checkpoint::expectedTensors(config)) {
    if (tensor.isOptional()) {
      continue; // copies, which are not loaded
    }
    if (!checkpoint) {
      total += publishedBytes(config, tensor);
    } else if (const checkpoint::TensorInfo *info = checkpoint->find(tensor.key)) {
      total += info->byteCount;
    }
  }
  return total;
}

Status checkWeights(const checkpoint::ModelConfig &config,
                    const std::optional<checkpoint::Checkpoint> &checkpoint) {
  std::optional<uint64_t> available = availableMemory();
  uint64_t least = leastWeightBytes(config, checkpoint);
  if (!available || least <= *available) {
    return {};
  }
  return Failure{"the model needs at least " + bytesText(least) +
                     " for weights, this machine has " + bytesText(*available) + " to give",
                 "",
                 "end other programs, use a machine with more memory or a smaller model, or make "
                 "weights smaller with --weights int8 or int4; dsv3-compile --plan-only says what "
                 "fits"};
}

Expected<std::string> checkMemory(const plan::MemoryNeeds &needs, const plan::Cache &cache,
                                  const MemoryQuestion &question) {
  auto pagesOf = [&](const plan::MemoryNeeds &what) {
    return what.pagesWithin(question.available, question.threads, cache);
  };
  plan::MemoryNeeds least = needs;
  least.weights -= question.mappedBytes;
  if (pagesOf(least) == 0) {
    return Failure{"the model needs " + bytesText(needs.weights) + " for weights and " +
                       bytesText(needs.withoutCache(question.threads) - needs.weights) +
                       " for the values of a step, this machine has " +
                       bytesText(question.available) + " to give",
                   "",
                   "end other programs, use a machine with more memory or a smaller model, or "
                   "compile with --weights int8 or int4, or a smaller --chunk, which makes the "
                   "values of a step fewer; dsv3-compile --plan-only says what fits"};
  }
  uint64_t pages = pagesOf(needs);
  if (pages == 0) {
    return "note: memory does not hold all " + bytesText(question.mappedBytes) +
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

Status checkHostMemory(const plan::MemoryNeeds &needs, const HostQuestion &question) {
  uint64_t stay = question.expertsOnHost ? needs.experts : 0;
  uint64_t pass = std::min(question.passing, needs.weights - stay);
  if (stay + pass <= question.available) {
    return {};
  }
  auto part = [](uint64_t bytes, const std::string &what) {
    return bytes > 0 ? bytesText(bytes) + what : std::string();
  };
  return Failure{"the model needs " +
                     part(stay, " of the host's memory for weights of routed experts") +
                     (stay > 0 && pass > 0 ? " and " : "") +
                     part(pass, " for weights on their way to the device") + ", this machine has " +
                     bytesText(question.available) + " to give",
                 "",
                 "end other programs or use a machine with more memory; packed weights that were "
                 "kept (--keep-packed) need none on their way"};
}

} // namespace dsv3::cli
