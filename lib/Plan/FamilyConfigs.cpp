//===- FamilyConfigs.cpp - the legal configurations of each family --------===//
//
// Enumerates configurations and orders them. The rules follow from three facts:
// accumulators must stay in vector registers, a thread's scratch should stay in
// its second-level cache, and there should be some tens of tiles, so that a team
// of threads is busy to the end.
//
//===----------------------------------------------------------------------===//
#include "Configs.h"

#include "dsv3/Plan/Scratch.h"

namespace dsv3::plan {

/// Tiles that a kernel should have so that threads end together.
static constexpr int64_t wantedTiles = 64;
/// Rows that share one read of an expanded weight in a large step.
static constexpr int64_t largeTileRows = 96;
/// Columns of each part that a tile has at most: copying a block of rows is shared by so many, and
/// the sums of a large step stay in a second-level cache.
static constexpr int64_t mostTileColumns = 256;
/// Bytes of a block of a register tile's columns as f32: half of a first-level cache, beside the
/// rows that meet it.
static constexpr int64_t expandedBlockBytes = 16384;
/// Columns of a weight in place that are summed in vectors, at most, before their lanes are. With
/// 32 registers multiply-adds are so fast that such a block of more rows than mostOnWholeRows has
/// to be in a first-level cache; with 16 longer runs of memory gain more.
static int64_t inPlaceBlock(const CpuVariant &variant) {
  return variant.registers >= 32 ? 1024 : 2048;
}
/// Rows that meet a weight in place as it is read and widened.
static constexpr int64_t mostFewInPlace = 16;
/// f32 elements that a tile of elementwise work should have.
static constexpr int64_t rowTileElements = 16384;

/// Elementwise families: as many rows as make a tile worth its dispatch.
static std::vector<Configuration> rowConfigs(const KernelFacts &facts, int64_t workPerRow) {
  int64_t fitting = std::max<int64_t>(1, rowTileElements / std::max<int64_t>(1, workPerRow));
  int64_t sharing = std::max<int64_t>(1, facts.maxRows / wantedTiles);
  std::vector<Configuration> configs;
  for (int64_t rows : {32, 16, 8, 4, 2, 1}) {
    if (rows > 1 && rows > fitting) {
      configs.push_back(rejected({{"rows", rows}}, "a tile of " + std::to_string(rows) +
                                                       " rows is longer than its share"));
    } else if (rows > 1 && rows > sharing) {
      configs.push_back(rejected({{"rows", rows}}, "too few tiles for a team of threads"));
    } else {
      configs.push_back(make({{"rows", rows}}, rowTiles(facts, rows), 0,
                             std::to_string(rows) + " rows are enough work for a tile"));
    }
  }
  return configs;
}

/// Whether rows meet a weight in place as it is read, instead of transposed in memory.
static bool areFewInPlace(const KernelFacts &facts, int64_t rows) {
  return facts.inPlace && rows <= mostFewInPlace;
}

/// Columns of K that are summed in registers before they are added to accumulators: those of
/// a scale, or as many as an expanded block of a panel has. Where several rows meet weights that
/// are scaled a few at a time, these are whole blocks of scales; where few meet a weight in place,
/// equal blocks.
static int64_t productKBlock(const CpuVariant &variant, const KernelFacts &facts, int64_t k,
                             int64_t rows) {
  if (areFewInPlace(facts, rows)) {
    int64_t blocks = ceilDiv(k, inPlaceBlock(variant));
    return ceilDiv(ceilDiv(k, blocks), inPlaceColumns) * inPlaceColumns;
  }
  int64_t expanded = expandedBlockBytes / (4 * tileWidth(variant));
  if (facts.scaleColumns > 0 && isScaledAlongRows(facts.weight) && rows > 1) {
    return std::min(ceilDiv(k, facts.scaleColumns), expanded / facts.scaleColumns) *
           facts.scaleColumns;
  }
  return facts.scaleColumns > 0 ? facts.scaleColumns : std::min(k, expanded);
}

/// Rows that meet a panel in registers, expanded as it is read: as many as have sums there. Up to
/// three times as many rows do so, twice of codes, in groups of about one size: a panel that is
/// read and expanded so often costs as much as one that is expanded into memory. Rows in place that
/// are not few meet none, since transposing is for memory.
struct StreamRows {
  int64_t atOnce, most;

