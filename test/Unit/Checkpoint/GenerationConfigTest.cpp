//===- GenerationConfigTest.cpp - sampling defaults -----------------------===//

#include "../Runtime/TemporaryDirectory.h"

#include "dsv3/Checkpoint/GenerationConfig.h"

#include <gtest/gtest.h>

using namespace dsv3;
using namespace dsv3::checkpoint;

static Expected<GenerationConfig> parse(const char *json) {
  return parseGenerationConfig(json, "generation_config.json");
}

TEST(GenerationConfig, StatedFieldsAreRead) {
  auto config = parse(R"({"do_sample": true, "temperature": 0.6, "top_p": 0.95, "top_k": 40,
                          "min_p": 0.1, "bos_token_id": 0, "eos_token_id": [1, 7], "x": {}})");
  ASSERT_TRUE(config.ok()) << config.failure().message();
  EXPECT_TRUE(config->doSample);
  EXPECT_EQ(config->temperature, 0.6);
  EXPECT_EQ(config->topP, 0.95);
  EXPECT_EQ(config->topK, 40);
  EXPECT_EQ(config->minP, 0.1);
  EXPECT_EQ(config->eosTokenIds, (std::vector<int64_t>{1, 7}));
  EXPECT_EQ(parse(R"({"eos_token_id": 3})")->eosTokenIds, std::vector<int64_t>{3});
}

TEST(GenerationConfig, NothingStatedIsGreedy) {
  auto config = parse("{}");
  ASSERT_TRUE(config.ok());
  EXPECT_FALSE(config->doSample);
  EXPECT_TRUE(config->eosTokenIds.empty());
  EXPECT_FALSE(config->minP.has_value());
  auto zero = parse(R"({"do_sample": true, "temperature": 0})");
  ASSERT_TRUE(zero.ok());
  EXPECT_FALSE(zero->doSample);
  EXPECT_EQ(zero->temperature, 1);
  test::TemporaryDirectory directory;
  EXPECT_TRUE(readGenerationConfig(directory.path()).ok()); // no such file
}

TEST(GenerationConfig, AllDefectsComeInOneMessage) {
  auto config = parse(R"({"temperature": -1, "top_p": 1.5, "top_k": -2, "eos_token_id": "x"})");
  ASSERT_FALSE(config.ok());
  std::string message = config.failure().message();
  for (const char *word : {"temperature", "-1", "top_p", "1.5", "top_k", "-2", "eos_token_id"}) {
    EXPECT_NE(message.find(word), std::string::npos) << word << " is not in: " << message;
  }
  for (const char *text : {"", "[]", "{", R"({"top_p": 0})", R"({"do_sample": 1})"}) {
    EXPECT_FALSE(parse(text).ok()) << text;
  }
}
