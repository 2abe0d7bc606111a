//===- ShapeProfile.cpp - kernels of a step by their shapes ---------------===//

#include "runtime/bench/ShapeProfile.h"

#include <algorithm>
#include <cmath>

using namespace dsv3;
using namespace dsv3::runtime;
using plan::Family;

std::vector<LaunchUse> runtime::shapeUses(const plan::Plan &plan) {
  std::vector<LaunchUse> uses;
  for (const plan::Kernel &kernel : plan.kernels) {
    std::optional<Family> family = plan::familyFromName(kernel.family);
    bool chooses = family == Family::Router || family == Family::Dispatch;
    uses.push_back(chooses ? LaunchUse::Results : LaunchUse::Time);
  }
  return uses;
}

/// The weight of a product; null if the launch has none.
static const plan::Parameter *weightOf(const plan::Plan &plan, const plan::Instruction &launch) {
  auto found = std::ranges::find(launch.args, plan::ArgKind::Parameter, &plan::Arg::kind);
  return found == launch.args.end() ? nullptr : &plan.parameters[size_t(found->index)];
}

/// What is known without a time.
static ShapeResult shapeOf(const plan::Plan &plan, size_t variant, const plan::Instruction &launch,
                           const plan::StepShape &step, const AttentionFlops &attention) {
  const plan::Kernel &kernel = plan.kernels[size_t(launch.target)];
  std::optional<Family> family = plan::familyFromName(kernel.family);
  const plan::Parameter *weight = weightOf(plan, launch);
  plan::Cost cost = plan::launchCost(plan, variant, launch, step);
  double rows = plan::rowsOf(plan, kernel, variant, step);
  ShapeResult shape;
  shape.symbol = kernel.symbol;
  shape.family = family.value_or(Family::Rowwise);
  shape.bytes = cost.bytes();
  shape.flops = cost.weightFlops;
  shape.rows = std::lround(rows);
  if (family == Family::LatentAttention || family == Family::ExpandedAttention ||
      family == Family::PrefillAttention) {
    bool absorbed = family == Family::LatentAttention;
    shape.rows = step.tokens;
    shape.cached = step.position + step.tokens;
    // A token sees those before it and itself.
    double seen = double(step.position) + double(step.tokens + 1) / 2;
    shape.flops +=
        (absorbed ? attention.absorbed : attention.expanded) * double(step.tokens) * seen;
  }
  if (family == Family::ExpandLatents && weight) {
    shape.rows = step.position + step.tokens;
    shape.columns = weight->groups * weight->rows;
    shape.depth = weight->columns;
    shape.groups = 1;
  }
  if (!weight || (family != Family::Gemm && family != Family::GroupedGemm)) {
    return shape;
  }
  bool grouped = family == Family::GroupedGemm;
  double touched = grouped ? std::max(1.0, step.expertsTouched) : double(weight->groups);
  shape.rows = std::lround(grouped ? rows / touched : rows);
  shape.columns = weight->rows;
  shape.depth = weight->columns;
  shape.groups = std::lround(touched);
  shape.codes = plan.policy == "w8a8" && weight->type == DType::F8E4M3;
  shape.bf16 = plan.policy != "f32" && weight->type == DType::BF16;
  return shape;
}

std::vector<ShapeResult> runtime::shapesOf(const plan::Plan &plan, size_t variant,
                                           const plan::Entry &entry, const StepProfile &profile,
                                           const AttentionFlops &attention) {
  std::vector<ShapeResult> shapes;
  std::vector<double> launches;
  size_t i = 0;
  plan::forLaunches(entry, [&](const plan::Instruction &launch, int64_t) {
    size_t number = i++;
    ShapeResult shape = shapeOf(plan, variant, launch, profile.shape, attention);
    auto known = std::ranges::find(shapes, shape.symbol, &ShapeResult::symbol);
    auto at = size_t(known - shapes.begin());
    if (known == shapes.end()) {
      shapes.push_back(std::move(shape));
      launches.push_back(0);
    }
    double seconds = profile.launches[number].seconds;
    if (number < profile.predictions.size()) {
      shapes[at].prediction = profile.predictions[number];
      seconds -= shapes[at].prediction.launchSeconds;
    }
    shapes[at].seconds += (seconds - shapes[at].seconds) / ++launches[at];
  });
  return shapes;
}

std::optional<PeerProduct> runtime::peerProduct(const ShapeResult &shape) {
  if (shape.family != Family::Gemm || shape.groups != 1 || !(shape.codes || shape.bf16)) {
    return std::nullopt;
  }
  using Operands = PeerProduct::Operands;
  return PeerProduct{shape.codes ? Operands::Codes : Operands::BF16, shape.rows, shape.columns,
                     shape.depth};
}

void runtime::measurePeer(std::span<ShapeResult> shapes, PeerProducts &peer, int runs,
                          const std::function<void(const Failure &)> &failed) {
  for (ShapeResult &shape : shapes) {
    std::optional<PeerProduct> product = peerProduct(shape);
    if (!product) {
      continue;
    }
    Expected<std::optional<double>> seconds = peer.seconds(*product, runs);
    if (seconds) {
      shape.peerSeconds = *seconds;
    } else {
      failed(seconds.failure());
    }
  }
}
