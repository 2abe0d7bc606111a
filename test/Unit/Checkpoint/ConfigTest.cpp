//===- ConfigTest.cpp - config.json, read and refused ---------------------===//

#include "dsv3/Checkpoint/ModelConfig.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <fstream>
#include <sstream>

using namespace dsv3;
using namespace dsv3::checkpoint;

static nlohmann::json published(const std::string &name) {
  std::ifstream file(std::string(DSV3_SOURCE_DIR) + "/models/" + name + "/config.json");
  return nlohmann::json::parse(file);
}
static Expected<ModelConfig> parse(const nlohmann::json &json) {
  return parseModelConfig(json.dump(), "config.json");
}

/// Expects that the changed 671B configuration is refused with all of `words`.
static void expectRefused(const nlohmann::json &patch, std::initializer_list<const char *> words) {
  nlohmann::json json = published("deepseek-v3-671b");
  json.merge_patch(patch);
  Expected<ModelConfig> config = parse(json);
  ASSERT_FALSE(config.ok()) << patch;
  for (const char *word : words) {
    EXPECT_NE(config.failure().message().find(word), std::string::npos)
        << word << " is not in: " << config.failure().message();
  }
}

TEST(Config, The671bModelHasThePublishedConstants) {
  Expected<ModelConfig> config = parse(published("deepseek-v3-671b"));
  ASSERT_TRUE(config.ok()) << config.failure().message();
  EXPECT_NEAR(config->softmaxScale(), 0.13523, 5e-6);
  EXPECT_EQ(config->ropeMultiplier(), 1.0F);
  EXPECT_EQ(config->qLoraRank, 1536);
  EXPECT_EQ(config->quantization->weightBlockSize, (std::array<int64_t, 2>{128, 128}));
  EXPECT_FALSE(config->isMoeLayer(2));
  EXPECT_TRUE(config->isMoeLayer(3));
}

TEST(Config, YarnLeavesFastPairsAndDividesSlowOnes) {
  Expected<ModelConfig> config = parse(published("deepseek-v3-671b"));
  ASSERT_TRUE(config.ok());
  std::vector<float> frequencies = config->ropeInverseFrequencies();
  ASSERT_EQ(frequencies.size(), 32U);
  // low = floor(32 ln(4096 / 64π) / ln 10⁴) = 10, high = ceil(32 ln(4096 / 2π) / ln 10⁴) = 23.
  for (int i = 0; i < 32; ++i) {
    double plain = std::pow(10000.0, -i / 32.0);
    double ramp = std::min(std::max((i - 10) / 13.0, 0.0), 1.0);
    double expected = plain / 40 * ramp + plain * (1 - ramp);
    EXPECT_NEAR(frequencies[size_t(i)], expected, 2e-7 * plain) << i;
  }
}

TEST(Config, MoonlightHasNoQueryRankAndNoScaling) {
  Expected<ModelConfig> config = parse(published("moonlight-16b-a3b"));
  ASSERT_TRUE(config.ok()) << config.failure().message();
  EXPECT_FALSE(config->qLoraRank.has_value());
  EXPECT_EQ(config->ropeScaling.type, RopeScaling::Type::None);
  EXPECT_EQ(config->nSharedExperts, 2);
}

TEST(Config, KimiIsAccepted) {
  Expected<ModelConfig> config = parse(published("kimi-k2"));
  ASSERT_TRUE(config.ok()) << config.failure().message();
  EXPECT_EQ(config->nRoutedExperts, 384);
}

TEST(Config, RopeParametersOfNewerTransformersMeanTheSame) {
  nlohmann::json json = published("deepseek-v3-671b");
  nlohmann::json rope = json["rope_scaling"];
  rope["rope_type"] = rope["type"];
  rope.erase("type");
  rope["rope_theta"] = 10000;
  json.erase("rope_scaling");
  json.erase("rope_theta");
  json["rope_parameters"] = rope;
  Expected<ModelConfig> config = parse(json);
  ASSERT_TRUE(config.ok()) << config.failure().message();
  EXPECT_NEAR(config->softmaxScale(), 0.13523, 5e-6);
  EXPECT_EQ(config->ropeInverseFrequencies(),
            parse(published("deepseek-v3-671b"))->ropeInverseFrequencies());
}

