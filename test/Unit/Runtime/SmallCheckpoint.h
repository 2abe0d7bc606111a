//===- SmallCheckpoint.h - checkpoints that suit a plan ---------*- C++ -*-===//
//
// Writes the tensors that the parameters of a plan ask for, with random bytes, and
// evaluates the formula of plan::Segment on them element by element.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "TemporaryDirectory.h"

#include "dsv3/Checkpoint/Checkpoint.h"
#include "dsv3/Plan/Plan.h"

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace dsv3::test {

struct StoredBytes {
  DType type = DType::F32;
  std::vector<int64_t> shape;
  std::vector<std::byte> bytes;
};
using Tensors = std::map<std::string, StoredBytes>;

/// A plan of nothing but these parameters, for two variants (row-major, but for i8 and i4, and
/// panels of `width`), with 4 layers and scale blocks of 128 × 128 unless `block` says else.
plan::Plan planOf(std::vector<plan::Parameter> parameters, int64_t width,
                  std::vector<int64_t> block = {128, 128});

/// Random contents for all tensors of a plan: no NaN, no infinity, sound scales.
Tensors randomTensors(const plan::Plan &plan, DType scaleType = DType::F32);

/// Writes config.json and the tensors and opens the directory.
checkpoint::Checkpoint writeCheckpoint(const TemporaryDirectory &directory, const Tensors &tensors);

/// Stored bits of W[group, row, column] of a parameter in a layer, by the formula.
uint32_t weightBits(const Tensors &tensors, const plan::Parameter &parameter, int64_t layer,
                    int64_t group, int64_t row, int64_t column);
/// Its scale.
float weightScale(const plan::Plan &plan, const Tensors &tensors, const plan::Parameter &parameter,
                  int64_t layer, int64_t group, int64_t row, int64_t column);

} // namespace dsv3::test
