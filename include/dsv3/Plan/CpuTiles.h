//===- CpuTiles.h - what fits into a CPU's registers ------------*- C++ -*-===//
//
// Rules of products on CPUs that the family table (lib/Plan/FamilyConfigs.cpp) and the code
// generator (lib/Target/Cpu) both follow: how wide panels are, how many sums stay in registers.
//
// Standard library only. All functions are pure and thread-safe.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/Families.h"

#include <algorithm>

namespace dsv3::plan {

/// Columns of a register tile: two vectors.
inline int64_t tileWidth(const CpuVariant &variant) { return 2 * variant.lanes; }
/// The most rows that meet a weight in place as memory has it: all columns of some of its rows
/// after another. More have blocks of columns outside, so that theirs stay in a first-level cache.
inline constexpr int64_t mostOnWholeRows = 3;
/// Sums that a row has with a row of a weight in place, of one vector of columns each in turn.
inline int64_t inPlaceSums(const CpuVariant &variant) { return variant.registers >= 32 ? 2 : 1; }
/// Rows of a weight in place that up to `rows` others meet at once. Where these are few one alone
/// is what memory is read best as, and two sums of it are enough for that; with one sum four rows
/// are. Two rows have sums with six others in three quarters of the registers.
inline int64_t inPlaceRows(const CpuVariant &variant, int64_t rows) {
  return rows > mostOnWholeRows ? 2 : inPlaceSums(variant) > 1 ? 1 : 4;
}
/// Width of a panel: two vectors, of codes four.
inline int64_t panelWidth(const CpuVariant &variant, DType weight) {
  return (scaleForm(weight) ? codeVectors : 2) * variant.lanes;
}
/// Vectors of sums that hide the latency of an addition: two units of four cycles.
inline constexpr int64_t sumsInFlight = 8;
/// Whether 16 registers have no room for what expands codes beside the sums of two panels: a row
/// that is alone meets panels one by one then, with sums of even and odd columns, and many
/// operations come between two lines of memory.
inline bool expandsInFewRegisters(const CpuVariant &variant, DType weight) {
  return scaleForm(weight).has_value() && variant.registers < 32;
}
/// Vectors of sums that fit beside the `vectors` that a column is expanded into and what expands
/// them: half of the registers. Two vectors of bf16 need so few that a quarter is left of 16.
inline int64_t sumsThatFit(const CpuVariant &variant, int64_t vectors) {
  return std::max<int64_t>(variant.registers / 2, vectors == 2 ? 12 : 0);
}
/// Whether rows of codes, `rowCount` at the most, meet codes of a weight as 16 bits, both widened
/// in memory before they are multiplied. Without an instruction for four products of codes that
/// takes fewer operations for several rows than to give one of them the other's signs.
inline bool widensCodes(const CpuVariant &variant, DType rows, DType weight, int64_t rowCount) {
  return rows == DType::I8 && weight == DType::I8 && variant.dots != DType::I8 && rowCount > 1;
}
/// Whether the f32 sums of `sums` vectors of dot products stay in registers from block to block,
/// of `codes` beside as many integer sums. Weights, their scales and what AVX2 multiplies with need
/// registers as well.
inline bool dotSumsStay(const CpuVariant &variant, int64_t sums, bool codes) {
  return sums * (codes ? 2 : 1) <= variant.registers - 6;
}
/// Panels of `width` columns, of all parts, that `rows` rows meet at once: one, or as many as have
/// sums enough where half of the registers hold them.
inline int64_t panelsAtOnce(const CpuVariant &variant, int64_t width, int64_t rows) {
  int64_t sums = width / variant.lanes * rows;
  int64_t enough = (sumsInFlight + sums - 1) / sums;
  return std::max<int64_t>(1, std::min(enough, variant.registers / 2 / sums));
}

} // namespace dsv3::plan
