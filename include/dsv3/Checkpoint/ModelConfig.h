//===- ModelConfig.h - config.json of the DeepSeek-V3 family ----*- C++ -*-===//
//
// The configuration of a model with the names of config.json, checked, and what
// follows from it: head sizes, softmax scale, rotary frequencies. Nothing here is
// specific to the 671B model. Does not look at weights.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/DType.h"
#include "dsv3/Support/Status.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dsv3::checkpoint {

/// YaRN (arXiv 2309.00071), as `rope_scaling` or `rope_parameters` give it.
struct YarnScaling {
  double factor = 1.0;
  int64_t originalMaxPositionEmbeddings = 0;
  double betaFast = 32.0;
  double betaSlow = 1.0;
  double mscale = 0.0;       ///< 0: not given
  double mscaleAllDim = 0.0; ///< 0: not given
  std::optional<double> attentionFactor;
  bool truncate = true;
};

/// `quantization_config`: e4m3 weights with a scale for each block.
struct Quantization {
  std::array<int64_t, 2> weightBlockSize{128, 128}; ///< rows, columns
  bool ue8m0 = false;                               ///< scales are powers of two
};

/// Plain data with the field names of config.json; all sizes are positive and so small
/// that products of any three of them fit into 63 bits.
struct ModelConfig {
  int64_t vocabSize = 0;
  int64_t hiddenSize = 0;
  int64_t intermediateSize = 0;
  int64_t moeIntermediateSize = 0;
  int64_t numHiddenLayers = 0;
  int64_t firstKDenseReplace = 0;
  int64_t numAttentionHeads = 0;
  std::optional<int64_t> qLoraRank;
  int64_t kvLoraRank = 0;
  int64_t qkNopeHeadDim = 0;
  int64_t qkRopeHeadDim = 0;
  int64_t vHeadDim = 0;
  int64_t nRoutedExperts = 0; ///< 0: every layer is dense
  int64_t nSharedExperts = 0;
  int64_t numExpertsPerTok = 0;
  int64_t nGroup = 1;
  int64_t topkGroup = 1;
  double routedScalingFactor = 1.0;
  bool normTopkProb = true;
  int64_t numNextnPredictLayers = 0; ///< 0 or 1
  int64_t maxPositionEmbeddings = 0;
  double ropeTheta = 10000.0;
  std::optional<YarnScaling> yarn;
  double rmsNormEps = 1e-6;
  bool tieWordEmbeddings = false;
  int64_t bosTokenId = 0;
  std::vector<int64_t> eosTokenIds;
  DType torchDtype = DType::BF16;
  std::optional<Quantization> quantization;

  /// qk_nope_head_dim + qk_rope_head_dim.
  int64_t qkHeadDim() const { return qkNopeHeadDim + qkRopeHeadDim; }
  /// Whether layer `layer` of the main model has experts.
  bool isMoeLayer(int64_t layer) const {
    return nRoutedExperts > 0 && layer >= firstKDenseReplace;
  }
  /// qk_head_dim^-0.5, times g(factor, mscale_all_dim)^2 under YaRN, where
  /// g(f, m) = 0.1 m ln f + 1 for f > 1 (DeepSeek-V2 report, appendix; transformers).
  double softmaxScale() const;
  /// The angle of pair i at position p is p × frequency i: qk_rope_head_dim / 2 of them,
  /// computed in float32 like transformers'.
  std::vector<float> ropeInverseFrequencies() const;
  /// What cosines and sines are multiplied by: attention_factor, or
  /// g(factor, mscale) / g(factor, mscale_all_dim); 1 without YaRN.
  float ropeMultiplier() const;
};

/// Reads config.json. `where` names it in failures. Everything that is missing, of
/// the wrong type, out of range or not supported is told in one failure.
Expected<ModelConfig> parseModelConfig(std::string_view json, const std::string &where);

} // namespace dsv3::checkpoint