TEST(Config, MultiplierFollowsBothMscales) {
  nlohmann::json json = published("deepseek-v3-671b");
  json["rope_scaling"]["mscale"] = 0.707;
  Expected<ModelConfig> config = parse(json);
  ASSERT_TRUE(config.ok());
  double g = 0.1 * std::log(40.0);
  EXPECT_NEAR(config->ropeMultiplier(), (0.707 * g + 1) / (g + 1), 1e-6);
  json["rope_scaling"].erase("mscale");
  EXPECT_NEAR(parse(json)->ropeMultiplier(), g + 1, 1e-6);
}

TEST(Config, DenseOnlyAndTopOneAndTiedAreAccepted) {
  nlohmann::json json = published("deepseek-v3-671b");
  json["n_routed_experts"] = nullptr;
  EXPECT_TRUE(parse(json).ok());
  json = published("deepseek-v3-671b");
  json["first_k_dense_replace"] = 61;
  EXPECT_TRUE(parse(json).ok());
  json["num_experts_per_tok"] = 1;
  json["tie_word_embeddings"] = true;
  json["n_shared_experts"] = nullptr;
  Expected<ModelConfig> config = parse(json);
  ASSERT_TRUE(config.ok()) << config.failure().message();
  EXPECT_EQ(config->nSharedExperts, 0);
}

TEST(Config, WhatHasNoCodeIsRefusedByName) {
  expectRefused({{"model_type", "llama"}}, {"model_type", "llama"});
  expectRefused({{"architectures", {"LlamaForCausalLM"}}}, {"architectures"});
  expectRefused({{"rope_scaling", {{"type", "longrope"}}}}, {"rope_scaling.type", "longrope"});
  expectRefused({{"hidden_act", "gelu"}}, {"hidden_act", "gelu"});
  expectRefused({{"scoring_func", "softmax"}}, {"scoring_func"});
  expectRefused({{"topk_method", "greedy"}}, {"topk_method"});
  expectRefused({{"attention_bias", true}}, {"attention_bias"});
  expectRefused({{"num_key_value_heads", 8}}, {"num_key_value_heads", "128", "8"});
  expectRefused({{"quantization_config", {{"quant_method", "awq"}}}}, {"quant_method", "awq"});
  expectRefused({{"moe_layer_freq", 2}}, {"moe_layer_freq"});
  expectRefused({{"num_nextn_predict_layers", 2}}, {"num_nextn_predict_layers"});
}

TEST(Config, AbsurdSizesAreRefusedByName) {
  expectRefused({{"hidden_size", 0}}, {"hidden_size", "0"});
  expectRefused({{"hidden_size", -5}}, {"hidden_size"});
  expectRefused({{"hidden_size", 1e300}}, {"hidden_size"});
  expectRefused({{"vocab_size", "many"}}, {"vocab_size", "many"});
  expectRefused({{"num_hidden_layers", 2.5}}, {"num_hidden_layers"});
  expectRefused({{"qk_rope_head_dim", 63}}, {"qk_rope_head_dim", "even"});
  expectRefused({{"n_group", 7}}, {"n_group", "256"});
  expectRefused({{"n_group", 256}}, {"n_group"});
  expectRefused({{"topk_group", 9}}, {"topk_group"});
  expectRefused({{"num_experts_per_tok", 200}}, {"num_experts_per_tok", "128"});
  expectRefused({{"kv_lora_rank", nullptr}}, {"kv_lora_rank", "found nothing"});
}

TEST(Config, AllDefectsComeInOneMessage) {
  expectRefused({{"hidden_size", 0}, {"v_head_dim", 0}, {"hidden_act", "relu"}},
                {"hidden_size", "v_head_dim", "hidden_act"});
}

TEST(Config, BrokenJsonIsAFailure) {
  for (const char *text : {"", "{", "[]", "{\"a\": 1, \"a\": 2}", "null", "\xff"}) {
    EXPECT_FALSE(parseModelConfig(text, "config.json").ok()) << text;
  }
  EXPECT_FALSE(parseModelConfig(std::string(100000, '['), "config.json").ok());
}
