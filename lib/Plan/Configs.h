//===- Configs.h - what configurations are made of --------------*- C++ -*-===//
//
// Shared by the tables of CPUs (FamilyConfigs.cpp) and of GPUs (GpuConfigs.h).
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/Layout.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace dsv3::plan {

using Fields = std::vector<Configuration::Field>;

/// One that can be; `scratch` is that of a thread, or the shared memory of a block.
inline Configuration make(Fields fields, TileCount tiles, int64_t scratch, std::string reason) {
  std::sort(fields.begin(), fields.end(),
            [](const auto &a, const auto &b) { return a.name < b.name; });
  return {std::move(fields), tiles, scratch, std::move(reason), true};
}

/// One that cannot.
inline Configuration rejected(Fields fields, std::string reason) {
  Configuration config = make(std::move(fields), {}, 0, std::move(reason));
  config.legal = false;
  return config;
}

/// Tiles, or blocks, of `rows` rows each, `times` for every such group of rows.
inline TileCount rowTiles(const KernelFacts &facts, int64_t rows, int64_t times = 1) {
  if (facts.size < 0) {
    return {-1, 1, 1, 1, times * ceilDiv(facts.maxRows, rows)};
  }
  return {facts.size, facts.rowFactor, rows, times, 0};
}

} // namespace dsv3::plan
