//===- InPlaceProduct.h - a row times a weight in place ---------*- C++ -*-===//
//
// A function of the generated object, as those of MicroKernels.h are: rows of a weight that stays
// where the checkpoint has it meet a row, one after the other as memory has them.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "PanelColumns.h"

namespace dsv3::cpu {

/// `out[j] = sum over k of row[k] * panel[j, k]`, of f32, for all rows j of the panel. Each sum is
/// made in an order that depends on the number of its columns alone.
void callInPlace(Code &code, const PanelForm &form, Memory row, Memory panel, Memory out);

} // namespace dsv3::cpu
