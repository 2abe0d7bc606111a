//===- ShapeProfile.cpp - products of a step by their shapes --------------===//

#include "runtime/bench/ShapeProfile.h"

#include <algorithm>
#include <cmath>

using namespace dsv3;
using namespace dsv3::runtime;
using plan::Family;

std::vector<LaunchUse> runtime::shapeUses(const plan::Plan &plan) {
  std::vector<LaunchUse> uses;
  for (const plan::Kernel &kernel : plan.kernels) {
    switch (plan::familyFromName(kernel.family).value_or(Family::Rowwise)) {
    case Family::Gemm:
    case Family::GroupedGemm:
    case Family::LatentAttention:
      uses.push_back(LaunchUse::Time);
      break;
    case Family::Router:
    case Family::Dispatch:
      uses.push_back(LaunchUse::Results);
      break;
    default:
      uses.push_back(LaunchUse::Nothing);
    }
  }
  return uses;
}

/// The weight of a product; null if the launch has none.
static const plan::Parameter *weightOf(const plan::Plan &plan, const plan::Instruction &launch) {
  auto found = std::ranges::find(launch.args, plan::ArgKind::Parameter, &plan::Arg::kind);
  return found == launch.args.end() ? nullptr : &plan.parameters[size_t(found->index)];
}

/// What is known without a time; nothing of launches that are neither.
static std::optional<ShapeResult> shapeOf(const plan::Plan &plan, size_t variant,
                                          const plan::Instruction &launch,
                                          const plan::StepShape &step, double attentionFlops) {
  const plan::Kernel &kernel = plan.kernels[size_t(launch.target)];
  std::optional<Family> family = plan::familyFromName(kernel.family);
  const plan::Parameter *weight = weightOf(plan, launch);
  plan::Cost cost = plan::launchCost(plan, variant, launch, step);
  ShapeResult shape;
  shape.symbol = kernel.symbol;
  shape.family = family.value_or(Family::Rowwise);
  shape.bytes = cost.bytes();
  shape.flops = cost.weightFlops;
  double rows = plan::rowsOf(plan, kernel, variant, step);
  if (family == Family::LatentAttention) {
    shape.rows = step.tokens;
    shape.cached = step.position + step.tokens;
    // A token sees those before it and itself.
    double seen = double(step.position) + double(step.tokens + 1) / 2;
    shape.flops = attentionFlops * double(step.tokens) * seen;
    return shape;
  }
  if (!weight || (family != Family::Gemm && family != Family::GroupedGemm)) {
    return std::nullopt;
  }
  bool grouped = family == Family::GroupedGemm;
  double touched = grouped ? std::max(1.0, step.expertsTouched) : double(weight->groups);
  shape.rows = int64_t(std::lround(grouped ? rows / touched : rows));
  shape.columns = weight->rows;
  shape.depth = weight->columns;
  shape.groups = int64_t(std::lround(touched));
  shape.codes = plan.policy == "w8a8" && weight->type == DType::F8E4M3;
  return shape;
}

std::vector<ShapeResult> runtime::shapesOf(const plan::Plan &plan, size_t variant,
                                           const plan::Entry &entry, const StepProfile &profile,
                                           double attentionFlops) {
  std::vector<ShapeResult> shapes;
  std::vector<double> launches;
  size_t i = 0;
  plan::forLaunches(entry, [&](const plan::Instruction &launch, int64_t) {
    size_t number = i++;
    std::optional<ShapeResult> shape =
        shapeOf(plan, variant, launch, profile.shape, attentionFlops);
    if (!shape) {
      return;
    }
    auto known = std::ranges::find(shapes, shape->symbol, &ShapeResult::symbol);
    auto at = size_t(known - shapes.begin());
    if (known == shapes.end()) {
      shapes.push_back(*std::move(shape));
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
