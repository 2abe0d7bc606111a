//===- ModelConfig.h - config.json of the DeepSeek-V3 family ----*- C++ -*-===//
//
// The configuration of a model, with the field names of config.json, checked: who
// holds a ModelConfig from parseModelConfig may trust its sizes and multiply them.
// Also what follows from the fields by the formulas of the published code. Knows no
// tensors (TensorMap.h) and no sampling (GenerationConfig.h).
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

/// `rope_scaling`, or `rope_parameters` since transformers 5.
struct RopeScaling {
  enum class Type : uint8_t { None, Yarn };

  Type type = Type::None;
  double factor = 1;
  int64_t originalMaxPositionEmbeddings = 0; ///< tokens
  double betaFast = 32;
  double betaSlow = 1;
  double mscale = 0;       ///< 0: absent
  double mscaleAllDim = 0; ///< 0: absent
  /// Stated multiplier of cos and sin; empty: it follows from the mscales.
  std::optional<double> attentionFactor;
  /// Round the ends of the ramp outwards to whole dimensions.
  bool truncate = true;
};

/// `quantization_config` with quant_method fp8, fmt e4m3, dynamic activations.
struct Quantization {
  /// Rows (n) and columns (k) of a weight that share a scale.
  std::array<int64_t, 2> weightBlockSize = {128, 128};
  /// `scale_fmt` is ue8m0: scales are powers of two, those of activations too.
  bool powersOfTwo = false;
};

/// Sizes are in elements unless said otherwise. A value type.
struct ModelConfig {
  std::string modelType = "deepseek_v3";
  int64_t vocabSize = 0;
  int64_t hiddenSize = 0;
  int64_t intermediateSize = 0;    ///< of a dense layer
  int64_t moeIntermediateSize = 0; ///< of one expert; 0 without experts
  int64_t numHiddenLayers = 0;     ///< without the MTP layer
  int64_t firstKDenseReplace = 0;  ///< layers before this one are dense
  int64_t numAttentionHeads = 0;
  std::optional<int64_t> qLoraRank; ///< empty: one projection of the query
  int64_t kvLoraRank = 0;
  int64_t qkNopeHeadDim = 0;
  int64_t qkRopeHeadDim = 0; ///< even
  int64_t vHeadDim = 0;
  int64_t nRoutedExperts = 0; ///< 0: every layer is dense
  int64_t nSharedExperts = 0; ///< 0: none
  int64_t numExpertsPerTok = 0;
  int64_t nGroup = 1;
  int64_t topkGroup = 1;
  double routedScalingFactor = 1;
  bool normTopkProb = true;
  int64_t numNextnPredictLayers = 0; ///< MTP modules, 0 or 1
  int64_t maxPositionEmbeddings = 0; ///< tokens
  double ropeTheta = 10000;
  RopeScaling ropeScaling;
  double rmsNormEps = 1e-6; ///< of all norms but q_a and kv_a, which have 1e-6
  bool tieWordEmbeddings = false;
  std::vector<int64_t> eosTokenIds; ///< a single id in the file is a list of one
  DType torchDtype = DType::BF16;   ///< of tensors that are not quantised, as stated
  std::optional<Quantization> quantization;

  /// Values of a head of query and key: qk_nope_head_dim + qk_rope_head_dim.
  int64_t qkHeadDim() const { return qkNopeHeadDim + qkRopeHeadDim; }
  /// Values of a token in the cache of one layer: kv_lora_rank + qk_rope_head_dim.
  int64_t cacheWidth() const { return kvLoraRank + qkRopeHeadDim; }
  /// Whether decoder layer `layer` (from 0, below numHiddenLayers) has experts.
  bool isMoeLayer(int64_t layer) const { return nRoutedExperts > 0 && layer >= firstKDenseReplace; }
  /// Whether the MTP layer has experts: whenever the model has any, wherever its dense
  /// layers end (transformers, PreTrainedConfig.get_mtp_config).
  bool isMtpLayerMoe() const { return nRoutedExperts > 0; }

  /// What the scores of attention are multiplied by: qk_head_dim^-0.5, with a rope
  /// scaling and mscale_all_dim m ≠ 0 also by g(factor, m)², g(f, m) = 0.1·m·ln f + 1
  /// for f > 1, else 1. Source: transformers, modeling_deepseek_v3.yarn_apply_mscale.
  double softmaxScale() const;
  /// Radians per position of each rotated pair, [qk_rope_head_dim / 2], as
  /// transformers computes them in float32 (modeling_rope_utils._compute_yarn_parameters,
  /// modeling_deepseek_v3.compute_default_rope_parameters) up to the last bit of its pow.
  std::vector<float> ropeInverseFrequencies() const;
  /// What cos and sin are multiplied by: attention_factor if stated, else
  /// g(factor, mscale) / g(factor, mscale_all_dim) if both are non-zero, else
  /// g(factor, 1); 1 without rope scaling. Source: _compute_yarn_parameters.
  double ropeMultiplier() const;
};

/// Sane limits of what config.json states. A size above is taken for a mistake.
struct ConfigLimits {
  static constexpr int64_t vocabSize = 1 << 24;
  static constexpr int64_t width = 1 << 20; ///< hidden and intermediate sizes, ranks
  static constexpr int64_t headDim = 1 << 14;
  static constexpr int64_t heads = 1 << 14;
  static constexpr int64_t layers = 1 << 12;
  static constexpr int64_t experts = 1 << 16;
  /// Of all layers together; bounds the list of tensors.
  static constexpr int64_t expertsTotal = 1 << 18;
  static constexpr int64_t positions = 1 << 30;
  /// Of one tensor.
  static constexpr int64_t elements = int64_t(1) << 40;
};

/// Reads config.json; `where` names it in a failure. Absent optional fields take the
/// defaults of DeepseekV3Config (transformers). Everything that is wrong, missing or
/// not supported comes in one failure, a line each.
Expected<ModelConfig> parseModelConfig(std::string_view json, const std::string &where);

} // namespace dsv3::checkpoint
