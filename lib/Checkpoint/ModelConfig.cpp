//===- ModelConfig.cpp - what follows from a configuration ----------------===//
//
// The arithmetic is float32 where transformers' is, operation by operation: the
// angles of far positions amplify every difference.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Checkpoint/ModelConfig.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace dsv3::checkpoint {

/// YaRN's attention temperature (arXiv 2309.00071, section 3.4).
static double yarnMscale(double factor, double mscale) {
  return factor <= 1.0 ? 1.0 : 0.1 * mscale * std::log(factor) + 1.0;
}

double ModelConfig::softmaxScale() const {
  double scale = 1.0 / std::sqrt(static_cast<double>(qkHeadDim()));
  if (yarn && yarn->mscaleAllDim != 0.0) {
    double temperature = yarnMscale(yarn->factor, yarn->mscaleAllDim);
    scale *= temperature * temperature;
  }
  return scale;
}

float ModelConfig::ropeMultiplier() const {
  if (!yarn) {
    return 1.0F;
  }
  if (yarn->attentionFactor) {
    return static_cast<float>(*yarn->attentionFactor);
  }
  if (yarn->mscale != 0.0 && yarn->mscaleAllDim != 0.0) {
    return static_cast<float>(yarnMscale(yarn->factor, yarn->mscale) /
                              yarnMscale(yarn->factor, yarn->mscaleAllDim));
  }
  return static_cast<float>(yarnMscale(yarn->factor, 1.0));
}

/// The pair whose wavelength fits `rotations` times into the original context.
static double correctionDim(double rotations, const ModelConfig &config) {
  auto context = static_cast<double>(config.yarn->originalMaxPositionEmbeddings);
  return static_cast<double>(config.qkRopeHeadDim) *
         std::log(context / (rotations * 2.0 * std::numbers::pi)) /
         (2.0 * std::log(config.ropeTheta));
}

std::vector<float> ModelConfig::ropeInverseFrequencies() const {
  int64_t pairs = qkRopeHeadDim / 2;
  std::vector<float> frequencies(static_cast<size_t>(pairs));
  auto theta = static_cast<float>(ropeTheta);
  double low = 0.0, high = 0.0;
  if (yarn) {
    low = correctionDim(yarn->betaFast, *this);
    high = correctionDim(yarn->betaSlow, *this);
    if (yarn->truncate) {
      low = std::floor(low);
      high = std::ceil(high);
    }
    low = std::max(low, 0.0);
    high = std::min(high, static_cast<double>(qkRopeHeadDim - 1));
    if (low == high) {
      high += 0.001;
    }
  }
  for (int64_t i = 0; i < pairs; ++i) {
    float exponent = static_cast<float>(2 * i) / static_cast<float>(qkRopeHeadDim);
    float power = std::pow(theta, exponent);
    float extrapolated = 1.0F / power;
    if (!yarn) {
      frequencies[static_cast<size_t>(i)] = extrapolated;
      continue;
    }
    float interpolated = 1.0F / (static_cast<float>(yarn->factor) * power);
    float ramp = std::clamp((static_cast<float>(i) - static_cast<float>(low)) /
                                static_cast<float>(high - low),
                            0.0F, 1.0F);
    float kept = 1.0F - ramp;
    frequencies[static_cast<size_t>(i)] = interpolated * (1.0F - kept) + extrapolated * kept;
  }
  return frequencies;
}

} // namespace dsv3::checkpoint
