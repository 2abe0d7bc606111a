//===- Quantise.h - numbers as codes with a scale ---------------*- C++ -*-===//
//
// What the stage `quantise` of rowwise, gemm and grouped_gemm does, with codes of i8
// (dsv3.quantise says how they are rounded).
//
//===----------------------------------------------------------------------===//
#pragma once

#include "KernelCode.h"

namespace dsv3::cpu {

/// Where a stage leaves the codes and scales of its rows, and for how many columns a scale is.
struct QuantiseStage {
  Rows codes, scales;
  int64_t group = 1;

  /// The stage of an op with such a stage and these destinations.
  static QuantiseStage of(const KernelCode &kernel, int64_t group, mlir::Value codes,
                          mlir::Value scales);
  /// Stores columns [column, …) of row t, the first of which is the first of a group: the lanes of
  /// `values`, one group.
  void store(Code &code, Num t, Num column, llvm::ArrayRef<Num> values) const;
};

/// Calls body(begin, width) for the vectors of `count` columns.
void forVectors(const Code &code, int64_t count, llvm::function_ref<void(int64_t, int64_t)> body);

} // namespace dsv3::cpu
