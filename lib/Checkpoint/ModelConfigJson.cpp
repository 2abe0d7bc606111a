//===- ModelConfigJson.cpp - reading and checking config.json -------------===//
//
// Field by field with its limits and its default, then the rules that join fields. Which
// fields may be absent and what they default to follows DeepseekV3Config of transformers;
// sizes that every published file states must be there. What the family
// has but dsv3 does not compute is refused here, by name.
//
//===----------------------------------------------------------------------===//
#include "ConfigFields.h"
#include "dsv3/Checkpoint/ModelConfig.h"

#include <algorithm>
#include <array>

namespace dsv3::checkpoint {

/// Says why the file describes no model of this family; empty if it does.
static std::string architectureDefect(const Json &root) {
  constexpr std::string_view architecture = "DeepseekV3ForCausalLM";
  constexpr std::array<std::string_view, 2> types{"deepseek_v3", "kimi_k2"};
  const char *hint = "; dsv3 runs DeepseekV3ForCausalLM (model_type deepseek_v3 or kimi_k2) only";
  auto stated = root.find("model_type");
  bool hasType = stated != root.end() && !stated->is_null();
  if (hasType &&
      (!stated->is_string() || std::find(types.begin(), types.end(),
                                         stated->get_ref<const std::string &>()) == types.end())) {
    return "model_type is " + describe(*stated) + hint;
  }
  auto list = root.find("architectures");
  if (list == root.end() || list->is_null() || (list->is_array() && list->empty())) {
    return hasType ? "" : std::string("neither architectures nor model_type is stated") + hint;
  }
  if (list->is_array() && std::find(list->begin(), list->end(), architecture) != list->end()) {
    return "";
  }
  return "architectures is " +
         (list->is_array() && list->size() == 1 ? describe(list->front()) : describe(*list)) + hint;
}

/// Refuses every value of a text field but one.
static void onlyText(ConfigFields &fields, const char *key, const char *only, const char *why) {
  std::string value = fields.text(key, only);
  if (value != only) {
    fields.defect(key, std::string("only '") + only + "' is supported, found " + inQuotes(value) +
                           "; " + why);
  }
}

static void readSizes(ConfigFields &fields, ModelConfig &config) {
  using Limits = ConfigLimits;
  config.vocabSize = fields.integer("vocab_size", 1, Limits::vocabSize);
  config.hiddenSize = fields.integer("hidden_size", 1, Limits::width);
  config.numHiddenLayers = fields.integer("num_hidden_layers", 1, Limits::layers);
  config.numAttentionHeads = fields.integer("num_attention_heads", 1, Limits::heads);
  int64_t keyValueHeads =
      fields.integer("num_key_value_heads", 1, Limits::heads, config.numAttentionHeads);
  if (fields.sound({"num_attention_heads", "num_key_value_heads"}) &&
      keyValueHeads != config.numAttentionHeads) {
    fields.defect("num_key_value_heads",
                  "is " + std::to_string(keyValueHeads) + ", but num_attention_heads is " +
                      std::to_string(config.numAttentionHeads) +
                      "; latent attention has one key and value per head, so they must be equal");
  }
  // Null is a choice here, absence is not: the default of the family is 1536.
  if (!fields.isNull("q_lora_rank")) {
    config.qLoraRank = fields.integer("q_lora_rank", 1, Limits::width, 1536);
  }
  config.kvLoraRank = fields.integer("kv_lora_rank", 1, Limits::width);
  config.qkNopeHeadDim = fields.integer("qk_nope_head_dim", 1, Limits::headDim);
  config.qkRopeHeadDim = fields.integer("qk_rope_head_dim", 2, Limits::headDim);
  if (config.qkRopeHeadDim % 2 != 0) {
    fields.defect("qk_rope_head_dim", "is " + std::to_string(config.qkRopeHeadDim) +
                                          ", but rotation takes pairs, so it must be even");
  }
  config.vHeadDim = fields.integer("v_head_dim", 1, Limits::headDim);
  config.maxPositionEmbeddings =
      fields.integer("max_position_embeddings", 1, Limits::positions, 4096);
}

/// Sizes of the layers' MLPs and experts.
static void readExperts(ConfigFields &fields, ModelConfig &config) {
  using Limits = ConfigLimits;
  config.firstKDenseReplace = fields.integer("first_k_dense_replace", 0, Limits::layers, 3);
  if (config.firstKDenseReplace > 0) {
    config.intermediateSize = fields.integer("intermediate_size", 1, Limits::width);
  } else {
    config.intermediateSize = fields.integer("intermediate_size", 0, Limits::width, 0);
  }
  // transformers ignores it, the original code does not: only 1 means the same to both.
  if (const Json *frequency = fields.find("moe_layer_freq"); frequency && *frequency != 1) {
    fields.defect("moe_layer_freq", "only 1 is supported, found " + describe(*frequency) +
                                        "; no published model has another");
  }
  const char *key = fields.eitherOf("n_routed_experts", "num_local_experts");
  bool mustState = !fields.isNull(key) && config.firstKDenseReplace < config.numHiddenLayers;
  config.nRoutedExperts =
      fields.integer(key, 0, Limits::experts, mustState ? std::nullopt : std::optional<int64_t>(0));
  if (config.nRoutedExperts == 0) {
    if (config.intermediateSize == 0 && fields.sound({key, "intermediate_size"})) {
      fields.defect("intermediate_size", "a model without experts needs it");
    }
    return;
  }
  config.moeIntermediateSize = fields.integer("moe_intermediate_size", 1, Limits::width);
  config.nSharedExperts = fields.isNull("n_shared_experts")
                              ? 0
                              : fields.integer("n_shared_experts", 0, Limits::experts, 1);
  config.numExpertsPerTok = fields.integer("num_experts_per_tok", 1, Limits::experts);
  config.nGroup = fields.integer("n_group", 1, Limits::experts, fields.isNull("n_group") ? 1 : 8);
  config.topkGroup =
      fields.integer("topk_group", 1, Limits::experts, fields.isNull("topk_group") ? 1 : 4);
  config.routedScalingFactor = fields.number("routed_scaling_factor", -1e6, 1e6, 2.5);
  config.normTopkProb = fields.boolean("norm_topk_prob", true);
  onlyText(fields, "scoring_func", "sigmoid", "is this DeepSeek-V2?");
  onlyText(fields, "topk_method", "noaux_tc", "is this DeepSeek-V2?");
}

/// The rules that join the sizes of the router.
static void checkRouter(ConfigFields &fields, const ModelConfig &config) {
  if (config.nRoutedExperts == 0 ||
      !fields.sound({"n_routed_experts", "num_local_experts", "num_hidden_layers", "n_group",
                     "topk_group", "num_experts_per_tok"})) {
    return;
  }
  auto text = [](int64_t number) { return std::to_string(number); };
  // The MTP layer counts too.
  if ((config.numHiddenLayers + 1) * config.nRoutedExperts > ConfigLimits::expertsTotal) {
    fields.defect("n_routed_experts", text(config.nRoutedExperts) + " experts in each of " +
                                          text(config.numHiddenLayers) + " layers are more than " +
                                          text(ConfigLimits::expertsTotal) +
                                          " in all; taken for a mistake");
    return;
  }
  if (config.nRoutedExperts % config.nGroup != 0) {
    fields.defect("n_routed_experts", "is " + text(config.nRoutedExperts) + ", which n_group (" +
                                          text(config.nGroup) + ") does not divide");
    return;
  }
  int64_t perGroup = config.nRoutedExperts / config.nGroup;
  if (config.nGroup > 1 && perGroup < 2) {
    fields.defect("n_group", "groups have " + text(perGroup) +
                                 " expert each, but a group's score is the sum of its two best");
  }
  if (config.topkGroup > config.nGroup) {
    fields.defect("topk_group", "is " + text(config.topkGroup) + ", more than n_group (" +
                                    text(config.nGroup) + ")");
  } else if (config.numExpertsPerTok > config.topkGroup * perGroup) {
    fields.defect("num_experts_per_tok", "is " + text(config.numExpertsPerTok) +
                                             ", but the topk_group (" + text(config.topkGroup) +
                                             ") best groups hold only " +
                                             text(config.topkGroup * perGroup) + " experts");
  }
}

/// Bounds every tensor, so that later products of sizes cannot overflow.
static void checkProducts(ConfigFields &fields, const ModelConfig &config) {
  if (!fields.sound({"vocab_size", "hidden_size", "intermediate_size", "moe_intermediate_size",
                     "n_shared_experts", "num_attention_heads", "q_lora_rank", "kv_lora_rank",
                     "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim"})) {
    return;
  }
  int64_t query = config.qLoraRank.value_or(config.hiddenSize);
  int64_t heads = config.numAttentionHeads;
  // None of these overflows: the limits of the factors see to that.
  const std::array<std::pair<const char *, int64_t>, 6> products{{
      {"vocab_size", config.vocabSize * config.hiddenSize},
      {"intermediate_size", config.intermediateSize * config.hiddenSize},
      {"moe_intermediate_size", config.moeIntermediateSize *
                                    std::max<int64_t>(config.nSharedExperts, 1) *
                                    config.hiddenSize},
      {"num_attention_heads", heads * config.qkHeadDim() * query},
      {"kv_lora_rank", heads * (config.qkNopeHeadDim + config.vHeadDim) * config.kvLoraRank},
      {"v_head_dim", heads * config.vHeadDim * config.hiddenSize},
  }};
  for (const auto &[key, elements] : products) {
    if (elements > ConfigLimits::elements) {
      fields.defect(key, "makes a tensor of " + std::to_string(elements) +
                             " elements with the other sizes; taken for a mistake");
    }
  }
}

/// rope_scaling or, since transformers 5, rope_parameters, and rope_theta.
static void readRope(ConfigFields &fields, ModelConfig &config, Defects &defects) {
  // transformers: rope_scaling where it is not empty, else rope_parameters.
  const Json *stated = nullptr;
  const char *name = nullptr;
  for (const char *key : {"rope_scaling", "rope_parameters"}) {
    const Json *value = fields.find(key);
    if (value != nullptr && !value->is_object()) {
      fields.defect(key, "expected an object or null, found " + describe(*value));
    } else if (value != nullptr && !value->empty() && stated == nullptr) {
      stated = value;
      name = key;
    }
  }
  constexpr double lowestTheta = 1.0001, highestTheta = 1e15;
  config.ropeTheta = fields.number("rope_theta", lowestTheta, highestTheta, 10000.0);
  if (!fields.boolean("rope_interleave", true)) {
    fields.defect("rope_interleave", "only true is supported, as published");
  }
  if (stated == nullptr) {
    return;
  }
  ConfigFields rope(*stated, std::string(name) + ".", defects);
  config.ropeTheta = rope.number("rope_theta", lowestTheta, highestTheta, config.ropeTheta);
  if (rope.number("partial_rotary_factor", 0, 1, 1.0) != 1) {
    rope.defect("partial_rotary_factor", "only 1 is supported: all of qk_rope_head_dim turns");
  }
  const char *typeKey = rope.eitherOf("rope_type", "type");
  if (!rope.isStated(typeKey) && rope.isStated("factor")) {
    rope.defect("rope_type", "expected 'yarn' beside a factor, found nothing");
    return;
  }
  std::string type = rope.text(typeKey, "default");
  if (type == "default") {
    return;
  }
  if (type != "yarn") {
    rope.defect(typeKey, "only 'yarn' and 'default' are supported, found " + inQuotes(type) +
                             "; no published model of the family uses another");
    return;
  }
  RopeScaling &scaling = config.ropeScaling;
  scaling.type = RopeScaling::Type::Yarn;
  scaling.factor = rope.number("factor", 1, 1e6);
  // Beside rope_scaling it wins, as in transformers' standardize_rope_params.
  ConfigFields &holder = fields.isStated("original_max_position_embeddings") ? fields : rope;
  scaling.originalMaxPositionEmbeddings = holder.integer(
      "original_max_position_embeddings", 1, ConfigLimits::positions, config.maxPositionEmbeddings);
  constexpr double tiny = 1e-6, huge = 1e6;
  // `or`: zero reads as absent there, and null here.
  auto beta = [&](const char *key, double fallback) {
    double value = rope.number(key, 0, huge, fallback);
    return value == 0 ? fallback : value;
  };
  scaling.betaFast = beta("beta_fast", 32);
  scaling.betaSlow = beta("beta_slow", 1);
  scaling.mscale = rope.number("mscale", 0, huge, 0.0);
  scaling.mscaleAllDim = rope.number("mscale_all_dim", 0, huge, 0.0);
  if (rope.isStated("attention_factor")) {
    scaling.attentionFactor = rope.number("attention_factor", tiny, huge);
  }
  scaling.truncate = rope.boolean("truncate", true);
}

static void readQuantization(ConfigFields &fields, ModelConfig &config, Defects &defects) {
  const Json *stated = fields.find("quantization_config");
  if (stated == nullptr) {
    return;
  }
  if (!stated->is_object()) {
    fields.defect("quantization_config", "expected an object, found " + describe(*stated));
    return;
  }
  ConfigFields quant(*stated, "quantization_config.", defects);
  std::string method = quant.text("quant_method", "");
  if (method != "fp8") {
    quant.defect("quant_method", "only 'fp8' is supported, found " +
                                     (method.empty() ? "nothing" : inQuotes(method)) +
                                     "; use a checkpoint in BF16 or in block-scaled FP8");
    return; // the other fields belong to that other method
  }
  Quantization result;
  onlyText(quant, "fmt", "e4m3", "the published weights have it");
  onlyText(quant, "activation_scheme", "dynamic",
           "scales of activations are computed while running");
  std::string format = quant.text("scale_fmt", "float");
  if (format != "ue8m0" && format != "float") {
    quant.defect("scale_fmt", "expected 'ue8m0' or 'float', found " + inQuotes(format));
  }
  result.powersOfTwo = format == "ue8m0";
  constexpr int64_t largestBlock = 1 << 14;
  const Json *block = quant.find("weight_block_size");
  if (quant.isNull("weight_block_size")) {
    quant.defect("weight_block_size", "expected two sizes, found null; weights with one scale for "
                                      "all are not supported");
  } else if (block != nullptr) {
    auto isSize = [&](const Json &value) {
      return value.is_number_unsigned() && value.get<uint64_t>() >= 1 &&
             value.get<uint64_t>() <= uint64_t(largestBlock);
    };
    if (!block->is_array() || block->size() != 2 || !isSize((*block)[0]) || !isSize((*block)[1])) {
      quant.defect("weight_block_size", "expected two sizes from 1 to " +
                                            std::to_string(largestBlock) + ", found " +
                                            (block->is_array() ? block->dump() : describe(*block)));
    } else {
      result.weightBlockSize = {(*block)[0].get<int64_t>(), (*block)[1].get<int64_t>()};
    }
  }
  config.quantization = result;
}

static void readType(ConfigFields &fields, ModelConfig &config) {
  const char *key = fields.eitherOf("torch_dtype", "dtype");
  std::string type = fields.text(key, "bfloat16");
  if (type == "bfloat16") {
    config.torchDtype = DType::BF16;
  } else if (type == "float16") {
    config.torchDtype = DType::F16;
  } else if (type == "float32") {
    config.torchDtype = DType::F32;
  } else {
    fields.defect(key, "expected bfloat16, float16 or float32, found " + inQuotes(type));
  }
}

static Expected<ModelConfig> parseModelObject(std::string_view text, const std::string &where) {
  Expected<Json> root = parseJson(text, where);
  if (!root) {
    return root.failure();
  }
  if (!root->is_object()) {
    return Failure{"expected an object, found " + describe(*root), where,
                   "is this the config.json of a model?"};
  }
  // Of another architecture, every other defect would be noise.
  if (std::string defect = architectureDefect(*root); !defect.empty()) {
    return Failure{"the model is not of the DeepSeek-V3 family: " + defect, where};
  }
  Defects defects;
  ConfigFields fields(*root, "", defects);
  ModelConfig config;
  config.modelType = fields.text("model_type", config.modelType);
  readSizes(fields, config);
  readExperts(fields, config);
  checkRouter(fields, config);
  checkProducts(fields, config);
  readRope(fields, config, defects);
  readQuantization(fields, config, defects);
  readType(fields, config);
  config.rmsNormEps = fields.number("rms_norm_eps", 1e-12, 1, 1e-6);
  config.tieWordEmbeddings = fields.boolean("tie_word_embeddings", false);
  onlyText(fields, "hidden_act", "silu", "the family has no other");
  if (fields.boolean("attention_bias", false)) {
    fields.defect("attention_bias", "only false is supported: no published model has these biases");
  }
  const char *mtp = fields.eitherOf("num_nextn_predict_layers", "num_mtp_layers");
  config.numNextnPredictLayers = fields.integer(mtp, 0, ConfigLimits::layers, 1);
  if (config.numNextnPredictLayers > 1) {
    fields.defect(mtp, "at most 1 is supported, found " +
                           std::to_string(config.numNextnPredictLayers) +
                           "; the published models have one module and apply it repeatedly");
  }
  (void)fields.tokenId("bos_token_id"); // checked, not used
  config.eosTokenIds = fields.tokenIds("eos_token_id");
  if (!defects.empty()) {
    return defects.failure("the configuration cannot be used", where);
  }
  return config;
}

Expected<ModelConfig> parseModelConfig(std::string_view json, const std::string &where) {
  try {
    return parseModelObject(json, where);
  } catch (const std::exception &exception) { // memory
    return Failure{"cannot read the configuration: " + plainMessage(exception), where};
  }
}

} // namespace dsv3::checkpoint
