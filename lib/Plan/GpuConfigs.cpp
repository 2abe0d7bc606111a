//===- GpuConfigs.cpp - the configurations of each family on GPUs ---------===//
//
// Enumerates configurations and orders them.
//
//===----------------------------------------------------------------------===//
#include "GpuConfigs.h"

#include "dsv3/Plan/Names.h"
#include "dsv3/Support/WeightEncoding.h"

namespace dsv3::plan {

/// tile/reduce.cuh: a float for each warp.
static constexpr int64_t blockSumBytes = warpLanes * 4;
/// family/sample.cuh: a sum for each of 2048 bins, a sum and a result for each warp.
static constexpr int64_t sampleSharedBytes = (2048 + 2 * warpLanes) * 8;

/// A row is a block, of at most `most` threads; each thread has some of `work` columns.
static std::vector<Configuration> rowConfigs(const KernelFacts &facts, int64_t work, int64_t shared,
                                             int64_t most = mostThreads) {
  std::vector<Configuration> configs;
  for (int64_t threads = most; threads >= warpLanes; threads /= 2) {
    Fields fields{{"threads", threads}};
    if (threads > warpLanes && threads / 2 >= work) {
      configs.push_back(rejected(fields, "half of the threads would have nothing to do"));
    } else {
      configs.push_back(make(fields, rowTiles(facts, 1), shared,
                             std::to_string(threads) + " threads share the " +
                                 std::to_string(work) + " columns of a row"));
    }
  }
  return configs;
}

/// A block, whose warps each count the entries of all experts.
static std::vector<Configuration> dispatchConfigs(const GpuVariant &variant,
                                                  const KernelFacts &facts) {
  std::vector<Configuration> configs;
  for (int64_t threads = mostThreads; threads >= warpLanes; threads /= 2) {
    int64_t bytes = (threads / warpLanes + 1) * (facts.groups + 1) * 4;
    Fields fields{{"threads", threads}};
    configs.push_back(
        bytes > variant.sharedBytes
            ? rejected(fields, bytesReason(std::to_string(threads / warpLanes) + " warps' counts",
                                           bytes, variant.sharedBytes))
            : make(fields, {-1, 1, 1, 1, 1}, bytes, "one block keeps the order of the tokens"));
  }
  return configs;
}

std::vector<Configuration> enumerateConfigs(Family family, const GpuVariant &variant,
                                            const KernelFacts &facts) {
  if (isScaledAlongRows(facts.rows)) {
    return {rejected({}, "GPUs have no code for rows of type " + std::string(name(facts.rows)) +
                             "; leave --activations out")};
  }
  if (!variant.hasFp8() && (facts.rows == DType::F8E4M3 || facts.codeGroup > 0)) {
    return {rejected({}, std::string(variant.name) +
                             " has no FP8 arithmetic for rows of codes, "
                             "which policy w8a8 multiplies; compile with --policy=bf16")};
  }
  switch (family) {
  case Family::Gemm:
    return gpuProductConfigs(variant, facts, false);
  case Family::GroupedGemm:
    return gpuProductConfigs(variant, facts, true);
  case Family::LatentAttention:
    return gpuLatentConfigs(variant, facts);
  case Family::ExpandedAttention:
    return gpuExpandedConfigs(variant, facts);
  case Family::ExpandLatents:
    return {gpuExpandLatentsConfig(variant, facts)};
  case Family::PrefillAttention:
    return {gpuPrefillConfig(variant, facts)};
  case Family::Rowwise:
    return rowConfigs(facts, facts.n, blockSumBytes);
  case Family::Gather:
  case Family::Concat:
  case Family::RopeTable:
    return rowConfigs(facts, facts.n, 0);
  case Family::RopeAppend:
    return rowConfigs(facts, std::max(facts.latent, facts.heads * facts.rope / 2), blockSumBytes);
  case Family::Combine: {
    std::vector<Configuration> configs = rowConfigs(facts, facts.n, 0);
    for (Configuration &config : configs) {
      if (config.legal) {
        config.tiles = rowTiles(facts, 1, ceilDiv(facts.n, config.get("threads")));
      }
    }
    return configs;
  }
  case Family::AttentionCombine: {
    std::vector<Configuration> configs = rowConfigs(facts, facts.latent, 2 * facts.keyParts * 4);
    for (Configuration &config : configs) {
      config.tiles = rowTiles(facts, 1, facts.heads);
    }
    return configs;
  }
  case Family::Sample:
    // A step has few rows, often one: what a block loads at a time bounds its speed.
    return rowConfigs(facts, facts.n, sampleSharedBytes, 4 * mostThreads);
  case Family::Router:
    return {make({{"threads", warpLanes}}, rowTiles(facts, 1),
                 (facts.groups + facts.expertGroups + 2 * facts.topK) * 4,
                 "a warp chooses for a token without a barrier")};
  case Family::Dispatch:
    return dispatchConfigs(variant, facts);
  }
  return {};
}

} // namespace dsv3::plan
