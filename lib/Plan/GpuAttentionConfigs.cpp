//===- GpuAttentionConfigs.cpp - both attentions on GPUs ------------------===//
#include "GpuConfigs.h"

#include "dsv3/Plan/Names.h"

namespace dsv3::plan {

/// Blocks that occupy a GPU: about its multiprocessors (132 of an H100).
static constexpr int64_t wantedBlocks = 128;
static constexpr const char *fewBlocks = "too few blocks for the multiprocessors of a GPU";

/// ptx/wgmma.cuh: a box of 64 columns of 128 rows, which is what two groups multiply, and a group's
/// rows; a group that brings and two that multiply.
static constexpr int64_t boxColumns = 64, groupRows = 64, productColumns = 128;
static constexpr int64_t boxBytes = productColumns * mmaRowBytes;
static constexpr int64_t warpGroupThreads = 384, multiplyingWarps = 8;
static constexpr int64_t barrierBytes = 8;

static std::string notDividing(const KernelFacts &facts, int64_t heads) {
  return std::to_string(heads) + " does not divide " + std::to_string(facts.heads) + " heads";
}

/// Why queries do not meet a cache on tensor cores; empty if they do.
static std::string latentRefusal(const KernelFacts &facts) {
  for (DType type : {facts.rows, facts.cache}) {
    if (type != DType::BF16) {
      return "tensor cores would round queries or cache of " + std::string(name(type)) + " to bf16";
    }
  }
  constexpr int64_t fragment = 16, chunk = mmaChunkBytes / 2;
  if (facts.latent % fragment != 0 || facts.rope % fragment != 0 ||
      facts.pageTokens % fragment != 0) {
    return "latents, rotated keys or pages are no whole fragments";
  }
  return facts.rowsBegin % chunk == 0 ? "" : "queries do not begin at borders of 16 bytes";
}

namespace {
/// Keys that a block of heads on tensor cores copies at once, as many as leave room for the next.
struct LatentPieces {
  int64_t keys = 64, stages, bytes;

