//===- GpuProductConfigs.cpp - gemm and grouped_gemm on GPUs --------------===//
#include "GpuConfigs.h"

#include "dsv3/Plan/Chip.h"
#include "dsv3/Plan/Names.h"
#include "dsv3/Support/WeightEncoding.h"

namespace dsv3::plan {

/// tile/fma.cuh: rows and columns of a tile.
static constexpr int64_t fmaTile = 64;
/// tile/mma.cuh: of what has the columns of a group of codes.
static constexpr MmaShape mmaShapeOfCodes{64, 128, 2};
/// tile/quantise.cuh: floats between the rows of values that become codes.
static constexpr int64_t codePadding = 8;
/// tile/turn.cuh: of a part and a warp.
static constexpr int64_t turnedBytes = int64_t(16) * (32 + 8) * 4;
/// tile/wgmma.cuh: two products of 64 x 128, the columns being those of all parts together; pieces
/// in shared memory, at least and at most; threads, and warps that multiply.
static constexpr int64_t wgmmaRows = 64, wgmmaColumns = 128, leastStages = 4, mostStages = 6,
                         wgmmaThreads = 384, wgmmaWarps = 8;
/// tile/boxes.cuh: rows and columns of a box of bf16.
static constexpr int64_t boxRows = 16, boxColumns = 64;

/// Tiles of rows that experts have at the most, on average, where blocks do not share weights.
static constexpr int64_t aloneTilesOfExpert = 2;

int64_t fewTilesOfPairs(bool grouped, int64_t groups, int64_t columnTiles) {
  // The grid of grouped products has room for one more tile of each expert, see below.
  return (grouped ? aloneTilesOfExpert + 1 : 1) * groups * columnTiles;
}

/// Blocks of a product, given those of its columns.
static TileCount productBlocks(const KernelFacts &facts, bool grouped, int64_t rows,
                               int64_t columnBlocks) {
  if (!grouped) {
    return rowTiles(facts, rows, columnBlocks * facts.groups);
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

std::string scaleRefusal(const KernelFacts &facts) {
  int64_t ofCopy = chunkElements(facts.weight);
  return facts.rounded && facts.scaleColumns % ofCopy != 0
             ? "a block of scales has " + std::to_string(facts.scaleColumns) + " columns, a copy " +
                   std::to_string(ofCopy)
             : "";
}

/// Why tensor cores cannot have rows and weight; empty if they can.
static std::string notForTensorCores(const KernelFacts &facts) {
  bool codes = facts.rows == DType::F8E4M3 && facts.weight == DType::F8E4M3;
  bool bf16 = facts.rows == DType::BF16 && (facts.weight == DType::BF16 || facts.rounded);
  if (!codes && !bf16) {
    return "tensor cores would round rows of " + std::string(name(facts.rows)) +
           " or a weight of " + std::string(name(facts.weight)) + " to bf16";
  }
  int64_t ofRows = chunkElements(facts.rows);
  if (facts.k % std::max(chunkElements(facts.weight), ofRows) != 0 ||
      facts.rowsBegin % ofRows != 0) {
    return "rows do not begin at borders of 16 bytes";
  }
  return scaleRefusal(facts);
}

int64_t mmaBytes(const KernelFacts &facts, const MmaShape &shape) {
  int64_t ofRows = shape.stages * shape.rows, ofWeight = facts.parts * shape.columns;
  if (!facts.rounded) {
    return (ofRows + shape.stages * ofWeight) * mmaRowBytes;
  }
  // Two pieces of bf16, and of what they are made of one less than of the rows.
  constexpr int64_t widened = 2, bf16Bits = 16;
  return (ofRows + widened * ofWeight) * mmaRowBytes +
         (shape.stages - 1) * ofWeight * mmaRowBytes * int64_t(bitSize(facts.weight)) / bf16Bits;
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
         ", in tiles of " + std::to_string(rows) + " x " + std::to_string(columns) +
         (facts.rounded ? ", the weight rounded on its way" : "");
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

/// Blocks of a cluster, at the most.
static constexpr int64_t mostDepthParts = 8;

static const Chip &warpGroupChip() { return *chipFor(*findGpuVariant(variantSm90a)); }

int64_t dividingBlocks() {
  // A cluster lies in one of the chip's parts (GPC), which have 16 or 18 multiprocessors.
  return warpGroupChip().multiprocessors / mostDepthParts * mostDepthParts;
}

namespace {
/// How long a step of one row of tiles takes, in clocks, and how many blocks divide its depth.
struct DepthDivision {
  int64_t parts = 1, clocks = 0, undivided = 0;
};
} // namespace

/// A block's pieces pass through its shared memory, which took an H100 about twice as long as its
/// rate allows (docs/performance.md, 64 rows), and sums of a tile from block to block; all tiles
/// come from memory. Every block has pieces enough for its stages: waiting for the first takes as
/// long however few follow. Tiles have `rows` rows, of which a block adds up sixteen or more;
/// `ofStage` is the bytes of a piece.
static DepthDivision divisionOf(const KernelFacts &facts, int64_t columnTiles, int64_t rows,
                                int64_t ofStage) {
  constexpr int64_t sharedBytes = 128 / 2; // a clock
  // Between multiprocessors, a clock: 3.27 TB/s of all in clusters of two, 2.65 in those of four
  // (Benchmarking and Dissecting the Nvidia Hopper GPU Architecture, arXiv 2402.13499).
  constexpr int64_t clusterBytes = 12;
  constexpr int64_t sumBytes = 2 * wgmmaRows * wgmmaColumns * 4;
  constexpr int64_t readBytes = 2 * (wgmmaRows + wgmmaColumns) * mmaRowBytes;
  const Chip &chip = warpGroupChip();
  int64_t rowBytes = facts.k * int64_t(bitSize(facts.weight)) / 8;
  int64_t pieces = ceilDiv(rowBytes, mmaRowBytes);
  double weight = double(facts.groups * facts.parts * facts.n * rowBytes);
  auto ofMemory = int64_t(weight / (chip.memoryBandwidth * chip.copyFraction) * chip.clock);
  DepthDivision best;
  for (int64_t parts = 1; parts <= mostDepthParts; parts *= 2) {
    if (parts > 1 && (pieces < parts * mostStages || columnTiles * parts > dividingBlocks())) {
      break;
    }
    int64_t tiles = ceilDiv(columnTiles * parts, chip.multiprocessors);
    int64_t ofShared = tiles * ceilDiv(pieces, parts) * (ofStage + readBytes) / sharedBytes;
    int64_t ofSums = sumBytes * (parts - 1) / std::min(parts, rows / boxRows) / clusterBytes;
    int64_t clocks = std::max(ofMemory, ofShared) + ofSums;
    best.undivided = parts == 1 ? clocks : best.undivided;
    if (parts == 1 || clocks < best.clocks) {
      best.parts = parts;
      best.clocks = clocks;
    }
  }
  return best;
}

/// Why blocks divide the depth of so many tiles; nothing where they do not.
static std::string divisionReason(const DepthDivision &depth, int64_t tiles) {
  return depth.parts == 1 ? ""
                          : "; " + std::to_string(tiles) + " tiles are few, whose depth " +
                                std::to_string(depth.parts) + " blocks divide: about " +
                                std::to_string(depth.clocks) + " clocks where one takes " +
                                std::to_string(depth.undivided);
}

static Configuration wgmmaConfig(const GpuVariant &variant, const KernelFacts &facts,
                                 bool grouped) {
  // Where the columns of both products make a group of codes, they lie side by side.
  bool beside = facts.codeGroup * facts.parts > wgmmaColumns;
  int64_t rows = (beside ? 1 : 2) * wgmmaRows, part = wgmmaColumns / facts.parts;
  int64_t columns = (beside ? 2 : 1) * part;
  // Each of two blocks brings half of a part of the weight's rows, by eights.
  int64_t alone = grouped ? aloneTilesOfExpert * facts.groups : 1;
  bool paired = facts.maxRows > alone * rows && part % 16 == 0;
  GpuProduct form = paired ? GpuProduct::WgmmaPairs : GpuProduct::WgmmaTiles;
  int64_t boxes = wgmmaBoxes(facts);
  constexpr int64_t barrierBytes = 8;
  int64_t ofStage = (rows + facts.parts * columns) * mmaRowBytes + 2 * barrierBytes;
  int64_t ofResults = facts.codeGroup > 0 ? stagedBytes(facts, rows)
                      : boxes > 0         ? boxes * wgmmaWarps * boxRows * boxColumns * 2
                                          : facts.parts * wgmmaWarps * turnedBytes;
  int64_t stages = std::clamp((variant.sharedBytes - ofResults) / ofStage, leastStages, mostStages);
  int64_t columnTiles = ceilDiv(facts.n, columns);
  DepthDivision depth =
      grouped ? DepthDivision() : divisionOf(facts, columnTiles * facts.groups, rows, ofStage);
  Fields fields{{"form", int64_t(form)},      {"rows", rows},     {"columns", columns},
                {"depth_parts", depth.parts}, {"stages", stages}, {"boxes", boxes},
                {"threads", wgmmaThreads}};
  if (variant.name != variantSm90a) {
    return rejected(fields, "warp groups multiply on sm_90a alone");
  }
  if (facts.rounded) {
    return rejected(fields, "warp groups multiply a weight as it is stored");
  }
  if (std::string refusal = tileRefusal(facts, columns); !refusal.empty()) {
    return rejected(fields, refusal);
  }
  if (wgmmaColumns % (32 * facts.parts) != 0) {
    return rejected(fields, std::to_string(facts.parts) + " parts do not divide a tile of " +
                                std::to_string(wgmmaColumns) + " columns into 32 or more");
  }
  int64_t bytes = stages * ofStage + ofResults;
  if (bytes > variant.sharedBytes) {
    return rejected(fields, bytesReason("the stages", bytes, variant.sharedBytes));
  }
  return make(fields, productBlocks(facts, grouped, rows, columnTiles), bytes,
              tileReason(facts, "the tensor cores of warp groups", rows, columns) +
                  (paired ? " that share the weight by twos" : "") +
                  divisionReason(depth, columnTiles * facts.groups));
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
  int64_t bytes = mmaBytes(facts, shape);
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

std::vector<Configuration> gpuProductConfigs(const GpuVariant &variant, const KernelFacts &facts,
                                             bool grouped) {
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

} // namespace dsv3::plan
