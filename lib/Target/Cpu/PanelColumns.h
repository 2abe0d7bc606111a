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

/// Calls body(column, vector, f32) for `count` columns of a panel, exactly expanded: each is
/// `width` rows, in vectors of rows, lowest first. dsv3/Plan/Layout.h says how they lie. Code may
/// be made twice, for the usual and for rare elements.
void withColumns(Code &code, int64_t width, Memory first, int64_t count,
                 llvm::function_ref<void(int64_t, int64_t, Num)> body);

} // namespace dsv3::cpu
