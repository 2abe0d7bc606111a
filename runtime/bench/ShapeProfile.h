//===- ShapeProfile.h - products of a step by their shapes -------*- C++ -*-===//
//
// `bench --kernels --shapes`: which launches of a step are products or absorbed attention, of
// which sizes, and what others reached with those (PublishedTimes.cpp).
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/Families.h"
#include "runtime/bench/StepProfile.h"

#include <optional>
#include <string>
#include <vector>

namespace dsv3::runtime {

/// A product of the rows of a step, or absorbed attention, that a kernel computes.
struct ShapeResult {
  std::string symbol;
  plan::Family family = plan::Family::Gemm;
  /// [rows, depth] times [columns, depth], in each of `groups`: heads, or experts that have rows.
  /// Of attention only the rows, tokens of the step; it has `cached` tokens.
  int64_t rows = 0, columns = 0, depth = 0, groups = 1, cached = 0;
  bool codes = false; ///< whether both sides are FP8, as those of published products are
  /// On average over the launches; predicted ones without what lies between launches, since
  /// published times are those of kernels alone.
  double seconds = 0;
  double bytes = 0; ///< of weights and cache, as Cost has them
  double flops = 0;
  LaunchPrediction prediction; ///< of the last launch, where times are predicted
};

/// For LaunchProfile::uses: times of products and absorbed attention, and what says which experts
/// have how many rows; the rest is left out.
std::vector<LaunchUse> shapeUses(const plan::Plan &plan);

/// The shapes of a step of `entry`, in the order of its program. `attentionFlops` are the
/// operations of absorbed attention for a row and a cached token, of one layer.
std::vector<ShapeResult> shapesOf(const plan::Plan &plan, size_t variant, const plan::Entry &entry,
                                  const StepProfile &profile, double attentionFlops);

/// The best published time of the shape, products of codes, on an H100 or H800, if one was
/// published.
std::optional<double> publishedSeconds(const ShapeResult &shape);
/// What the kernel is to reach where memory is read at `readBandwidth`, if there is a goal: of
/// products of codes, for many rows on an H100 or H200.
std::optional<double> goalSeconds(const ShapeResult &shape, double readBandwidth);

} // namespace dsv3::runtime
