//===- ParseConfig.cpp - config.json, checked -----------------------------===//
//
// Fields that are absent take the defaults of transformers' DeepseekV3Config where it
// has sensible ones; sizes must be there. What the family does not have, or what this
// program has no code for, is refused by name.
//
//===----------------------------------------------------------------------===//
#include "JsonReader.h"
#include "dsv3/Checkpoint/ModelConfig.h"

namespace dsv3::checkpoint {
namespace {

// Limits that no model of the family comes near, but that keep products in range.
constexpr int64_t maxWidth = int64_t(1) << 20, maxVocabulary = int64_t(1) << 24;
constexpr int64_t maxLayers = 4096, maxHeads = 4096, maxExperts = 16384;
constexpr int64_t maxPositions = int64_t(1) << 28;

/// Reads one config.json.
class ConfigParser {
public:
  explicit ConfigParser(const nlohmann::json &json) : json(json), fields(json, "", defects) {}

  ModelConfig parse();
  std::vector<std::string> defects;

private:
  void checkKind();
  void readSizes();
  void readExperts();
  void readRope();
  void readYarn(const nlohmann::json &rope, const std::string &name);
  void readQuantization();
  void readTokens();
  /// Refuses a text field that is there with another value than `wanted`.
  void require(std::string_view name, const std::string &wanted, const char *why);

