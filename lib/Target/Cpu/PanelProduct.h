//===- PanelProduct.h - rows times the panels of a weight -------*- C++ -*-===//
//
// The inner loops that gemm, grouped_gemm and expanded_attention share. Few rows meet panels
// that are expanded in registers as they are read (FewRowsProduct.h), or, of a weight in place,
// its rows (InPlaceProduct.h). Of more rows a block of K is copied to scratch memory, a block of
// a panel is expanded beside it, and register tiles add their product to accumulators. What a
// row gets does not depend on which rows are computed beside it.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "PanelColumns.h"
#include "Quantise.h"

namespace dsv3::cpu {

/// A weight in panels (dsv3/Plan/Layout.h), of one group.
struct PanelWeight {
  Memory data;   ///< [parts][panels][panelColumns][width], or of addresses if it is in place
  Memory scales; ///< [parts][panels][blocks of k][scaleElements]; used if scaleColumns > 0
  mlir::Type element;
  int64_t parts = 1, panels = 1, k = 1, scaleColumns = 0;
  PanelForm form;
  int64_t panelColumns = 1;  ///< k, or what it is padded to
  int64_t scaleElements = 0; ///< of a block
  bool rowScales = false;    ///< see hasRowScales

  /// The weight of a [groups…, rows, k] operand in panels or dots, at `group`.
  static PanelWeight of(const KernelCode &kernel, mlir::Value weight, mlir::Value scales,
                        std::optional<llvm::ArrayRef<int64_t>> block, int64_t parts, int64_t width,
                        Num group, plan::LayoutKind kind = plan::LayoutKind::Panels);
  /// Panel `index`, counted through all parts.
  Memory panel(Num index) const;
  /// Its scales for a block of columns.
  Memory scaleOf(Num panel, Num block) const;
};

/// What a block of rows meets after part q of panel firstPanel + p, columns [begin, begin +
/// kBlock): the other parts, the panels that follow, then the next columns of the first one. After
/// the last columns it is no place in the weight, so it may be asked for but not read.
struct PanelPlace {
  Num panel, begin; ///< counted through all parts; the first column

  static PanelPlace behind(Code &code, const PanelWeight &weight, int64_t kBlock, Num firstPanel,
                           Num panelCount, Num p, int64_t q, Num begin);
};

struct ProductTile {
  int64_t rows = 1;       ///< at most
  int64_t panels = 1;     ///< at most
  int64_t mr = 1;         ///< rows of a register tile
  int64_t flight = 1;     ///< panels that are read side by side where there is one row at the most
  int64_t kBlock = 1;     ///< columns of K that are summed in registers
  int64_t stream = 1;     ///< rows that meet a panel as it is read and expanded
  int64_t streamMost = 1; ///< more rows than these meet panels that are expanded in memory
};

/// Where in `out` the product of a row with a panel of a part is kept.
Memory accumulator(const PanelWeight &weight, const ProductTile &tile, Memory out, Num row,
                   Num panel, int64_t part);

/// out[(i * tile.panels + p) * parts + q][width] = sum over k of row(i)[k] times panel
/// firstPanel + p of part q, for i < rowCount, p < panelCount; there is room for
/// plan::paddedRows of them. `scratch` as plan::GemmScratch says of `product`.
void emitPanelProduct(Code &code, const PanelWeight &weight, const ProductTile &tile,
                      llvm::function_ref<Memory(Num)> row, Num rowCount, Num firstPanel,
                      Num panelCount, Memory out, Memory scratch);

/// Applies the epilogue to what emitPanelProduct left in `accumulators` and stores the
/// columns that there are, n of a part: in `destination`, or as `stage` has them.
void emitPanelEpilogue(const KernelCode &kernel, const PanelWeight &weight, mlir::Region &epilogue,
                       mlir::OperandRange inputs, llvm::ArrayRef<int32_t> access, int64_t n,
                       Memory accumulators, int64_t panelsOut, Num firstRow, Num rowCount, Num head,
                       Num group, Num firstPanel, Num panelCount, const Rows &destination,
                       const std::optional<QuantiseStage> &stage = std::nullopt);

} // namespace dsv3::cpu
