//===- InPlaceProduct.h - rows times a weight in place ----------*- C++ -*-===//
//
// Rows of a weight that stays where the checkpoint has it meet rows, summed along what lies side
// by side in memory. The loops are functions of the generated object, as those of MicroKernels.h
// are. Where there are more rows, panels are transposed instead (PanelProduct.h).
//
//===----------------------------------------------------------------------===//
#pragma once

#include "PanelProduct.h"

namespace dsv3::cpu {

/// What emitPanelProduct gives for a row alone. Each sum is made in an order that depends on the
/// number of columns alone.
void emitRowInPlace(Code &code, const PanelWeight &weight, const ProductTile &tile, Memory row,
                    Num firstPanel, Num panelCount, Memory out);

/// The same for few rows, plan::inPlaceRows of the weight and up to `tile.stream` others at once.
/// The order of a sum is another one, and depends on the number of columns alone, too.
void emitFewInPlace(Code &code, const PanelWeight &weight, const ProductTile &tile,
                    llvm::function_ref<Memory(Num)> row, Num rowCount, Num firstPanel,
                    Num panelCount, Memory out);

} // namespace dsv3::cpu
