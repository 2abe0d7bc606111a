//===- PanelProduct.h - rows times the panels of a weight -------*- C++ -*-===//
//
// The inner loops that gemm, grouped_gemm and expanded_attention share. A block of
// up to `mr` rows meets `flight` panels at a time in registers; sums over a block of
// K are added to accumulators in memory. What a row gets does not depend on which
// rows are computed beside it.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "KernelCode.h"

namespace dsv3::cpu {

/// A weight in panels (dsv3/Plan/Layout.h), of one group.
struct PanelWeight {
  Memory data;   ///< [parts][panels][k][width]
  Memory scales; ///< [parts][panels][blocks of k][width]; used if scaleColumns > 0
  mlir::Type element;
  int64_t parts = 1, panels = 1, k = 1, width = 16, scaleColumns = 0;

  /// The weight of a [groups…, rows, k] operand in the layout of its family, at `group`.
  static PanelWeight of(const KernelCode &kernel, mlir::Value weight, mlir::Value scales,
                        std::optional<llvm::ArrayRef<int64_t>> block, int64_t parts, int64_t width,
                        Num group);
};

struct ProductTile {
  int64_t mr = 1, flight = 1, kBlock = 1;
};

/// out[(i * panelsOut + p) * parts + q][width] = sum over k of row(i)[k] times panel
/// firstPanel + p of part q, for i < rowCount, p < panelCount.
void emitPanelProduct(Code &code, const PanelWeight &weight, const ProductTile &tile,
                      llvm::function_ref<Memory(Num)> row, Num rowCount, Num firstPanel,
                      Num panelCount, int64_t panelsOut, Memory out);

/// Applies the epilogue to what emitPanelProduct left in `accumulators` and stores the
/// columns that there are: n of a part.
void emitPanelEpilogue(const KernelCode &kernel, const PanelWeight &weight, mlir::Region &epilogue,
                       mlir::OperandRange inputs, llvm::ArrayRef<int32_t> access, int64_t n,
                       Memory accumulators, int64_t panelsOut, Num firstRow, Num rowCount, Num head,
                       Num group, Num firstPanel, Num panelCount, const Rows &destination);

} // namespace dsv3::cpu
