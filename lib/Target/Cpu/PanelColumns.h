//===- PanelColumns.h - what lies in panels, as f32 -------------*- C++ -*-===//
//
// Expands the columns of a weight's panels in registers. How they lie is said in
// dsv3/Plan/Layout.h; FP8 becomes bfloat16 by a table of half its codes' bits, without
// arithmetic.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "Code.h"

namespace dsv3::cpu {

/// How the rows of a panel lie (dsv3/Plan/Layout.h).
struct PanelForm {
  int64_t width = 16;
  int64_t rowStride = 0; ///< of bf16 in place: elements from a row to the next; else 0

  Memory columns(Memory panel, Num first) const {
    return rowStride > 0 ? panel + first : panel + first * width;
  }
};

/// How columns are expanded.
struct Expansion {
  /// Codes come out tinyCodes times as large: subnormal, of e4m3 where their exponent is 0.
  bool tiny = false;
  /// Two bytes behind the columns may be read, too.
  bool readsOn = false;
};

/// Calls body(column, vector, f32) for `count` columns of a panel, exactly expanded and not
/// scaled: each is all rows, in vectors of rows, lowest first. `first` is the first of those that
/// lie together. Of panels a column's vectors come in order, before the next column's; of bf16 in
/// place in any. Codes of i4 are 16^vector times too large, for which BlockScales make up. Code may
/// be made twice, for the usual and for rare elements.
void withColumns(Code &code, const PanelForm &form, Memory first, int64_t count,
                 const Expansion &expansion, llvm::function_ref<void(int64_t, int64_t, Num)> body);

/// What tiny codes are worth. Of e4m3 they are f32 with its exponent and mantissa: the biases are
/// 127 and 7. Of i4 they are the lowest bits of an f32.
double tinyCodes(mlir::Type element);

/// Columns of such a panel that are read at once.
int64_t columnsTogether(const PanelForm &form, mlir::Type element);

/// Whether the codes of a panel have a scale for a few columns of each row
/// (dsv3::isScaledAlongRows).
bool hasRowScales(mlir::Type element);

/// What a block of columns is scaled by, in vectors of rows.
struct BlockScales {
  llvm::SmallVector<Num> scales, offsets; ///< offsets: i4 alone

  /// From where they lie in a panel (dsv3/Plan/Layout.h). Those of i4, which are f16 before, are
  /// `share` of what they are there.
  static BlockScales load(Code &code, int64_t width, mlir::Type element, Memory from,
                          double share = 1);
  /// `codes` of that vector as the numbers that they mean.
  Num apply(Num codes, int64_t vector) const;
};

/// Runs body(k, count) for the columns [begin, end) of a panel of such elements, `unroll` at a time
/// as far as possible. Precondition: `begin` and `unroll` are multiples of columnsTogether, of what
/// is in place also `end`.
void forColumns(Code &code, const PanelForm &form, Num begin, Num end, int64_t unroll,
                mlir::Type element, llvm::function_ref<void(Num, int64_t)> body);
/// Elements of the scales of a block of a panel.
int64_t scaleBlockElements(mlir::Type element, int64_t width);

} // namespace dsv3::cpu
