//===- OracleTest.cpp - what Hugging Face's tokenizers encodes ------------===//

#include "Oracles.h"

#include "runtime/tokenizer/StreamDecoder.h"
#include "runtime/tokenizer/Tokenizer.h"

#include <gtest/gtest.h>

using namespace dsv3;
using namespace dsv3::text;

static std::string streamed(const Tokenizer &tokenizer, const std::vector<TokenId> &ids) {
  StreamDecoder decoder(tokenizer, false);
  std::string text;
  for (TokenId id : ids) {
    text += decoder.push(id);
  }
  return text + decoder.finish();
}

TEST(TokenizerOracle, EveryCaseMatches) {
  auto directory = oracleDirectory("tokenizer");
  if (directory.empty()) {
    GTEST_SKIP() << "DSV3_ORACLES does not name a directory with tokenizer/cases.json";
  }
  auto tokenizer = Tokenizer::load(directory);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.failure().message();
  auto cases = oracleCases(directory);
  for (const auto &entry : cases["encode"]) {
    auto text = entry["text"].get<std::string>();
    auto expected = entry["ids"].get<std::vector<TokenId>>();
    auto ids = tokenizer->encode(text, true);
    ASSERT_TRUE(ids.ok()) << ids.failure().message();
    EXPECT_EQ(*ids, expected) << text;
    EXPECT_EQ(tokenizer->decode(expected, false), entry["decoded"].get<std::string>());
    EXPECT_EQ(streamed(*tokenizer, expected), entry["decoded"].get<std::string>());
  }
  for (const auto &entry : cases["decode"]) {
    auto ids = entry["ids"].get<std::vector<TokenId>>();
    EXPECT_EQ(tokenizer->decode(ids, false), entry["decoded"].get<std::string>());
    EXPECT_EQ(tokenizer->decode(ids, true), entry["decoded_without_special"].get<std::string>());
    EXPECT_EQ(streamed(*tokenizer, ids), entry["decoded"].get<std::string>());
  }
  RecordProperty("cases", int(cases["encode"].size() + cases["decode"].size()));
}