  StreamRows(const CpuVariant &variant, DType weight, int64_t rows) {
    int64_t vectors = panelWidth(variant, weight) / variant.lanes;
    atOnce = std::min(rows, sumsThatFit(variant, vectors) / vectors);
    most = std::min(rows, (scaleForm(weight) ? 2 : 3) * atOnce);
  }
  /// Of a weight in place, `mr` at once.
  StreamRows(const KernelFacts &facts, int64_t rows, int64_t mr)
      : atOnce(areFewInPlace(facts, rows) ? mr : 0), most(atOnce > 0 ? rows : 0) {}

  void addTo(Fields &fields) const {
    fields.insert(fields.end(), {{"stream", atOnce}, {"stream_most", most}});
  }
};

/// The rows that one weight can meet: all of the step in the worst case. A token chooses an
/// expert once.
static int64_t rowsOfWeight(const KernelFacts &facts, bool grouped) {
  return grouped ? ceilDiv(facts.maxRows, facts.rowFactor) : facts.maxRows;
}

namespace {
/// How gemm and grouped_gemm are cut: `panels` of each part for blocks of `mTile` rows.
struct ProductTiles {
  int64_t mTile, panels;
  TileCount count;

  /// `flight`: the least panels of a tile, each for `width` columns.
  ProductTiles(const KernelFacts &facts, bool grouped, int64_t width, int64_t flight)
      : mTile(std::min(rowsOfWeight(facts, grouped), largeTileRows)), panels(flight) {
    int64_t panelsOfPart = ceilDiv(facts.n, width);
    int64_t blocks = ceilDiv(facts.maxRows, mTile);
    int64_t rowBlocks =
        grouped ? std::min(facts.maxRows, blocks + facts.groups) : blocks * facts.groups;
    int64_t mostPanels = mostTileColumns / width;
    while (panels * 2 <= std::min(mostPanels, panelsOfPart) &&
           rowBlocks * ceilDiv(panelsOfPart, panels * 2) >= wantedTiles) {
      panels *= 2;
    }
    int64_t columnTiles = ceilDiv(panelsOfPart, panels);
    if (!grouped) {
      count = rowTiles(facts, mTile, facts.groups * columnTiles);
    } else if (facts.size < 0) {
      count = {-1, 1, 1, 1, columnTiles * rowBlocks};
    } else if (facts.maxRows <= blocks + facts.groups) {
      // Every entry may have an expert of its own.
      count = {facts.size, facts.rowFactor, 1, columnTiles, 0};
    } else {
      count = {facts.size, facts.rowFactor, mTile, columnTiles, columnTiles * facts.groups};
    }
  }
};
} // namespace

/// One candidate of gemm or grouped_gemm: a register tile of `mr` rows, or for a single row
/// `flight` panels side by side.
static Configuration gemmConfig(const CpuVariant &variant, const KernelFacts &facts, bool grouped,
                                int64_t mr, int64_t flight) {
  int64_t nr = panelWidth(variant, facts.weight);
  int64_t panelsOfPart = ceilDiv(facts.n, nr);
  int64_t rows = rowsOfWeight(facts, grouped);
  // A single row meets all parts at once, unless there is room for one panel alone.
  int64_t accumulators = rows == 1 && expandsInFewRegisters(variant, facts.weight) ? sumsInFlight
                         : rows == 1 ? flight * nr / variant.lanes * facts.parts
                         : areFewInPlace(facts, rows)
                             ? mr * inPlaceRows(variant, rows) * inPlaceSums(variant)
                             : mr * 2;
  Fields fields{{"flight", flight}, {"mr", mr}, {"nr", nr}};
  std::string tile = std::to_string(mr) + " rows x ";
  if (rows == 1) {
    tile += std::to_string(flight) + " panels of " + std::to_string(nr) + " columns";
  } else if (areFewInPlace(facts, rows)) {
    tile += std::to_string(inPlaceRows(variant, rows)) + " rows of the weight";
  } else {
    tile += std::to_string(tileWidth(variant)) + " columns";
  }
  if (mr > rows) {
    return rejected(fields, tile + ": there are never more than " + std::to_string(rows) + " rows");
  }
  if (flight > 1 && rows > 1) {
    return rejected(fields, tile + ": of several rows their number says how many panels they meet");
  }
  if (flight > 1 && facts.inPlace) {
    return rejected(fields, tile + ": rows of a weight in place are read one after the other");
  }
  if (flight > 1 && scaleForm(facts.weight)) {
    return rejected(fields, tile + ": panels of codes are read one after the other, in one run");
  }
  if (flight > 1 && flight > panelsOfPart) {
    return rejected(fields, tile + ": there are only " + std::to_string(panelsOfPart) + " panels");
  }
  // A broadcast and what a column is expanded from and to need registers as well.
  if (accumulators > variant.registers - 4) {
    return rejected(fields, tile + " needs " + std::to_string(accumulators) +
                                " accumulators, there are registers for " +
                                std::to_string(variant.registers - 4));
  }

  int64_t kBlock = productKBlock(variant, facts, facts.k, rows);
  ProductTiles tiles(facts, grouped, nr, flight);
  fields.insert(fields.end(),
                {{"m_tile", tiles.mTile}, {"panels", tiles.panels}, {"k_block", kBlock}});
  StreamRows stream =
      facts.inPlace ? StreamRows(facts, rows, mr) : StreamRows(variant, facts.weight, rows);
  stream.addTo(fields);
  GemmScratch scratch({tiles.mTile, mr, stream.most}, tiles.panels, facts.parts, kBlock, nr,
                      facts.weight, facts.k);
  return make(std::move(fields), tiles.count, scratch.bytes,
              tile + " keep " + std::to_string(accumulators) +
                  " accumulators in registers for up to " + std::to_string(rows) + " rows");
}

static std::vector<Configuration> gemmConfigs(const CpuVariant &variant, const KernelFacts &facts,
                                              bool grouped) {
  std::vector<Configuration> configs;
  for (int64_t mr : {12, 6, 4, 2, 1}) {
    for (int64_t flight : {4, 2, 1}) {
      configs.push_back(gemmConfig(variant, facts, grouped, mr, flight));
    }
  }
  // The highest tile first. For a single row, of no codes, the most panels whose sums are no more
  // than hide the latency of the additions: more panels at once would be more streams of memory.
  int64_t vectors = panelWidth(variant, facts.weight) / variant.lanes;
  auto usefulness = [&](const Configuration &config) {
    int64_t mr = config.get("mr"), flight = config.get("flight");
    return flight * vectors * facts.parts > sumsInFlight && flight > 1 ? -flight : mr * 64 + flight;
  };
  std::stable_sort(configs.begin(), configs.end(),
                   [&](const Configuration &a, const Configuration &b) {
                     return usefulness(a) > usefulness(b);
                   });
  return configs;
}

/// A product by dot products: the weight is read as it lies, or widened, by tiles of `mr` rows.
/// Integer sums of a block of scales stay in registers, and so do the f32 sums of all blocks, but
/// for those of widened codes; sums of bf16 are f32 alone.
static Configuration dotConfig(const CpuVariant &variant, const KernelFacts &facts, bool grouped,
                               int64_t mr) {
  int64_t nr = panelWidth(variant, facts.weight), rows = rowsOfWeight(facts, grouped);
  bool widens = widensCodes(variant, facts.rows, facts.weight, rows);
  int64_t accumulators = mr * 2 * (facts.rows == DType::I8 && !widens ? 2 : 1);
  Fields fields{{"mr", mr}, {"nr", nr}};
  std::string tile =
      std::to_string(mr) + " rows x " + std::to_string(tileWidth(variant)) + " columns";
  if (mr > rows) {
    return rejected(fields, tile + ": there are never more than " + std::to_string(rows) + " rows");
  }
  // Beside widened codes two vectors of the weight, a word of a row and a product need registers.
  bool fits = widens ? accumulators <= variant.registers - 4
                     : dotSumsStay(variant, mr * 2, facts.rows == DType::I8);
  if (!fits) {
    return rejected(fields, tile + " needs " + std::to_string(accumulators) +
                                " accumulators, more than there are registers for");
  }
  ProductTiles tiles(facts, grouped, nr, 1);
  int64_t k = ceilDiv(facts.k, dotColumns) * dotColumns;
  int64_t bits = widens ? 16 : int64_t(bitSize(facts.weight));
  int64_t inCache = expandedBlockBytes * 8 / bits / tileWidth(variant);
  int64_t kBlock = rows == 1 ? k : std::min(k, inCache / dotColumns * dotColumns);
  DotScratch scratch(variant, facts.rows, facts.weight, paddedRows(tiles.mTile, mr), tiles.panels,
                     facts.parts, kBlock, nr);
  fields.insert(fields.end(),
                {{"m_tile", tiles.mTile}, {"panels", tiles.panels}, {"k_block", kBlock}});
  return make(std::move(fields), tiles.count, scratch.bytes,
              tile + " of dot products for up to " + std::to_string(rows) + " rows");
}

static std::vector<Configuration> dotConfigs(const CpuVariant &variant, const KernelFacts &facts,
                                             bool grouped) {
  std::vector<Configuration> configs;
  for (int64_t mr : {12, 6, 2, 1}) {
    configs.push_back(dotConfig(variant, facts, grouped, mr));
  }
  return configs;
}

static std::vector<Configuration> productConfigs(const CpuVariant &variant,
                                                 const KernelFacts &facts, bool grouped) {
  // Where there is no instruction for dot products of bf16, rows are widened as they are read.
  bool dots =
      weightLayout(Family::Gemm, variant, facts.weight, facts.rows).kind == LayoutKind::Dots;
  return dots ? dotConfigs(variant, facts, grouped) : gemmConfigs(variant, facts, grouped);
}

/// Rows of a register tile of two vectors.
static int64_t tileRows(const CpuVariant &variant) { return sumsThatFit(variant, 2) / 2; }

static int64_t widenedPageOf(const KernelFacts &facts) {
  return widenedPage(facts.cache, facts.pageTokens, facts.latent + facts.rope);
}

static std::vector<Configuration> latentConfigs(const CpuVariant &variant,
                                                const KernelFacts &facts) {
  std::vector<Configuration> configs;
  for (int64_t heads : {16, 8, 4, 3, 2, 1}) {
    Fields fields{{"heads", heads}, {"mr", tileRows(variant)}};
    if (facts.heads % heads != 0) {
      configs.push_back(rejected(fields, std::to_string(heads) + " does not divide " +
                                             std::to_string(facts.heads) + " heads"));
      continue;
    }
    int64_t tiles = facts.heads / heads * facts.keyParts;
    if (heads > 8 && facts.maxRows * tiles < wantedTiles / 4) {
      configs.push_back(rejected(fields, "too few tiles for a team of threads"));
      continue;
    }
    configs.push_back(
        make(fields, rowTiles(facts, 1, tiles),
             LatentScratch(heads, facts.pageTokens, facts.latent, widenedPageOf(facts)).bytes,
             std::to_string(heads) + " heads share a read of the latents"));
  }
  return configs;
}

/// Heads in tiles: merging their parts is little work.
static std::vector<Configuration> attentionCombineConfigs(const KernelFacts &facts) {
  std::vector<Configuration> configs;
  for (int64_t heads : {8, 4, 3, 2, 1}) {
    Fields fields{{"heads", heads}};
    configs.push_back(facts.heads % heads != 0
                          ? rejected(fields, std::to_string(heads) + " does not divide " +
                                                 std::to_string(facts.heads) + " heads")
                          : make(fields, rowTiles(facts, 1, facts.heads / heads), 0,
                                 std::to_string(heads) + " heads are enough work for a tile"));
  }
  return configs;
}

static std::vector<Configuration> expandedConfigs(const CpuVariant &variant,
                                                  const KernelFacts &facts) {
  int64_t nr = panelWidth(variant, facts.weight);
  std::vector<Configuration> configs;
  for (int64_t mr : {12, 6, 4}) {
    Fields fields{{"mr", mr}, {"nr", nr}};
    if (mr * 2 > variant.registers - 4) {
      configs.push_back(rejected(fields, std::to_string(mr * 2) + " accumulators do not fit"));
      continue;
    }
    int64_t kBlock = productKBlock(variant, facts, facts.latent, facts.pageTokens);
    int64_t rows = 2 * mr;
    fields.insert(fields.end(), {{"k_block", kBlock}, {"rows", rows}});
    StreamRows(variant, facts.weight, facts.pageTokens).addTo(fields);
    ExpandedScratch scratch(facts.pageTokens, paddedRows(facts.pageTokens, mr), facts.nope,
                            facts.value, nr, kBlock, rows, widenedPageOf(facts));
    configs.push_back(make(fields, {-1, 1, 1, 1, facts.heads}, scratch.bytes(facts.maxRows),
                           "a page is expanded once per head for all tokens of the step"));
  }
  return configs;
}

static std::vector<Configuration> combineConfigs(const KernelFacts &facts) {
  std::vector<Configuration> configs;
  for (int64_t columns : {8192, 4096, 2048, 1024, 512}) {
    Fields fields{{"columns", columns}};
    int64_t blocks = ceilDiv(facts.n, columns);
    if (columns > 512 && facts.maxRows * blocks < wantedTiles / 4) {
      configs.push_back(rejected(fields, "too few tiles for a team of threads"));
      continue;
    }
    configs.push_back(make(fields, rowTiles(facts, 1, blocks), 0,
                           std::to_string(columns) + " columns are enough work for a tile"));
  }
  return configs;
}

std::vector<Configuration> enumerateConfigs(Family family, const CpuVariant &variant,
                                            const KernelFacts &facts) {
  switch (family) {
  case Family::Gemm:
    return productConfigs(variant, facts, false);
  case Family::GroupedGemm:
    return productConfigs(variant, facts, true);
  case Family::LatentAttention:
    return latentConfigs(variant, facts);
  case Family::AttentionCombine:
    return attentionCombineConfigs(facts);
  case Family::ExpandedAttention:
    return expandedConfigs(variant, facts);
  case Family::Combine:
    return combineConfigs(facts);
  case Family::Rowwise:
  case Family::Gather:
  case Family::Concat:
    return rowConfigs(facts, facts.n);
  case Family::Sample:
    return {make({{"rows", 1}}, rowTiles(facts, 1), SampleScratch().bytes,
                 "the logits of a row are enough work for a tile")};
  case Family::RopeTable:
    return rowConfigs(facts, facts.n * 32);
  case Family::RopeAppend:
    return rowConfigs(facts, facts.latent + (facts.heads + 1) * facts.rope);
  case Family::Router:
    return {make({{"rows", 1}}, rowTiles(facts, 1),
                 RouterScratch(facts.groups, facts.expertGroups).bytes,
                 "a token is enough work for a tile")};
  case Family::Dispatch:
    return {make({}, {-1, 1, 1, 1, 1}, DispatchScratch(facts.groups).bytes,
                 "counting in one tile keeps the order of the tokens")};
  case Family::ExpandLatents:
  case Family::PrefillAttention:
    return {
        rejected({}, "CPUs expand keys page by page; run dsv3-opt without kern-expand-latents")};
  }
  return {};
}

} // namespace dsv3::plan
