//===- PublishedTimes.cpp - what others reached, and what is wanted -------===//
//
// [D] DeepGEMM's README of April 2025, H800 (an H100's tensor cores and memory): FP8 with block
//     scales, TFLOPS.
// [F] FlashMLA's README, H800: 3000 GB/s where memory is the limit, 660 TFLOPS where products are.
// The goals are this project's, for H100 and H200.
//
//===----------------------------------------------------------------------===//

#include "runtime/bench/ShapeProfile.h"

#include <algorithm>
#include <array>

using namespace dsv3;
using namespace dsv3::runtime;
using plan::Family;

namespace {
/// TFLOPS of a product with so many rows, in each group.
struct Reached {
  int64_t rows;
  double teraflops;
};
struct PublishedProduct {
  int64_t columns, depth;
  std::array<Reached, 3> dense; ///< [D]
  double goal;                  ///< TFLOPS with as many rows as the last of them
  double grouped = 0;           ///< [D], contiguous: 4 to 8 experts with 4096 to 8192 rows; 0: none
};
} // namespace

/// q_a with kv_a, q_b, kv_b, o, the experts' w1 with w3, and their w2.
static constexpr std::array<PublishedProduct, 6> products{{
    {2112, 7168, {{{64, 206}, {128, 352}, {4096, 1127}}}, 1140},
    {24576, 1536, {{{64, 289}, {128, 535}, {4096, 1212}}}, 1230},
    {32768, 512, {{{64, 219}, {128, 358}, {4096, 775}}}, 800},
    {7168, 16384, {{{64, 336}, {128, 645}, {4096, 1520}}}, 1560},
    {4096, 7168, {{{64, 287}, {128, 533}, {4096, 1410}}}, 1420, 1346},
    {7168, 2048, {{{64, 295}, {128, 510}, {4096, 1168}}}, 1180, 1214},
}};
/// Rows of an expert from which the figures of grouped products hold.
static constexpr int64_t groupedRows = 4096;
/// [F]
static constexpr double attentionBandwidth = 3000e9, attentionFlops = 660e12;
/// The goals of attention: of the bandwidth that reading reaches, and of tensor cores.
static constexpr double attentionShare = 0.95, attentionGoal = 670e12;
/// The most rows for which the goal of a product is a share of the bandwidth.
static constexpr int64_t fewRows = 128;

static const PublishedProduct *find(const ShapeResult &shape) {
  const auto *found = std::ranges::find_if(products, [&](const PublishedProduct &known) {
    return shape.codes && known.columns == shape.columns && known.depth == shape.depth;
  });
  return found == products.end() ? nullptr : found;
}

/// The share of the bandwidth that a product of few rows is to reach, by the bytes of its weight.
static double shareGoal(double bytes) {
  constexpr double large = 100e6, middle = 37e6;
  return bytes >= large ? 0.85 : bytes >= middle ? 0.78 : 0.7;
}

std::optional<double> runtime::publishedSeconds(const ShapeResult &shape) {
  if (shape.family == Family::LatentAttention) {
    return std::max(shape.bytes / attentionBandwidth, shape.flops / attentionFlops);
  }
  const PublishedProduct *known = find(shape);
  if (!known) {
    return std::nullopt;
  }
  if (shape.family == Family::GroupedGemm) {
    bool published = known->grouped > 0 && shape.rows >= groupedRows;
    return published ? std::optional(shape.flops / (known->grouped * 1e12)) : std::nullopt;
  }
  const auto *reached = std::ranges::find(known->dense, shape.rows, &Reached::rows);
  return reached == known->dense.end() ? std::nullopt
                                       : std::optional(shape.flops / (reached->teraflops * 1e12));
}

std::optional<double> runtime::goalSeconds(const ShapeResult &shape, double readBandwidth) {
  if (shape.family == Family::LatentAttention) {
    return std::max(shape.bytes / (attentionShare * readBandwidth), shape.flops / attentionGoal);
  }
  const PublishedProduct *known = find(shape);
  if (!known || shape.family != Family::Gemm) {
    return std::nullopt;
  }
  if (shape.rows <= fewRows) {
    return shape.bytes / (shareGoal(shape.bytes) * readBandwidth);
  }
  return shape.rows == known->dense.back().rows ? std::optional(shape.flops / (known->goal * 1e12))
                                                : std::nullopt;
}
