//===- InPlaceProduct.h - rows times a weight in place ----------*- C++ -*-===//
//
// Functions of the generated object, as those of MicroKernels.h are: rows of a weight that stays
// where the checkpoint has it meet rows, summed along what lies side by side in memory.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "PanelColumns.h"

namespace dsv3::cpu {

/// `out[j] = sum over k of row[k] * panel[j, k]`, of f32, for all rows j of the panel. Each sum is
/// made in an order that depends on the number of its columns alone.
void callInPlace(Code &code, const PanelForm &form, Memory row, Memory panel, Memory out);

/// Some rows times plan::inPlaceRows rows of a weight.
struct ColumnsCall {
  llvm::SmallVector<Memory> rows; ///< `count` f32 each
  Memory weight;                  ///< [weightRows][weightStride], as it is stored
  int64_t weightRows = 1, weightStride = 0;
  Num count; ///< columns, a multiple of plan::inPlaceColumns
  Memory out;
  Num outStride;
  std::optional<Memory> next; ///< rows of the weight that are asked for meanwhile
};

/// `out[i, j] += sum over k of row i [k] * weight[j, k]`. Each sum is made in an order that depends
/// on `count` alone.
void callColumns(Code &code, const ColumnsCall &call);

} // namespace dsv3::cpu
