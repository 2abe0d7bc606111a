//===- TensorMap.h - which tensors a model has ------------------*- C++ -*-===//
//
// The tensors that a configuration implies, under their published names
// (README_WEIGHTS.md of deepseek-ai/DeepSeek-V3), and the check of a checkpoint
// against them, which reads headers only. Checks of values (NaN codes, scales) are
// here too, for the loader to call on the bytes it reads.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Checkpoint/Checkpoint.h"
#include "dsv3/Checkpoint/ModelConfig.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dsv3::checkpoint {

/// What a tensor is for.
enum class TensorRole : uint8_t {
  Embedding,  ///< model.embed_tokens.weight [vocab, hidden]
  Head,       ///< lm_head.weight [vocab, hidden]; absent if tied
  Norm,       ///< weight of an RMSNorm [n]
  Projection, ///< weight of a linear layer [n, k]; the roles that may be FP8
  Gate,       ///< router logits [experts, hidden]
  GateBias,   ///< e_score_correction_bias [experts]
  MtpJoin,    ///< eh_proj of the MTP layer [hidden, 2·hidden]
  MtpCopy,    ///< a copy of embedding or head in the MTP layer: known, not loaded
};

/// What scales may be stored as. Published checkpoints have F32.
inline constexpr std::array scaleTypes{DType::F32, DType::BF16};

/// A tensor that the configuration implies.
struct ExpectedTensor {
  std::string key;
  std::vector<int64_t> shape;
  TensorRole role = TensorRole::Projection;
  int64_t layer = -1; ///< of model.layers.N; -1 outside, and in a pattern

  /// May be stored as FP8 beside a tensor scaleKey() [⌈n/bn⌉, ⌈k/bk⌉] of scaleTypes.
  bool mayBeFp8() const { return role == TensorRole::Projection; }
  /// A checkpoint may lack it.
  bool isOptional() const { return role == TensorRole::MtpCopy; }
  /// "….weight_scale_inv"
  std::string scaleKey() const { return key + "_scale_inv"; }
};

/// All tensors of a checkpoint: those of the main model and, where numNextnPredictLayers is 1, of
/// the MTP layer `model.layers.{numHiddenLayers}`, in the order of the model: embedding, layers,
/// norm, head, MTP. Scale tensors are not listed: each belongs to its weight.
std::vector<ExpectedTensor> expectedTensors(const ModelConfig &config);

/// The type that published checkpoints store tensors of that role with.
DType publishedType(const ModelConfig &config, TensorRole role);

/// What the importer makes parameters of: tensors whose keys have `{layer}` and `{expert}` in
/// the place of numbers, each for as many tensors as there are layers and experts.
std::vector<ExpectedTensor> layerPatterns(const ModelConfig &config, bool moe);
/// The tensors outside of layers, and those that the MTP layer has besides a layer's.
std::vector<ExpectedTensor> modelTensors(const ModelConfig &config);
std::vector<ExpectedTensor> mtpTensors(const ModelConfig &config);

/// The shape of the scales of a weight of shape [n, k]: [⌈n/bn⌉, ⌈k/bk⌉]. A ragged edge
/// has a block of its own.
std::vector<int64_t> scaleShape(std::span<const int64_t> shape,
                                const std::array<int64_t, 2> &block);

/// What a sound checkpoint holds.
struct TensorCheck {
  /// The MTP layer is there, whole.
  bool hasMtp = false;
  /// Some projection is stored as FP8.
  bool hasFp8 = false;
  /// Oddities that do no harm, a sentence each, for the user to read.
  std::vector<std::string> notes;
};

/// Checks that the checkpoint holds every expected tensor with its shape and a type
/// that dsv3 reads, that FP8 weights and scales come in pairs, and that nothing unknown
/// is left over. All defects come in one failure, like ones joined in a line
/// ("model.layers.{3..60}.mlp.experts.{0..255}.up_proj.weight").
/// With numNextnPredictLayers 1 and no tensor of the MTP layer: a note. With 0 and
/// tensors of that layer: a note; they are not used. rotary_emb.inv_freq and, where
/// the embeddings are tied, lm_head.weight: a note; they are not used.
Expected<TensorCheck> checkTensors(const ModelConfig &config, const Checkpoint &checkpoint);
/// The same for a list of tensors sorted by key; `where` names it in a failure.
Expected<TensorCheck> checkTensors(const ModelConfig &config, std::span<const TensorInfo> tensors,
                                   const std::string &where);

/// Whether one of the e4m3 codes is a NaN: 0x7F or 0xFF, or has all bits of `magnitude`, for
/// codes whose bits are kept in another order. Several GB a second.
bool containsNaNCode(std::span<const uint8_t> codes, uint8_t magnitude = 0x7F);
/// The index of the first scale that is not finite or is negative; scales.size() if all
/// are sound. Zero is sound: a block of zeros may have it.
size_t findBadScale(std::span<const float> scales);

/// Weights of at most so many values in a layer must be finite: norms, biases and routers, whose
/// damage can change the choice of experts and show in no logit. To look at larger ones would make
/// loading slower, and what is no number there reaches the logits.
inline constexpr int64_t mostValuesLookedAt = int64_t(4) << 20;
/// The index of the first of the values of f32, f16 or bf16 that is NaN or infinite; their number
/// if all are finite. Values of other types are not looked at. `values` need not be aligned.
size_t findNotFinite(std::span<const std::byte> values, DType type);

} // namespace dsv3::checkpoint
