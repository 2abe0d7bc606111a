//===- Families.h - kernel families and their configurations ----*- C++ -*-===//
//
// The one table of kernel families: which there are, in which layout a family reads
// its weight, which configurations are legal for a variant (a kind of CPU or GPU), and
// which of them suits the facts of a kernel. The configuration pass, the code
// generators and the tests read it; a bundle keeps its hash.
//
// Standard library only. All functions are pure and thread-safe.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/Layout.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dsv3::plan {

enum class Family : uint8_t {
  Rowwise,
  Gemm,
  GroupedGemm,
  Gather,
  RopeTable,
  RopeAppend,
  LatentAttention,
  ExpandedAttention,
  Router,
  Dispatch,
  Combine,
  Concat,
  AttentionCombine,
  Sample,
  ExpandLatents,
  PrefillAttention,
};

/// The names are those of the kern dialect's core ops: rowwise, gemm, …
std::string_view name(Family family);
std::optional<Family> familyFromName(std::string_view text);

/// A kind of CPU that kernels are made for.
struct CpuVariant {
  std::string_view name;
  std::string_view cpu;      ///< LLVM's name of the CPU
  std::string_view features; ///< what it has besides, as LLVM names it
  int64_t lanes;             ///< f32 elements of a vector register
  int64_t registers;         ///< vector registers
  std::string_view tuning;   ///< LLVM function attribute prefer-vector-width
  DType dots = DType::F32;   ///< I8, BF16: has an instruction for dot products of such rows
};

std::span<const CpuVariant> cpuVariants();
/// The types that --activations can name: f32, bf16, int8. Nothing for others.
std::optional<DType> activationsFromName(std::string_view text);
/// The name of one of them.
std::string_view activationsName(DType type);
/// Those that a bundle has code for unless others are asked for: one for every CPU, and what suits
/// rows of products of type `activations`.
std::vector<std::string> variantsFor(DType activations);
/// Null if there is no such variant.
const CpuVariant *findCpuVariant(std::string_view text);

/// The width of the widest panel of all CPUs.
int64_t widestPanel(DType weight);
/// How a family reads its weight of type `weight` (gemm, grouped_gemm, expanded_attention: in
/// panels, or as words for dot products with rows of type `rows`, or, the first two, `inPlace`;
/// tables, norms and biases of the others: row-major).
Layout weightLayout(Family family, const CpuVariant &variant, DType weight, DType rows,
                    bool inPlace = false);

/// A kind of GPU that kernels are printed for.
struct GpuVariant {
  std::string_view name; ///< also NVRTC's name of the architecture
  int32_t capability;    ///< ten times the major number of the compute capability, plus the minor
  int64_t sharedBytes;   ///< dynamic shared memory that a block can have

  /// Whether it converts to codes of e4m3, and its tensor cores multiply them.
  constexpr bool hasFp8() const { return capability >= 89; }
  /// Whether kernels can wait for earlier launches, and so begin before these have ended.
  constexpr bool hasDependentLaunches() const { return capability >= 90; }
};

std::span<const GpuVariant> gpuVariants();
/// Null if there is no such variant.
const GpuVariant *findGpuVariant(std::string_view text);

/// The field `form` of products on GPUs.
enum class GpuProduct : int64_t {
  Dots,       ///< a warp has a column and a few rows
  FmaTiles,   ///< a block has a tile, in f32
  MmaTiles,   ///< a block has a tile, of bf16, to which the weight may be rounded on its way, or of
              ///< codes of e4m3, on tensor cores
  WgmmaTiles, ///< likewise, by warp groups of sm_90a, one tile after the other
  WgmmaPairs, ///< likewise, two blocks, of a cluster, sharing the weight's tile
};
/// Whether warp groups multiply in the form, and the blocks of a cluster.
constexpr bool isOfWarpGroups(GpuProduct form) { return form >= GpuProduct::WgmmaTiles; }
constexpr int64_t clusterBlocks(GpuProduct form) { return form == GpuProduct::WgmmaPairs ? 2 : 1; }
/// The most blocks of a launch of such forms that divide the depth of few tiles: as many as a chip
/// has at once, whatever their clusters are.
int64_t dividingBlocks();
/// The tiles of a step up to which blocks of WgmmaPairs are alone, whose product has so many tiles
/// of columns in each of `groups`. Where experts have no more than two tiles of rows on average,
/// another one, which rounds up to pairs, costs more than it saves.
int64_t fewTilesOfPairs(bool grouped, int64_t groups, int64_t columnTiles);
/// The most rows that a warp multiplies with one read of a column; more do so in a tile.
inline constexpr int64_t mostDotRows = 16;
/// The types of instructions that --tensor-cores can name: whether warp groups rather than warps
/// multiply in tiles (wgmma), or not (mma). Nothing for others.
std::optional<bool> warpGroupsFromName(std::string_view text);

