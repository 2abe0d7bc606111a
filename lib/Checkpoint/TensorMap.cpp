//===- TensorMap.cpp - which tensors a model has --------------------------===//
//
// One function per module of the model, in the order in which the published code
// declares them. Sizes come from a checked ModelConfig, so products do not overflow.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Checkpoint/TensorMap.h"

#include "dsv3/Support/KeyMarks.h"

#include <utility>

namespace dsv3::checkpoint {

namespace {
/// Appends tensors under a prefix.
class TensorList {
public:
  explicit TensorList(const ModelConfig &config) : config(config) {}

  void add(const std::string &key, std::vector<int64_t> shape, TensorRole role) {
    tensors.push_back({prefix + key, std::move(shape), role, layer});
  }
  void projection(const std::string &name, int64_t rows, int64_t columns) {
    add(name + ".weight", {rows, columns}, TensorRole::Projection);
  }
  void norm(const std::string &name, int64_t size) {
    add(name + ".weight", {size}, TensorRole::Norm);
  }
  void mlp(const std::string &name, int64_t width) {
    projection(name + ".gate_proj", width, config.hiddenSize);
    projection(name + ".up_proj", width, config.hiddenSize);
    projection(name + ".down_proj", config.hiddenSize, width);
  }
  void attention() {
    const int64_t heads = config.numAttentionHeads, hidden = config.hiddenSize;
    const std::string name = "self_attn.";
    if (config.qLoraRank) {
      projection(name + "q_a_proj", *config.qLoraRank, hidden);
      norm(name + "q_a_layernorm", *config.qLoraRank);
      projection(name + "q_b_proj", heads * config.qkHeadDim(), *config.qLoraRank);
    } else {
      projection(name + "q_proj", heads * config.qkHeadDim(), hidden);
    }
    projection(name + "kv_a_proj_with_mqa", config.cacheWidth(), hidden);
    norm(name + "kv_a_layernorm", config.kvLoraRank);
    projection(name + "kv_b_proj", heads * (config.qkNopeHeadDim + config.vHeadDim),
               config.kvLoraRank);
    projection(name + "o_proj", hidden, heads * config.vHeadDim);
  }
  void experts(std::span<const std::string> names) {
    add("mlp.gate.weight", {config.nRoutedExperts, config.hiddenSize}, TensorRole::Gate);
    add("mlp.gate.e_score_correction_bias", {config.nRoutedExperts}, TensorRole::GateBias);
    for (const std::string &name : names) {
      mlp("mlp.experts." + name, config.moeIntermediateSize);
    }
    if (config.nSharedExperts > 0) {
      mlp("mlp.shared_experts", config.moeIntermediateSize * config.nSharedExperts);
    }
  }
  /// `names` are those of the experts, where there are any.
  void decoderLayer(bool moe, std::span<const std::string> names) {
    norm("input_layernorm", config.hiddenSize);
    attention();
    norm("post_attention_layernorm", config.hiddenSize);
    if (moe) {
      experts(names);
    } else {
      mlp("mlp", config.intermediateSize);
    }
  }
  /// The multi-token prediction module is a decoder layer with a few tensors more.
  void mtp() {
    const int64_t hidden = config.hiddenSize;
    norm("enorm", hidden);
    norm("hnorm", hidden);
    add("eh_proj.weight", {hidden, 2 * hidden}, TensorRole::MtpJoin);
    norm("shared_head.norm", hidden);
    add("embed_tokens.weight", {config.vocabSize, hidden}, TensorRole::MtpCopy);
    add("shared_head.head.weight", {config.vocabSize, hidden}, TensorRole::MtpCopy);
  }
  void embedding() {
    add("model.embed_tokens.weight", {config.vocabSize, config.hiddenSize}, TensorRole::Embedding);
  }
  void head() {
    norm("model.norm", config.hiddenSize);
    if (!config.tieWordEmbeddings) {
      add("lm_head.weight", {config.vocabSize, config.hiddenSize}, TensorRole::Head);
    }
  }
  /// What is added from here on is of that layer; `number` -1: of all alike.
  void enterLayer(int64_t number) {
    layer = number;
    prefix = "model.layers." + (number < 0 ? std::string(layerMark) : std::to_string(number)) + ".";
  }
  void leaveLayer() {
    layer = -1;
    prefix.clear();
  }

  std::vector<ExpectedTensor> tensors;

private:
  const ModelConfig &config;
  std::string prefix;
  int64_t layer = -1;
};
} // namespace

std::vector<ExpectedTensor> expectedTensors(const ModelConfig &config) {
  TensorList list(config);
  std::vector<std::string> experts;
  experts.reserve(size_t(config.nRoutedExperts));
  for (int64_t expert = 0; expert < config.nRoutedExperts; ++expert) {
    experts.push_back(std::to_string(expert));
  }
  list.embedding();
  for (int64_t layer = 0; layer < config.numHiddenLayers; ++layer) {
    list.enterLayer(layer);
    list.decoderLayer(config.isMoeLayer(layer), experts);
  }
  list.leaveLayer();
  list.head();
  if (config.numNextnPredictLayers > 0) {
    list.enterLayer(config.numHiddenLayers);
    list.decoderLayer(config.isMtpLayerMoe(), experts);
    list.mtp();
  }
  return std::move(list.tensors);
}

std::vector<ExpectedTensor> layerPatterns(const ModelConfig &config, bool moe) {
  TensorList list(config);
  const std::string expert(expertMark);
  list.enterLayer(-1);
  list.decoderLayer(moe, {&expert, 1});
  return std::move(list.tensors);
}

std::vector<ExpectedTensor> modelTensors(const ModelConfig &config) {
  TensorList list(config);
  list.embedding();
  list.head();
  return std::move(list.tensors);
}

std::vector<ExpectedTensor> mtpTensors(const ModelConfig &config) {
  TensorList list(config);
  list.enterLayer(config.numHiddenLayers);
  list.mtp();
  return std::move(list.tensors);
}

DType publishedType(const ModelConfig &config, TensorRole role) {
  switch (role) {
  case TensorRole::GateBias:
    return DType::F32;
  case TensorRole::Projection:
    return config.quantization ? DType::F8E4M3 : config.torchDtype;
  default:
    return config.torchDtype;
  }
}

std::vector<int64_t> scaleShape(std::span<const int64_t> shape,
                                const std::array<int64_t, 2> &block) {
  std::vector<int64_t> result;
  for (size_t i = 0; i < shape.size() && i < block.size(); ++i) {
    result.push_back((shape[i] + block[i] - 1) / block[i]);
  }
  return result;
}

} // namespace dsv3::checkpoint
