//===- ShapeProfile.h - kernels of a step by their shapes -------*- C++ -*-===//
//
// `bench --kernels --shapes`: the kernels of a step, of which sizes each is, and what others
// reached with those: published (PublishedTimes.cpp), or by a library of the device's maker.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/Families.h"
#include "runtime/bench/StepProfile.h"

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace dsv3::runtime {

/// A kernel of a step.
struct ShapeResult {
  std::string symbol;
  plan::Family family = plan::Family::Gemm;
  /// Of products: [rows, depth] times [columns, depth], in each of `groups`: heads, or experts that
  /// have rows. Of others only the rows; attention, whose rows are tokens, has `cached` ones.
  int64_t rows = 0, columns = 0, depth = 0, groups = 1, cached = 0;
  bool codes = false; ///< whether both sides are FP8, as those of published products are
  bool bf16 = false;  ///< whether both sides are BF16
  /// On average over the launches; predicted ones without what lies between launches, since
  /// published times are those of kernels alone.
  double seconds = 0;
  double bytes = 0;            ///< of weights and cache, as Cost has them
  double flops = 0;            ///< of products and attention
  LaunchPrediction prediction; ///< of the last launch, where times are predicted
  /// Of the same product by the library of the device's maker, where it has one.
  std::optional<double> peerSeconds = {};
};

/// For LaunchProfile::uses: times of all kernels, and what says which experts have how many rows.
std::vector<LaunchUse> shapeUses(const plan::Plan &plan);

/// Operations of both kinds of attention for a row and a cached token, of one layer.
struct AttentionFlops {
  double absorbed = 0, expanded = 0;
};
/// The shapes of a step of `entry`, in the order of its program.
std::vector<ShapeResult> shapesOf(const plan::Plan &plan, size_t variant, const plan::Entry &entry,
                                  const StepProfile &profile, const AttentionFlops &attention);

/// The product alone that such a library is asked for: no rows of experts or heads, and none of
/// which a side alone is FP8.
std::optional<PeerProduct> peerProduct(const ShapeResult &shape);
/// Fills in the times of `peer`, the average of `runs` runs each; `failed` gets what could not be
/// measured, whose shapes are left without.
void measurePeer(std::span<ShapeResult> shapes, PeerProducts &peer, int runs,
                 const std::function<void(const Failure &)> &failed);

/// The best published time of the shape on an H100 or H800, if one was published: of products of
/// codes and absorbed attention.
std::optional<double> publishedSeconds(const ShapeResult &shape);
/// What the kernel is to reach where memory is read at `readBandwidth`, if there is a goal: of
/// products of codes, for many rows on an H100 or H200.
std::optional<double> goalSeconds(const ShapeResult &shape, double readBandwidth);

} // namespace dsv3::runtime