  const nlohmann::json &json;
  FieldReader fields;
  ModelConfig config;
};

} // namespace

void ConfigParser::require(std::string_view name, const std::string &wanted, const char *why) {
  std::string found = fields.text(name, wanted);
  if (found != wanted) {
    fields.defect(name, "expected \"" + wanted + "\", found \"" + found + "\": " + why);
  }
}

void ConfigParser::checkKind() {
  std::string type = fields.text("model_type", "deepseek_v3");
  if (type != "deepseek_v3" && type != "kimi_k2") {
    fields.defect("model_type", "expected \"deepseek_v3\" or \"kimi_k2\", found \"" + type +
                                    "\": another architecture");
  }
  auto list = json.find("architectures");
  if (list != json.end() && !list->is_null()) {
    bool known = list->is_array() && !list->empty();
    for (const nlohmann::json &entry : known ? *list : nlohmann::json::array()) {
      known &= entry.is_string() && (entry == "DeepseekV3ForCausalLM");
    }
    if (!known) {
      fields.defect("architectures",
                    "expected [\"DeepseekV3ForCausalLM\"], found " + spell(*list));
    }
  }
  require("hidden_act", "silu", "only SwiGLU has code");
  if (fields.boolean("attention_bias", false)) {
    fields.defect("attention_bias", "expected false, found true: biases have no code");
  }
  if (!fields.boolean("rope_interleave", true)) {
    fields.defect("rope_interleave", "expected true, found false: pairs are interleaved");
  }
}

void ConfigParser::readSizes() {
  config.vocabSize = fields.integer("vocab_size", 1, maxVocabulary);
  config.hiddenSize = fields.integer("hidden_size", 1, maxWidth);
  config.numHiddenLayers = fields.integer("num_hidden_layers", 1, maxLayers);
  config.numAttentionHeads = fields.integer("num_attention_heads", 1, maxHeads);
  int64_t keyHeads = fields.integer("num_key_value_heads", 1, maxHeads, config.numAttentionHeads);
  if (keyHeads != config.numAttentionHeads) {
    fields.defect("num_key_value_heads",
                  "expected " + std::to_string(config.numAttentionHeads) +
                      " (num_attention_heads), found " + std::to_string(keyHeads));
  }
  if (fields.has("q_lora_rank")) {
    config.qLoraRank = fields.integer("q_lora_rank", 1, maxWidth);
  }
  config.kvLoraRank = fields.integer("kv_lora_rank", 1, maxWidth);
  config.qkNopeHeadDim = fields.integer("qk_nope_head_dim", 1, maxWidth);
  config.qkRopeHeadDim = fields.integer("qk_rope_head_dim", 2, maxWidth);
  if (config.qkRopeHeadDim % 2 != 0) {
    fields.defect("qk_rope_head_dim", "expected an even number (pairs are rotated), found " +
                                          std::to_string(config.qkRopeHeadDim));
  }
  config.vHeadDim = fields.integer("v_head_dim", 1, maxWidth);
  config.maxPositionEmbeddings = fields.integer("max_position_embeddings", 1, maxPositions);
  config.rmsNormEps = fields.number("rms_norm_eps", 1e-12, 1.0, 1e-6);
  config.tieWordEmbeddings = fields.boolean("tie_word_embeddings", false);
}

void ConfigParser::readExperts() {
  config.nRoutedExperts = fields.integer("n_routed_experts", 0, maxExperts, 0);
  config.firstKDenseReplace = fields.integer("first_k_dense_replace", 0, maxLayers, 0);
  bool dense = config.nRoutedExperts == 0 || config.firstKDenseReplace > 0;
  if (dense) {
    config.intermediateSize = fields.integer("intermediate_size", 1, maxWidth);
  }
  if (config.nRoutedExperts == 0) {
    return;
  }
  int64_t experts = config.nRoutedExperts;
  config.moeIntermediateSize = fields.integer("moe_intermediate_size", 1, maxWidth);
  config.nSharedExperts = fields.integer("n_shared_experts", 0, maxHeads, 0);
  config.numExpertsPerTok = fields.integer("num_experts_per_tok", 1, experts);
  config.nGroup = fields.integer("n_group", 1, experts, 1);
  config.topkGroup = fields.integer("topk_group", 1, config.nGroup, config.nGroup);
  config.routedScalingFactor = fields.number("routed_scaling_factor", -1e6, 1e6, 1.0);
  config.normTopkProb = fields.boolean("norm_topk_prob", true);
  require("scoring_func", "sigmoid", "the router has no other score");
  require("topk_method", "noaux_tc", "the router has no other choice of experts");
  if (fields.integer("moe_layer_freq", 1, maxLayers, 1) != 1) {
    fields.defect("moe_layer_freq", "expected 1: every layer after the dense ones has experts");
  }
  if (experts % config.nGroup != 0) {
    fields.defect("n_group", "expected a divisor of n_routed_experts " + std::to_string(experts) +
                                 ", found " + std::to_string(config.nGroup));
    return;
  }
  int64_t groupSize = experts / config.nGroup;
  if (config.nGroup > 1 && groupSize < 2) {
    fields.defect("n_group", "expected at least 2 experts in a group (its score is the sum of the "
                             "best two), found " +
                                 std::to_string(groupSize));
  }
  if (config.numExpertsPerTok > config.topkGroup * groupSize) {
    fields.defect("num_experts_per_tok",
                  "expected at most the " + std::to_string(config.topkGroup * groupSize) +
                      " experts of topk_group groups, found " +
                      std::to_string(config.numExpertsPerTok));
  }
}

void ConfigParser::readYarn(const nlohmann::json &rope, const std::string &name) {
  FieldReader reader(rope, name + ".", defects);
  YarnScaling yarn;
  yarn.originalMaxPositionEmbeddings =
      reader.integer("original_max_position_embeddings", 1, maxPositions);
  // transformers takes the ratio of the contexts where the factor is null.
  double ratio = static_cast<double>(config.maxPositionEmbeddings) /
                 static_cast<double>(yarn.originalMaxPositionEmbeddings);
  yarn.factor = reader.number("factor", 1e-3, 1e6, ratio);
  yarn.betaFast = reader.number("beta_fast", 0.0, 1e9, 32.0);
  yarn.betaSlow = reader.number("beta_slow", 0.0, 1e9, 1.0);
  yarn.betaFast = yarn.betaFast == 0.0 ? 32.0 : yarn.betaFast;
  yarn.betaSlow = yarn.betaSlow == 0.0 ? 1.0 : yarn.betaSlow;
  yarn.mscale = reader.number("mscale", -1e6, 1e6, 0.0);
  yarn.mscaleAllDim = reader.number("mscale_all_dim", -1e6, 1e6, 0.0);
  if (reader.has("attention_factor")) {
    yarn.attentionFactor = reader.number("attention_factor", 1e-6, 1e6);
  }
  yarn.truncate = reader.boolean("truncate", true);
  config.yarn = yarn;
}

void ConfigParser::readRope() {
  config.ropeTheta = fields.number("rope_theta", 1.0 + 1e-6, 1e12, 10000.0);
  for (std::string name : {"rope_parameters", "rope_scaling"}) {
    auto found = json.find(name);
    if (found == json.end() || found->is_null()) {
      continue;
    }
    if (!found->is_object()) {
      fields.defect(name, "expected an object or null, found " + spell(*found));
      continue;
    }
    FieldReader reader(*found, name + ".", defects);
    config.ropeTheta = reader.number("rope_theta", 1.0 + 1e-6, 1e12, config.ropeTheta);
    std::string type = reader.text("rope_type", reader.text("type", "default"));
    if (type == "yarn") {
      readYarn(*found, name);
    } else if (type != "default") {
      reader.defect("rope_type", "expected \"yarn\" or \"default\", found \"" + type +
                                     "\": no other scaling of positions has code");
    }
    return;
  }
}

void ConfigParser::readQuantization() {
  auto found = json.find("quantization_config");
  if (found == json.end() || found->is_null()) {
    return;
  }
  if (!found->is_object()) {
    fields.defect("quantization_config", "expected an object or null, found " + spell(*found));
    return;
  }
  FieldReader reader(*found, "quantization_config.", defects);
  auto require = [&](std::string_view name, const std::string &wanted) {
    std::string text = reader.text(name, wanted);
    if (text != wanted) {
      reader.defect(name, "expected \"" + wanted + "\", found \"" + text + "\"");
    }
  };
  require("quant_method", "fp8");
  require("fmt", "e4m3");
  require("activation_scheme", "dynamic");
  Quantization quantization;
  if (reader.has("weight_block_size")) {
    std::vector<int64_t> block = reader.integers("weight_block_size", 1, maxWidth);
    if (block.size() != 2) {
      reader.defect("weight_block_size",
                    "expected [rows, columns], found " + spell((*found)["weight_block_size"]));
    } else {
      quantization.weightBlockSize = {block[0], block[1]};
    }
  }
  std::string scales = reader.text("scale_fmt", "");
  if (!scales.empty() && scales != "ue8m0") {
    reader.defect("scale_fmt", "expected \"ue8m0\" or nothing, found \"" + scales + "\"");
  }
  quantization.ue8m0 = scales == "ue8m0";
  config.quantization = quantization;
}

void ConfigParser::readTokens() {
  config.bosTokenId = fields.integer("bos_token_id", 0, maxVocabulary, 0);
  config.eosTokenIds = fields.integers("eos_token_id", 0, maxVocabulary);
  if (!fields.has("eos_token_id")) {
    config.eosTokenIds = {1};
  }
  config.numNextnPredictLayers = fields.integer("num_nextn_predict_layers", 0, 1, 0);
  std::string type = fields.text("torch_dtype", fields.text("dtype", "bfloat16"));
  if (type == "bfloat16") {
    config.torchDtype = DType::BF16;
  } else if (type == "float16") {
    config.torchDtype = DType::F16;
  } else if (type == "float32") {
    config.torchDtype = DType::F32;
  } else {
    fields.defect("torch_dtype",
                  "expected bfloat16, float16 or float32, found \"" + type + "\"");
  }
}

ModelConfig ConfigParser::parse() {
  checkKind();
  readSizes();
  readExperts();
  readRope();
  readQuantization();
  readTokens();
  return config;
}

Expected<ModelConfig> parseModelConfig(std::string_view text, const std::string &where) {
  Expected<nlohmann::json> json = parseJson(text, where);
  if (!json) {
    return json.status();
  }
  if (!json->is_object()) {
    return Failure{"expected a JSON object, found " + spell(*json), where};
  }
  ConfigParser parser(*json);
  ModelConfig config = parser.parse();
  if (parser.defects.empty()) {
    return config;
  }
  std::string what = "this configuration cannot be run:";
  for (const std::string &defect : parser.defects) {
    what += "\n  " + defect;
  }
  return Failure{what, where, "use a checkpoint of the DeepSeek-V3 family as published"};
}

} // namespace dsv3::checkpoint
