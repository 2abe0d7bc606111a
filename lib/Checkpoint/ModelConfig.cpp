//===- ModelConfig.cpp - what follows from a configuration ----------------===//
//
// The formulas of the published code, in its order of operations and its precision, so
// that results agree with it to rounding. Sources stand beside each.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Checkpoint/ModelConfig.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace dsv3::checkpoint {

/// transformers, yarn_get_mscale; the paper's (arXiv 2309.00071) sqrt(1/t).
static double yarnMscale(double factor, double mscale) {
  return factor <= 1 ? 1.0 : 0.1 * mscale * std::log(factor) + 1.0;
}

double ModelConfig::softmaxScale() const {
  double scale = std::pow(static_cast<double>(qkHeadDim()), -0.5);
  if (ropeScaling.type == RopeScaling::Type::Yarn && ropeScaling.mscaleAllDim != 0) {
    double g = yarnMscale(ropeScaling.factor, ropeScaling.mscaleAllDim);
    scale = scale * g * g;
  }
  return scale;
}

double ModelConfig::ropeMultiplier() const {
  if (ropeScaling.type == RopeScaling::Type::None) {
    return 1;
  }
  if (ropeScaling.attentionFactor) {
    return *ropeScaling.attentionFactor;
  }
  if (ropeScaling.mscale != 0 && ropeScaling.mscaleAllDim != 0) {
    return yarnMscale(ropeScaling.factor, ropeScaling.mscale) /
           yarnMscale(ropeScaling.factor, ropeScaling.mscaleAllDim);
  }
  return yarnMscale(ropeScaling.factor, 1);
}

/// The pair of dimensions that turns `rotations` times within the original context
/// (find_correction_dim). Python computes it in double.
static double correctionDim(double rotations, double dim, double base, double context) {
  return dim * std::log(context / (rotations * 2 * std::numbers::pi)) / (2 * std::log(base));
}

std::vector<float> ModelConfig::ropeInverseFrequencies() const {
  const int64_t dim = qkRopeHeadDim, pairs = dim / 2;
  std::vector<float> frequencies(static_cast<size_t>(pairs));
  // The exponent is a float32 tensor there; the power itself is rounded once here.
  auto positionFrequency = [&](int64_t pair) {
    float exponent = static_cast<float>(2 * pair) / static_cast<float>(dim);
    return static_cast<float>(
        std::pow(static_cast<double>(static_cast<float>(ropeTheta)), exponent));
  };
  if (ropeScaling.type == RopeScaling::Type::None) {
    for (int64_t pair = 0; pair < pairs; ++pair) {
      frequencies[static_cast<size_t>(pair)] = 1.0F / positionFrequency(pair);
    }
    return frequencies;
  }
  const auto context = static_cast<double>(ropeScaling.originalMaxPositionEmbeddings);
  const auto width = static_cast<double>(dim);
  double low = correctionDim(ropeScaling.betaFast, width, ropeTheta, context);
  double high = correctionDim(ropeScaling.betaSlow, width, ropeTheta, context);
  if (ropeScaling.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  // dim - 1 although there are only dim / 2 pairs: so does the published code.
  high = std::min(high, width - 1);
  if (low == high) {
    high += 0.001; // avoids a division by zero; the published value
  }
  for (int64_t pair = 0; pair < pairs; ++pair) {
    float ramp =
        (static_cast<float>(pair) - static_cast<float>(low)) / static_cast<float>(high - low);
    float extrapolated = 1.0F - std::clamp(ramp, 0.0F, 1.0F);
    float power = positionFrequency(pair);
    float interpolation = 1.0F / (static_cast<float>(ropeScaling.factor) * power);
    float extrapolation = 1.0F / power;
    frequencies[static_cast<size_t>(pair)] =
        interpolation * (1.0F - extrapolated) + extrapolation * extrapolated;
  }
  return frequencies;
}

} // namespace dsv3::checkpoint
