//===- ShapeReport.h - products beside others' times ------------*- C++ -*-===//
//
// What `bench --kernels --shapes` prints, as a table and as JSON.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/bench/ShapeProfile.h"

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dsv3::cli {

struct ShapeTable {
  std::string step;                   ///< which step it is of, for the heading
  std::string_view predictedFor = {}; ///< the chip, where times were not measured
  std::vector<runtime::ShapeResult> shapes = {};
  std::optional<double> nothing = {}; ///< as StepProfile has it
  std::string peer = {};              ///< whose times shapes have; empty: no such column
};

/// A table of a step's kernels beside times of a peer, published ones and goals, where there are
/// any, for memory that is read at `readBandwidth`.
std::string shapesText(const ShapeTable &table, double readBandwidth);
nlohmann::ordered_json shapesJson(const ShapeTable &table, double readBandwidth);

} // namespace dsv3::cli
