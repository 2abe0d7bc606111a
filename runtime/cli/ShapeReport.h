//===- ShapeReport.h - products beside published times ----------*- C++ -*-===//
//
// What `bench --kernels --shapes` prints, as a table and as JSON.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/bench/ShapeProfile.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace dsv3::cli {

struct ShapeTable {
  std::string step;                   ///< which step it is of, for the heading
  std::string_view predictedFor = {}; ///< the chip, where times were not measured
  std::vector<runtime::ShapeResult> shapes = {};
};

/// A table of a step's kernels beside published times and goals, where there are
/// any, for memory that is read at `readBandwidth`.
std::string shapesText(const ShapeTable &table, double readBandwidth);
nlohmann::ordered_json shapesJson(const ShapeTable &table, double readBandwidth);

} // namespace dsv3::cli