  LatentPieces(const GpuVariant &variant, const KernelFacts &facts, int64_t heads) {
    constexpr int64_t mostStages = 3, leastStages = 2, leastKeys = 16;
    constexpr int64_t warps = mostThreads / warpLanes;
    // Rows of queries, keys and weights are padded to whole swizzles.
    auto rowBytes = [](int64_t columns) { return ceilDiv(columns, 64) * 64 * 2; };
    int64_t ofRow = rowBytes(facts.latent + facts.rope);
    for (;; keys /= 2) {
      // Of each head: a query, weights, a number for each warp that shares the keys, a factor.
      int64_t warpKeys = std::max(leastKeys, keys * (heads / 16) / warps);
      int64_t ofHeads = heads * (ofRow + rowBytes(keys) + (keys / warpKeys + 1) * 4);
      int64_t fitting = (variant.sharedBytes - ofHeads) / (keys * ofRow);
      stages = std::clamp(fitting, leastStages, mostStages);
      bytes = ofHeads + stages * keys * ofRow;
      if (keys == leastKeys || (fitting >= leastStages && facts.pageTokens % keys == 0)) {
        return;
      }
    }
  }
};
} // namespace

static Configuration latentMmaConfig(const GpuVariant &variant, const KernelFacts &facts,
                                     int64_t heads) {
  constexpr int64_t leastHeads = 16;
  LatentPieces pieces(variant, facts, heads);
  Fields fields{{"form", int64_t(GpuProduct::MmaTiles)},
                {"heads", heads},
                {"keys", pieces.keys},
                {"stages", pieces.stages},
                {"threads", mostThreads}};
  if (std::string refusal = latentRefusal(facts); !refusal.empty()) {
    return rejected(fields, refusal);
  }
  if (heads > leastHeads && facts.heads % heads != 0) {
    return rejected(fields, notDividing(facts, heads));
  }
  if (pieces.bytes > variant.sharedBytes) {
    return rejected(fields, bytesReason(std::to_string(heads) + " heads and two pieces of keys",
                                        pieces.bytes, variant.sharedBytes));
  }
  constexpr int64_t mostSums = 128; // half of a thread's registers
  constexpr int64_t warpsColumns = mostThreads / warpLanes * 16;
  int64_t sums = heads * ceilDiv(facts.latent, warpsColumns) * warpsColumns / mostThreads;
  if (sums > mostSums) {
    return rejected(fields, std::to_string(heads) + " heads have " + std::to_string(sums) +
                                " sums a thread, more than " + std::to_string(mostSums));
  }
  int64_t tiles = ceilDiv(facts.heads, heads) * facts.keyParts;
  if (heads > leastHeads && facts.maxRows * tiles < wantedBlocks) {
    return rejected(fields, fewBlocks);
  }
  return make(fields, rowTiles(facts, 1, tiles), pieces.bytes,
              "tensor cores multiply " + std::to_string(heads) + " heads with each read of " +
                  std::to_string(pieces.keys) + " latents");
}

static Configuration latentFmaConfig(const GpuVariant &variant, const KernelFacts &facts,
                                     int64_t heads, const std::string &refusal) {
  Fields fields{
      {"form", int64_t(GpuProduct::FmaTiles)}, {"heads", heads}, {"threads", mostThreads}};
  int64_t tiles = facts.heads / heads * facts.keyParts;
  int64_t bytes = heads * (facts.latent + facts.rope + facts.pageTokens + 3) * 4;
  if (facts.heads % heads != 0) {
    return rejected(fields, notDividing(facts, heads));
  }
  if (bytes > variant.sharedBytes) {
    return rejected(fields,
                    bytesReason(std::to_string(heads) + " heads", bytes, variant.sharedBytes));
  }
  if (heads > 1 && facts.maxRows * tiles < wantedBlocks) {
    return rejected(fields, fewBlocks);
  }
  return make(fields, rowTiles(facts, 1, tiles), bytes,
              std::to_string(heads) + " heads share a read of the latents; " + refusal);
}

/// family/latent_attention_wgmma.cuh: heads of a token, or of some tokens of a request, are the
/// rows of a group's product.
static Configuration latentWgmmaConfig(const GpuVariant &variant, const KernelFacts &facts) {
  constexpr int64_t mostTokens = 64, stages = 2, latents = 4 * productColumns;
  int64_t heads = std::min(facts.heads, groupRows), tokens = groupRows / heads;
  int64_t ofMatrix = ceilDiv(facts.latent + facts.rope, boxColumns) * groupRows * mmaRowBytes;
  int64_t weightBytes = groupRows * facts.pageTokens * 2,
          numbers = 4 * facts.maxRows + ceilDiv(facts.maxRows, warpLanes);
  int64_t bytes = (1 + stages) * ofMatrix + weightBytes + (2 * stages + 2) * barrierBytes +
                  (3 * groupRows + stages * groupRows / 16 + numbers) * 4;
  Fields fields{{"form", int64_t(GpuProduct::WgmmaTiles)},
                {"heads", heads},
                {"tokens", tokens},
                {"most_tokens", facts.maxRows},
                {"threads", warpGroupThreads}};
  if (variant.name != variantSm90a) {
    return rejected(fields, std::string(variant.name) + " has no warp groups");
  }
  if (std::string refusal = latentRefusal(facts); !refusal.empty()) {
    return rejected(fields, refusal);
  }
  if (facts.latent != latents || facts.rope % boxColumns != 0 || facts.pageTokens != groupRows) {
    return rejected(fields, "two groups multiply " + std::to_string(latents) +
                                " latents and whole boxes of rotated keys and of pages");
  }
  if (facts.maxRows > mostTokens) {
    return rejected(fields, "each block would order " + std::to_string(facts.maxRows) +
                                " tokens by their keys, more than " + std::to_string(mostTokens));
  }
  if (bytes > variant.sharedBytes) {
    return rejected(fields, bytesReason("queries and two pages", bytes, variant.sharedBytes));
  }
  return make(fields, rowTiles(facts, 1, ceilDiv(facts.heads, heads) * facts.keyParts), bytes,
              "warp groups multiply " + std::to_string(heads) + " heads of " +
                  (tokens == 1 ? "a token" : "up to " + std::to_string(tokens) + " tokens") +
                  " with each read of a page");
}

std::vector<Configuration> gpuLatentConfigs(const GpuVariant &variant, const KernelFacts &facts) {
  std::vector<Configuration> configs;
  for (int64_t heads : {64, 32, 16}) {
    configs.push_back(latentMmaConfig(variant, facts, heads));
  }
  // What the fewest heads are refused for, all are.
  std::string refusal = configs.back().reason;
  Configuration ofWarpGroups = latentWgmmaConfig(variant, facts);
  configs.insert(facts.warpGroups ? configs.begin() : configs.end(), std::move(ofWarpGroups));
  for (int64_t heads : {8, 4, 3, 2, 1}) {
    configs.push_back(latentFmaConfig(variant, facts, heads, refusal));
  }
  return configs;
}

/// Tokens of a block of expanded attention on tensor cores, and how a page is expanded: its keys
/// times so many rows of the weight.
static constexpr int64_t mmaTokens = 64;
static constexpr MmaShape expandingShape{64, 128, 3};

static Configuration expandedMmaConfig(const GpuVariant &variant, const KernelFacts &facts) {
  Fields fields{
      {"form", int64_t(GpuProduct::MmaTiles)}, {"rows", mmaTokens}, {"threads", mostThreads}};
  for (DType type : {facts.rows, facts.rounded ? DType::BF16 : facts.weight, facts.cache}) {
    if (type != DType::BF16) {
      return rejected(fields, "tensor cores would round queries, weight or cache of " +
                                  std::string(name(type)) + " to bf16");
    }
  }
  constexpr int64_t chunk = mmaChunkBytes / 2;
  int64_t depth = facts.nope + facts.rope;
  if (depth % 16 != 0 || facts.value % 16 != 0 || facts.nope % chunk != 0 ||
      facts.latent % std::max(chunk, chunkElements(facts.weight)) != 0 ||
      facts.rowsBegin % chunk != 0 || facts.pageTokens != expandingShape.rows) {
    return rejected(fields, "queries, keys, values or pages are no whole fragments");
  }
  if (std::string refusal = scaleRefusal(facts); !refusal.empty()) {
    return rejected(fields, refusal);
  }
  // Rows of queries and keys are padded to whole swizzles.
  int64_t bytes = mmaBytes(facts, expandingShape) +
                  (mmaTokens + facts.pageTokens) * ceilDiv(depth, 64) * 64 * 2 +
                  facts.value * facts.pageTokens * 2 + (2 * mmaTokens + 1) * 4;
  if (bytes > variant.sharedBytes) {
    return rejected(fields, bytesReason("stages, queries and a page", bytes, variant.sharedBytes));
  }
  return make(fields, rowTiles(facts, mmaTokens, facts.heads), bytes,
              std::string("64 tokens share a page that tensor cores expand") +
                  (facts.rounded ? ", the weight rounded on its way" : ""));
}

std::vector<Configuration> gpuExpandedConfigs(const GpuVariant &variant, const KernelFacts &facts) {
  int64_t keyFloats = facts.pageTokens * ((facts.nope + facts.value + facts.rope) | 1);
  std::vector<Configuration> configs{expandedMmaConfig(variant, facts)};
  for (int64_t rows : {32, 16, 8, 4, 2, 1}) {
    Fields fields{
        {"form", int64_t(GpuProduct::FmaTiles)}, {"rows", rows}, {"threads", mostThreads}};
    // A query, its scores and the state of its softmax, its position and request.
    int64_t ofRow = facts.nope + facts.rope + facts.pageTokens + 3 + 2;
    int64_t bytes = 2 * fmaPieceBytes + (keyFloats + rows * ofRow + 1) * 4;
    if (rows > 1 && rows / 2 >= facts.maxRows) {
      configs.push_back(
          rejected(fields, "there are never more than " + std::to_string(facts.maxRows) + " rows"));
    } else if (bytes > variant.sharedBytes) {
      configs.push_back(rejected(
          fields, bytesReason(std::to_string(rows) + " rows", bytes, variant.sharedBytes)));
    } else {
      configs.push_back(make(fields, rowTiles(facts, rows, facts.heads), bytes,
                             std::to_string(rows) + " tokens share a page that is expanded"));
    }
  }
  return configs;
}

//===----------------------------------------------------------------------===//
// Warp groups of sm_90a: keys and values of all tokens expanded first
//===----------------------------------------------------------------------===//

static std::string expandingRefusal(const KernelFacts &facts) {
  if (facts.nope != productColumns || facts.value != productColumns) {
    return "warp groups multiply " + std::to_string(productColumns) +
           " columns of keys and of values, found " + std::to_string(facts.nope) + " and " +
           std::to_string(facts.value);
  }
  return facts.latent % boxColumns == 0 && facts.rope % boxColumns == 0 &&
                 facts.rowsBegin % boxColumns == 0 && productColumns % facts.pageTokens == 0
             ? ""
             : "queries, latents, rotated keys or pages are no whole boxes";
}

static Configuration onWarpGroups(const GpuVariant &variant, const KernelFacts &facts,
                                  Configuration config) {
  if (variant.name != variantSm90a) {
    return rejected(config.fields, std::string(variant.name) + " has no warp groups");
  }
  if (std::string refusal = expandingRefusal(facts); !refusal.empty()) {
    return rejected(config.fields, refusal);
  }
  if (config.scratchBytes > variant.sharedBytes) {
    return rejected(config.fields,
                    bytesReason("keys and stages", config.scratchBytes, variant.sharedBytes));
  }
  return config;
}

Configuration gpuExpandLatentsConfig(const GpuVariant &variant, const KernelFacts &facts) {
  constexpr int64_t leastStages = 2, mostStages = 6, boxesOfWarp = 2, boxRows = 16;
  int64_t numbers = (warpGroupThreads / warpLanes + 1) * facts.requests + 1;
  int64_t others = ceilDiv(facts.latent, boxColumns) * boxBytes +
                   multiplyingWarps * boxesOfWarp * boxRows * mmaRowBytes + 2 * barrierBytes +
                   numbers * 4;
  int64_t ofStage = boxBytes + 2 * barrierBytes;
  int64_t stages = std::clamp((variant.sharedBytes - others) / ofStage, leastStages, mostStages);
  // As many as there can be: how many there are depends on the step's positions.
  TileCount tiles{-1, 1, 1, 1, facts.keyRows / productColumns * 2 * facts.heads};
  return onWarpGroups(variant, facts,
                      make({{"stages", stages}, {"threads", warpGroupThreads}}, tiles,
                           others + stages * ofStage,
                           "128 latents stay in shared memory while all rows of the weight meet "
                           "them"));
}

Configuration gpuPrefillConfig(const GpuVariant &variant, const KernelFacts &facts) {
  constexpr int64_t tokens = 2 * groupRows, stages = 2;
  int64_t keyBoxes = (facts.nope + facts.rope) / boxColumns;
  int64_t valueBoxes = productColumns / boxColumns;
  int64_t bytes = keyBoxes * boxBytes + stages * (keyBoxes + valueBoxes) * boxBytes +
                  (4 * stages + 1) * barrierBytes + (4 * tokens + 1) * 4;
  return onWarpGroups(variant, facts,
                      make({{"threads", warpGroupThreads}}, rowTiles(facts, tokens, facts.heads),
                           bytes, "128 tokens share expanded keys, which warp groups multiply"));
}

} // namespace dsv3::plan
