//===- EncodedMatrix.h - a stored matrix in other elements ------*- C++ -*-===//
#pragma once

#include "dsv3/Reference/SegmentParameters.h"

namespace dsv3::reference {

/// The matrix `stored`, of rows and columns as `shape` says and with scales for blocks of
/// `block` (where it has any), encoded as `type` by dsv3/Support/WeightEncoding.h: its elements
/// are codes then, or numbers of bf16. Nothing if it holds values that cannot be encoded.
std::optional<StoredMatrix> encodedMatrix(StoredMatrix stored, std::array<int64_t, 2> shape,
                                          std::array<int64_t, 2> block, DType type);

} // namespace dsv3::reference
