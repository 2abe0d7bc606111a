//===- TensorMap.cpp - which tensors a model has --------------------------===//
//
// One function per module of the model, in the order in which the published code
// declares them. Sizes come from a checked ModelConfig, so products do not overflow.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Checkpoint/TensorMap.h"

#include <utility>

namespace dsv3::checkpoint {

namespace {
/// Appends tensors under a prefix.
class TensorList {
public:
  explicit TensorList(const ModelConfig &config) : config(config) {}

  void add(const std::string &key, std::vector<int64_t> shape, TensorRole role) {
    tensors.push_back({prefix + key, std::move(shape), role, layer, expert});
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
  void experts() {
    add("mlp.gate.weight", {config.nRoutedExperts, config.hiddenSize}, TensorRole::Gate);
    add("mlp.gate.e_score_correction_bias", {config.nRoutedExperts}, TensorRole::GateBias);
    for (expert = 0; expert < config.nRoutedExperts; ++expert) {
      mlp("mlp.experts." + std::to_string(expert), config.moeIntermediateSize);
    }
    expert = -1;
    if (config.nSharedExperts > 0) {
      mlp("mlp.shared_experts", config.moeIntermediateSize * config.nSharedExperts);
    }
  }
  void decoderLayer(int64_t index, bool moe) {
    layer = index;
    prefix = "model.layers." + std::to_string(index) + ".";
    norm("input_layernorm", config.hiddenSize);
    attention();
    norm("post_attention_layernorm", config.hiddenSize);
    if (moe) {
      experts();
    } else {
      mlp("mlp", config.intermediateSize);
    }
  }
  /// The multi-token prediction module is a decoder layer with a few tensors more.
  void mtpLayer() {
    const int64_t hidden = config.hiddenSize;
    decoderLayer(config.numHiddenLayers, config.isMtpLayerMoe());
    norm("enorm", hidden);
    norm("hnorm", hidden);
    add("eh_proj.weight", {hidden, 2 * hidden}, TensorRole::MtpJoin);
    norm("shared_head.norm", hidden);
    add("embed_tokens.weight", {config.vocabSize, hidden}, TensorRole::MtpCopy);
    add("shared_head.head.weight", {config.vocabSize, hidden}, TensorRole::MtpCopy);
    leaveLayer();
  }
  void leaveLayer() {
    layer = -1;
    prefix.clear();
  }

  std::vector<ExpectedTensor> tensors;

private:
  const ModelConfig &config;
  std::string prefix;
  int64_t layer = -1, expert = -1;
};
} // namespace

std::vector<ExpectedTensor> expectedTensors(const ModelConfig &config) {
  TensorList list(config);
  list.add("model.embed_tokens.weight", {config.vocabSize, config.hiddenSize},
           TensorRole::Embedding);
  for (int64_t layer = 0; layer < config.numHiddenLayers; ++layer) {
    list.decoderLayer(layer, config.isMoeLayer(layer));
  }
  list.leaveLayer();
  list.norm("model.norm", config.hiddenSize);
  if (!config.tieWordEmbeddings) {
    list.add("lm_head.weight", {config.vocabSize, config.hiddenSize}, TensorRole::Head);
  }
  if (config.numNextnPredictLayers > 0) {
    list.mtpLayer();
  }
  return std::move(list.tensors);
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
