//===- StreamProduct.h - few rows times panels as they are read -*- C++ -*-===//
//
// Functions of the generated object, as those of MicroKernels.h are: panels of a weight are
// expanded in registers as they are read, and meet few rows.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "Code.h"

#include <optional>

namespace dsv3::cpu {

/// Bytes that are asked for before they are read, in what is read alone; of several panels a
/// quarter in each.
inline constexpr int64_t bytesAhead = 8192;

/// Few rows times whole panels, which are read once and expanded in registers.
struct StreamCall {
  llvm::SmallVector<Memory> rows;   ///< `count` f32 each
  llvm::SmallVector<Memory> panels; ///< [count][width] each
  llvm::SmallVector<Memory> scales; ///< [blocks of scaleColumns columns][width] each; or none
  /// [blocks]: of i4 scaled by its sums, the sum of each block of columns of the row.
  llvm::SmallVector<Memory> rowSums;
  int64_t width = 0;
  int64_t parts = 1;        ///< panels of as many parts lie side by side in `panels` and `out`
  int64_t kBlock = 0;       ///< columns that are summed before they are added to `out`
  int64_t scaleColumns = 0; ///< kBlock, or with scaledWeights a divisor of it
  /// Sums of each element, which columns read together take in turn; added up at a block's end.
  int64_t sumSets = 1;
  /// Each weight is scaled before it is multiplied, instead of each sum of a block.
  bool scaledWeights = false;
  bool wholeBlocks = false; ///< `count` is a multiple of kBlock
  bool tinyCodes = false;   ///< see Expansion; rows are tinyRows times as large
  Num count;
  Memory out; ///< where row i has panel p of part q at i * outStride + p * panelStride + q * width
  Num outStride, panelStride;
};

/// What a row is multiplied by that meets tiny codes, lest products be subnormal, too: a power of
/// two, so that only sums below 2^-70 are rounded otherwise, of i4 those below 2^-41.
inline constexpr double tinyRows = 0x1p64;
/// A row whose elements are below this stays in the range of f32 then, as does a sum of as many as
/// a block of i4 has.
inline constexpr double largestTinyRow = 0x1p58;
/// A row whose largest element is not below this has no sums that matter which are so small.
inline constexpr double smallestTinyRow = 0x1p-20;

/// Emits `body` for each kind of core that plan::asksFirstLevelSymbol of the module tells apart,
/// with the cache that lines are asked into before they are read: the first-level one where it is
/// set. Elsewhere it is the second-level one if there are `many` operations between two lines, and
/// none if there are few.
void withAsking(Code &code, bool many, llvm::function_ref<void(std::optional<Cache>)> body);
/// What tells functions apart that ask, and where.
llvm::StringRef askingName(std::optional<Cache> cache);

/// plan::assistsSubnormalsSymbol of the module that is written.
Num assistsSubnormals(Code &code);

/// Row i and column j of panel p: `out[i, p, j] = sum over blocks of scale[block, j] *
/// sum over k of the block of row[i][k] * panel[p][k, j]`, blocks and k ascending; of i4 plus
/// `offset[block, j] * sum over k of row[i][k]`. Panels are asked for ahead as withAsking says.
void callStream(Code &code, const StreamCall &call);

} // namespace dsv3::cpu