/// Whether there is such a variant, of CPUs or GPUs, and all names: "x86-64-v3 or …".
bool isVariant(std::string_view text);
std::string variantList();
/// As weightLayout above for the variant of that name, which there must be. GPUs read all weights
/// row-major, as they are stored.
Layout weightLayout(Family family, std::string_view variant, DType weight, DType rows,
                    bool inPlace = false);

/// What a configuration depends on. Fields that a family does not name below are
/// ignored.
struct KernelFacts {
  /// The size that the rows of the result are counted in: its index in the
  /// kernel's own list of sizes, its maximum, and rows per unit (8 for "T*8"). For
  /// dispatch and router: tokens. For expanded_attention: of the step. An index of
  /// -1 says that there are `maxRows` rows, always.
  int32_t size = 0;
  int64_t maxRows = 1; ///< maximum of the size times rowFactor
  int64_t rowFactor = 1;
  /// gemm, grouped_gemm: columns of the result (of one part, of one head); rowwise,
  /// gather, combine, concat: columns of the result; rope_table: r/2; sample: columns of the
  /// logits.
  int64_t n = 1;
  int64_t k = 1; ///< gemm, grouped_gemm: columns of the weight
  /// gemm: heads with a weight of their own; grouped_gemm, router, dispatch:
  /// experts.
  int64_t groups = 1;
  int64_t parts = 1;         ///< gemm, grouped_gemm
  DType weight = DType::F32; ///< gemm, grouped_gemm, expanded_attention
  DType rows = DType::F32;   ///< gemm, grouped_gemm: what is multiplied with the weight;
                             ///< both attentions: the queries
  int64_t rowsBegin = 1;     ///< and a power of two: they begin at multiples of so many elements
  DType result = DType::F32; ///< gemm, grouped_gemm
  int64_t resultBegins = 1;  ///< gemm, grouped_gemm: as rowsBegin
  int64_t codeGroup = 0;     ///< columns of the result that become codes of e4m3 together; 0: none
  int64_t scaleColumns = 0;  ///< of the weight's scales; 0: none
  bool rounded = false;    ///< products, expanded_attention: a weight becomes bf16 where it is read
  bool warpGroups = false; ///< WgmmaTiles rather than MmaTiles
  bool inPlace = false;    ///< gemm, grouped_gemm, of CPUs: the weight (LayoutKind::InPlace)
  int64_t heads = 1;       ///< both attentions, attention_combine, rope_append
  int64_t latent = 0;      ///< c: both attentions, attention_combine, rope_append
  int64_t keyParts = 1;    ///< latent_attention and attention_combine: parts of a token's keys
  int64_t rope = 0;        ///< r: both attentions, rope_append
  int64_t nope = 0;        ///< n: expanded_attention, expand_latents, prefill_attention
  int64_t value = 0;       ///< v: likewise
  int64_t requests = 1;    ///< of the cache: expand_latents
  int64_t keyRows = 0;     ///< S: expand_latents
  int64_t topK = 1;        ///< router
  int64_t pageTokens = 64; ///< both attentions
  DType cache = DType::F32; ///< both attentions
  int64_t expertGroups = 1; ///< router
};

/// One configuration. `fields` is what the code generator reads, sorted by name.
struct Configuration {
  struct Field {
    std::string name;
    int64_t value = 0;
    bool operator==(const Field &) const = default;
  };
  std::vector<Field> fields;
  TileCount tiles;          ///< of a GPU: blocks, or what persistent blocks share
  int64_t scratchBytes = 0; ///< per thread; of a GPU: shared memory per block
  /// Why it was chosen, or, if it is not legal, why not. One clause.
  std::string reason;
  bool legal = true;

  int64_t get(std::string_view field) const;
};

/// Every configuration of the enumeration, legal or not, best first among the
/// legal ones. For CPUs never without a legal one.
std::vector<Configuration> enumerateConfigs(Family family, const CpuVariant &variant,
                                            const KernelFacts &facts);
std::vector<Configuration> enumerateConfigs(Family family, const GpuVariant &variant,
                                            const KernelFacts &facts);
/// For the variant of that name, which there must be.
std::vector<Configuration> enumerateConfigs(Family family, std::string_view variant,
                                            const KernelFacts &facts);
/// The first legal one; if none is (on a GPU, whose shared memory no configuration can do
/// without), the last of the others, which says why.
Configuration chooseConfig(Family family, const CpuVariant &variant, const KernelFacts &facts);
Configuration chooseConfig(Family family, std::string_view variant, const KernelFacts &facts);

/// The table as text, with the revisions of layouts and ABI, and a hash of it that
/// changes whenever code made with one table cannot be used with another.
std::string familyTable();
std::string familyTableHash();

} // namespace dsv3::plan
