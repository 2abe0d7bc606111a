//===- GpuConfigs.cpp - the configurations of each family on GPUs ---------===//
//
// Enumerates configurations and orders them. Shared memory is that which the device
// headers (runtime/kernels/cuda) divide; every printed kernel asserts that both agree.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/Layout.h"
#include "dsv3/Plan/Names.h"
#include "dsv3/Support/WeightEncoding.h"

#include <algorithm>

namespace dsv3::plan {

static constexpr int64_t warpLanes = 32, mostThreads = 256;
/// tile/reduce.cuh: a float for each warp.
static constexpr int64_t blockSumBytes = warpLanes * 4;
/// tile/fma.cuh: rows and columns of a tile, and bytes of a piece of one side.
static constexpr int64_t fmaTile = 64, fmaPieceBytes = int64_t(16) * 64 * 4;
/// tile/mma.cuh: bytes of a row of a piece, and the borders at which rows begin.
static constexpr int64_t mmaRowBytes = 128, mmaChunkBytes = 16;
/// Its rows, columns and pieces in flight.
struct MmaShape {
  int64_t rows, columns, stages;
};
/// One for all that stores what it computes, one that has the columns of a group of codes.
static constexpr MmaShape mmaShape{128, 64, 3}, mmaShapeOfCodes{64, 128, 2};
/// tile/quantise.cuh: floats between the rows of values that become codes.
static constexpr int64_t codePadding = 8;
/// tile/turn.cuh: of a part and a warp.
static constexpr int64_t turnedBytes = int64_t(16) * (32 + 8) * 4;
/// tile/wgmma.cuh: two products of 64 x 128, the columns being those of all parts together; pieces
/// in flight, each with two barriers; threads, and warps that multiply.
static constexpr int64_t wgmmaRows = 64, wgmmaColumns = 128, wgmmaStages = 4, wgmmaThreads = 384,
                         wgmmaWarps = 8;
/// tile/boxes.cuh: rows and columns of a box of bf16.
static constexpr int64_t boxRows = 16, boxColumns = 64;

using Fields = std::vector<Configuration::Field>;

static Configuration make(Fields fields, TileCount blocks, int64_t shared, std::string reason) {
  std::sort(fields.begin(), fields.end(),
            [](const auto &a, const auto &b) { return a.name < b.name; });
  return {std::move(fields), blocks, shared, std::move(reason), true};
}

static Configuration rejected(Fields fields, std::string reason) {
  Configuration config = make(std::move(fields), {}, 0, std::move(reason));
  config.legal = false;
  return config;
}

/// Blocks of `rows` rows each, `times` for every such group of rows.
static TileCount rowBlocks(const KernelFacts &facts, int64_t rows, int64_t times = 1) {
  if (facts.size < 0) {
    return {-1, 1, 1, 1, times * ceilDiv(facts.maxRows, rows)};
  }
  return {facts.size, facts.rowFactor, rows, times, 0};
}

/// A row is a block; each thread has some of `work` columns.
static std::vector<Configuration> rowConfigs(const KernelFacts &facts, int64_t work,
                                             int64_t shared) {
  std::vector<Configuration> configs;
  for (int64_t threads = mostThreads; threads >= warpLanes; threads /= 2) {
    Fields fields{{"threads", threads}};
    if (threads > warpLanes && threads / 2 >= work) {
      configs.push_back(rejected(fields, "half of the threads would have nothing to do"));
    } else {
      configs.push_back(make(fields, rowBlocks(facts, 1), shared,
                             std::to_string(threads) + " threads share the " +
                                 std::to_string(work) + " columns of a row"));
    }
  }
  return configs;
}

/// Blocks of a product, given those of its columns.
static TileCount productBlocks(const KernelFacts &facts, bool grouped, int64_t rows,
                               int64_t columnBlocks) {
  if (!grouped) {
    return rowBlocks(facts, rows, columnBlocks * facts.groups);
  }
  // Every expert may begin a block of its own, unless there are fewer entries than that.
  int64_t blocks = std::min(facts.maxRows, ceilDiv(facts.maxRows, rows) + facts.groups);
  if (facts.size < 0) {
    return {-1, 1, 1, 1, columnBlocks * blocks};
  }
  if (blocks == facts.maxRows) {
    return {facts.size, facts.rowFactor, 1, columnBlocks, 0};
  }
  return {facts.size, facts.rowFactor, rows, columnBlocks, columnBlocks * facts.groups};
}

static std::string bytesReason(const std::string &what, int64_t bytes, int64_t most) {
  return what + " need " + std::to_string(bytes) + " bytes of shared memory, a block has " +
         std::to_string(most);
}

/// Why tensor cores cannot have what is multiplied as it is stored; empty if they can.
static std::string notForTensorCores(const KernelFacts &facts) {
  bool codes = facts.rows == DType::F8E4M3 && facts.weight == DType::F8E4M3;
  if (!codes && (facts.rows != DType::BF16 || facts.weight != DType::BF16)) {
    return "tensor cores would round rows of " + std::string(name(facts.rows)) +
           " or a weight of " + std::string(name(facts.weight)) + " to bf16";
  }
  int64_t chunk = mmaChunkBytes / int64_t(byteSize(facts.rows));
  bool aligned = facts.k % chunk == 0 && facts.rowsBegin % chunk == 0;
  return aligned ? "" : "rows do not begin at borders of 16 bytes";
}

/// Why a tile with so many columns does not do for a product; empty if it does.
static std::string tileRefusal(const KernelFacts &facts, int64_t columns) {
  if (std::string reason = notForTensorCores(facts); !reason.empty()) {
    return reason;
  }
  if (facts.rows == DType::F8E4M3 && facts.scaleColumns != mmaRowBytes) {
    return "a piece has " + std::to_string(mmaRowBytes) + " columns, a block of scales " +
           std::to_string(facts.scaleColumns);
  }
  if (facts.codeGroup > 0 && facts.codeGroup != columns) {
    return "a tile has " + std::to_string(columns) + " columns, a group of codes " +
           std::to_string(facts.codeGroup);
  }
  return "";
}

/// "rows of codes meet WHAT, in tiles of 128 x 64".
static std::string tileReason(const KernelFacts &facts, const std::string &what, int64_t rows,
                              int64_t columns) {
  return "rows of " + std::string(facts.rows == DType::BF16 ? "bf16" : "codes") + " meet " + what +
         ", in tiles of " + std::to_string(rows) + " x " + std::to_string(columns);
}

/// Bytes of `rows` rows of values that become codes.
static int64_t stagedBytes(const KernelFacts &facts, int64_t rows) {
  return facts.codeGroup > 0 ? rows * (facts.codeGroup + codePadding) * 4 : 0;
}

/// Boxes in which a warp of warp groups stores what it has of a tile; 0 if each thread stores its
/// own.
static int64_t wgmmaBoxes(const KernelFacts &facts) {
  constexpr int64_t chunk = mmaChunkBytes / 2;
  int64_t part = wgmmaColumns / facts.parts;
  bool boxed = facts.codeGroup == 0 && facts.result == DType::BF16 &&
               facts.resultBegins % chunk == 0 && facts.n >= boxColumns && part % boxColumns == 0;
  return boxed ? part / boxColumns : 0;
}

static Configuration wgmmaConfig(const GpuVariant &variant, const KernelFacts &facts,
                                 bool grouped) {
  // Where the columns of both products make a group of codes, they lie side by side.
  bool beside = facts.codeGroup * facts.parts > wgmmaColumns;
  int64_t rows = (beside ? 1 : 2) * wgmmaRows, part = wgmmaColumns / facts.parts;
  int64_t columns = (beside ? 2 : 1) * part;
  // Each of two blocks brings half of a part of the weight's rows, by eights.
  bool paired = !grouped && facts.maxRows > rows && part % 16 == 0;
  GpuProduct form = paired ? GpuProduct::WgmmaPairs : GpuProduct::WgmmaTiles;
  int64_t boxes = wgmmaBoxes(facts);
  Fields fields{{"form", int64_t(form)}, {"rows", rows},   {"columns", columns},
                {"stages", wgmmaStages}, {"boxes", boxes}, {"threads", wgmmaThreads}};
  if (variant.name != variantSm90a) {
    return rejected(fields, "warp groups multiply on sm_90a alone");
  }
  if (std::string refusal = tileRefusal(facts, columns); !refusal.empty()) {
    return rejected(fields, refusal);
  }
  if (wgmmaColumns % (8 * facts.parts) != 0) {
    return rejected(fields, std::to_string(facts.parts) + " parts do not divide a tile of " +
                                std::to_string(wgmmaColumns) + " columns by eights");
  }
  constexpr int64_t barrierBytes = 8;
  int64_t bytes = wgmmaStages * ((rows + facts.parts * columns) * mmaRowBytes + 2 * barrierBytes) +
                  (facts.codeGroup > 0 ? stagedBytes(facts, rows) + barrierBytes
                   : boxes > 0         ? boxes * wgmmaWarps * boxRows * boxColumns * 2
                                       : facts.parts * wgmmaWarps * turnedBytes);
  if (bytes > variant.sharedBytes) {
    return rejected(fields, bytesReason("the stages", bytes, variant.sharedBytes));
  }
  int64_t together = clusterBlocks(form);
  return make(fields,
              productBlocks(facts, grouped, together * rows, together * ceilDiv(facts.n, columns)),
              bytes,
              tileReason(facts, "the tensor cores of warp groups", rows, columns) +
                  (paired ? " that share the weight by twos" : ""));
}

static Configuration mmaConfig(const GpuVariant &variant, const KernelFacts &facts, bool grouped) {
  const MmaShape &shape = facts.codeGroup > 0 ? mmaShapeOfCodes : mmaShape;
  Fields fields{{"form", int64_t(GpuProduct::MmaTiles)},
                {"rows", shape.rows},
                {"columns", shape.columns},
                {"stages", shape.stages},
                {"threads", mostThreads}};
  if (std::string refusal = tileRefusal(facts, shape.columns); !refusal.empty()) {
    return rejected(fields, refusal);
  }
  int64_t bytes = shape.stages * (shape.rows + facts.parts * shape.columns) * mmaRowBytes;
  if (bytes > variant.sharedBytes) {
    return rejected(fields, bytesReason("the stages", bytes, variant.sharedBytes));
  }
  return make(fields, productBlocks(facts, grouped, shape.rows, ceilDiv(facts.n, shape.columns)),
              bytes, tileReason(facts, "tensor cores", shape.rows, shape.columns));
}

static Configuration fmaConfig(const GpuVariant &variant, const KernelFacts &facts, bool grouped) {
  Fields fields{{"form", int64_t(GpuProduct::FmaTiles)},
                {"rows", fmaTile},
                {"columns", fmaTile},
                {"threads", mostThreads}};
  int64_t columns = facts.codeGroup > 0 ? facts.codeGroup : fmaTile;
  int64_t bytes = (1 + facts.parts) * fmaPieceBytes + stagedBytes(facts, fmaTile);
  if (bytes > variant.sharedBytes) {
    return rejected(fields, bytesReason("groups of " + std::to_string(facts.codeGroup) + " codes",
                                        bytes, variant.sharedBytes));
  }
  return make(fields, productBlocks(facts, grouped, fmaTile, ceilDiv(facts.n, columns)), bytes,
              "products are summed in f32, in tiles of 64 x 64");
}

/// A few rows: a warp has a column, and a block those of its warps, or those of a group of codes.
static Configuration dotConfig(const KernelFacts &facts, bool grouped, int64_t most) {
  // A group's columns are many: of as many threads as have registers for the sums of the rows, so
  // that a multiprocessor waits for as many loads as it would for those of small blocks.
  constexpr int64_t dotThreads = 128, ofOneRow = 1024, ofFourRows = 512, ofMoreRows = 384;
  int64_t ofGroup = most == 1 ? ofOneRow : most <= 4 ? ofFourRows : ofMoreRows;
  bool staged = facts.codeGroup > 0;
  int64_t threads = staged ? ofGroup : dotThreads;
  int64_t columns = staged ? facts.codeGroup : threads / warpLanes;
  // The rows that one weight can meet: all of the step in the worst case. A token chooses an
  // expert once.
  int64_t rows = grouped ? ceilDiv(facts.maxRows, facts.rowFactor) : facts.maxRows;
  Fields fields{{"form", int64_t(GpuProduct::Dots)},
                {"rows", most},
                {"columns", columns},
                {"threads", threads}};
  if (most < rows) {
    return rejected(fields, "a weight would be read again for every " + std::to_string(most) +
                                " of " + std::to_string(rows) + " rows");
  }
  std::string reason =
      "a warp has a column, which is read once for up to " + std::to_string(most) + " rows";
  return make(fields, productBlocks(facts, grouped, most, ceilDiv(facts.n, columns)),
              stagedBytes(facts, most),
              reason + (staged ? ", a block those of a group of codes" : ""));
}

static std::vector<Configuration> productConfigs(const GpuVariant &variant,
                                                 const KernelFacts &facts, bool grouped) {
  std::vector<Configuration> configs;
  for (int64_t most = 1; most <= mostDotRows; most *= 2) {
    configs.push_back(dotConfig(facts, grouped, most));
  }
  configs.push_back(mmaConfig(variant, facts, grouped));
  configs.push_back(wgmmaConfig(variant, facts, grouped));
  if (facts.warpGroups) {
    std::iter_swap(configs.end() - 1, configs.end() - 2);
  }
  configs.push_back(fmaConfig(variant, facts, grouped));
  return configs;
}

/// Blocks that occupy a GPU: about its multiprocessors (132 of an H100).
static constexpr int64_t wantedBlocks = 128;
static constexpr const char *fewBlocks = "too few blocks for the multiprocessors of a GPU";

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
  return make(fields, rowBlocks(facts, 1, tiles), pieces.bytes,
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
  return make(fields, rowBlocks(facts, 1, tiles), bytes,
              std::to_string(heads) + " heads share a read of the latents; " + refusal);
}

static std::vector<Configuration> latentConfigs(const GpuVariant &variant,
                                                const KernelFacts &facts) {
  std::vector<Configuration> configs;
  for (int64_t heads : {64, 32, 16}) {
    configs.push_back(latentMmaConfig(variant, facts, heads));
  }
  // What the fewest heads are refused for, all are.
  std::string refusal = configs.back().reason;
  for (int64_t heads : {8, 4, 3, 2, 1}) {
    configs.push_back(latentFmaConfig(variant, facts, heads, refusal));
  }
  return configs;
}

/// Tokens of a block of expanded attention on tensor cores.
static constexpr int64_t mmaTokens = 64;

static Configuration expandedMmaConfig(const GpuVariant &variant, const KernelFacts &facts) {
  Fields fields{
      {"form", int64_t(GpuProduct::MmaTiles)}, {"rows", mmaTokens}, {"threads", mostThreads}};
  for (DType type : {facts.rows, facts.weight, facts.cache}) {
    if (type != DType::BF16) {
      return rejected(fields, "tensor cores would round queries, weight or cache of " +
                                  std::string(name(type)) + " to bf16");
    }
  }
  constexpr int64_t chunk = mmaChunkBytes / 2;
  int64_t depth = facts.nope + facts.rope;
  if (depth % 16 != 0 || facts.value % 16 != 0 || facts.nope % chunk != 0 ||
      facts.latent % chunk != 0 || facts.rowsBegin % chunk != 0 ||
      facts.pageTokens != mmaShape.columns) {
    return rejected(fields, "queries, keys, values or pages are no whole fragments");
  }
  // Rows of queries and keys are padded to whole swizzles.
  int64_t bytes = mmaShape.stages * (mmaShape.rows + mmaShape.columns) * mmaRowBytes +
                  (mmaTokens + facts.pageTokens) * ceilDiv(depth, 64) * 64 * 2 +
                  facts.value * facts.pageTokens * 2 + (2 * mmaTokens + 1) * 4;
  if (bytes > variant.sharedBytes) {
    return rejected(fields, bytesReason("stages, queries and a page", bytes, variant.sharedBytes));
  }
  return make(fields, rowBlocks(facts, mmaTokens, facts.heads), bytes,
              "64 tokens share a page that tensor cores expand");
}

static std::vector<Configuration> expandedConfigs(const GpuVariant &variant,
                                                  const KernelFacts &facts) {
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
      configs.push_back(make(fields, rowBlocks(facts, rows, facts.heads), bytes,
                             std::to_string(rows) + " tokens share a page that is expanded"));
    }
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
    return productConfigs(variant, facts, false);
  case Family::GroupedGemm:
    return productConfigs(variant, facts, true);
  case Family::LatentAttention:
    return latentConfigs(variant, facts);
  case Family::ExpandedAttention:
    return expandedConfigs(variant, facts);
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
        config.tiles = rowBlocks(facts, 1, ceilDiv(facts.n, config.get("threads")));
      }
    }
    return configs;
  }
  case Family::AttentionCombine: {
    std::vector<Configuration> configs = rowConfigs(facts, facts.latent, 0);
    for (Configuration &config : configs) {
      config.tiles = rowBlocks(facts, 1, facts.heads);
    }
    return configs;
  }
  case Family::Router:
    return {make({{"threads", warpLanes}}, rowBlocks(facts, 1),
                 (2 * facts.groups + facts.expertGroups + 2 * facts.topK) * 4,
                 "a warp chooses for a token without a barrier")};
  case Family::Dispatch:
    return {make({{"threads", mostThreads}}, {-1, 1, 1, 1, 1}, (facts.groups + 1) * 4,
                 "one block keeps the order of the tokens")};
  }
  return {};
}

} // namespace dsv3::plan
