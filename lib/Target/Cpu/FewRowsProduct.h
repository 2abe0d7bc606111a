//===- FewRowsProduct.h - few rows times the panels of a weight -*- C++ -*-===//
//
// Which rows meet which panels together, as they are read and expanded in registers
// (StreamProduct.h): so many that their sums hide the latency of an addition and fit the registers.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "PanelProduct.h"

namespace dsv3::cpu {

/// What emitPanelProduct does, for rows that meet panels as they are read: `tile.streamMost` at
/// most.
void emitFewRows(Code &code, const PanelWeight &weight, const ProductTile &tile,
                 llvm::function_ref<Memory(Num)> row, Num rowCount, Num firstPanel, Num panelCount,
                 Memory out);

/// The same for a row alone. Where its core multiplies subnormal numbers without an assist, codes
/// stay tiny and the row is scaled, unless it or its products would leave the range of f32.
/// `scratch` as plan::RowScratch says.
void emitRowProduct(Code &code, const PanelWeight &weight, const ProductTile &tile,
                    llvm::function_ref<Memory(Num)> row, Num firstPanel, Num panelCount, Memory out,
                    Memory scratch);

} // namespace dsv3::cpu
