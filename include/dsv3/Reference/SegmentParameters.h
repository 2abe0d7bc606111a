//===- SegmentParameters.h - parameters from stored tensors -----*- C++ -*-===//
//
// The formula of dsv3.segment, wherever the tensors that it names come from.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Reference/Interpreter.h"
#include "dsv3/Support/DType.h"

#include <array>
#include <cstddef>
#include <functional>

namespace dsv3::reference {

/// A tensor as a matrix F [rows, columns]; one of one dimension is one row. Owns what its
/// functions need.
struct StoredMatrix {
  std::function<double(int64_t row, int64_t column)> element;
  /// The scale of a block; null if the segment names no scales.
  std::function<double(int64_t blockRow, int64_t blockColumn)> scale;
  /// Its offset; null if there are none.
  std::function<double(int64_t blockRow, int64_t blockColumn)> offset = nullptr;
};

/// The tensor that a segment names for one layer and group. Fails with a diagnostic.
using MatrixOpener = std::function<mlir::FailureOr<StoredMatrix>(
    graph::ParameterOp parameter, graph::SegmentAttr segment, int64_t layer, int64_t group)>;

/// Parameters that are put together by their segments, encoded where they say so. `block` is the
/// block of scales of the stored tensors, rows and columns.
ParameterSource segmentParameters(MatrixOpener open, std::array<int64_t, 2> block);

/// The number whose bytes of that type, a float, begin at `at`.
double storedNumber(const std::byte *at, DType type);

} // namespace dsv3::reference
