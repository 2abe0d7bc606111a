//===- LoadTest.cpp - files that are read and files that are refused ------===//

#include "SmallTokenizer.h"

#include <fstream>

using namespace dsv3;
using namespace dsv3::text;

namespace {
/// A directory of this test's own, removed afterwards.
class TokenizerFiles : public testing::Test {
protected:
  void SetUp() override {
    std::string name = "dsv3-";
    name += testing::UnitTest::GetInstance()->current_test_info()->name();
    directory = std::filesystem::path(testing::TempDir()) / name;
    std::filesystem::remove_all(directory);
    std::filesystem::create_directories(directory);
  }
  void TearDown() override { std::filesystem::remove_all(directory); }
  void write(const char *name, const std::string &text) {
    std::ofstream(directory / name, std::ios::binary) << text;
  }
  std::string failure() {
    auto tokenizer = Tokenizer::load(directory);
    EXPECT_FALSE(tokenizer.ok());
    return tokenizer.ok() ? "" : tokenizer.failure().message();
  }
  std::filesystem::path directory;
};
} // namespace

static bool has(const std::string &text, const char *part) {
  return text.find(part) != std::string::npos;
}

TEST_F(TokenizerFiles, TokenizerJsonAloneIsEnough) {
  write("tokenizer.json", smallTokenizer().dump());
  for (const auto &path : {directory, directory / "tokenizer.json"}) {
    auto tokenizer = Tokenizer::load(path);
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.failure().message();
    EXPECT_FALSE(tokenizer->config().addBosToken);
    EXPECT_EQ(tokenizer->bosId(), std::nullopt);
    EXPECT_EQ(tokenizer->config().chatTemplate(), nullptr);
  }
}

TEST_F(TokenizerFiles, ConfigGivesBosEosAndTemplates) {
  write("tokenizer.json", smallTokenizer().dump());
  write("tokenizer_config.json",
        R"({"add_bos_token": true, "bos_token": {"content": "<s>"}, "eos_token": "</s>",
            "chat_template": [{"name": "default", "template": "a"}, {"name": "tools", "template": "b"}]})");
  auto tokenizer = Tokenizer::load(directory);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.failure().message();
  EXPECT_TRUE(tokenizer->config().addBosToken);
  EXPECT_EQ(tokenizer->bosId(), 1000);
  EXPECT_EQ(tokenizer->config().eosToken, "</s>");
  EXPECT_EQ(*tokenizer->config().chatTemplate(), "a");
  EXPECT_EQ(*tokenizer->config().chatTemplate("tools"), "b");
  write("chat_template.jinja", "c");
  EXPECT_EQ(*Tokenizer::load(directory)->config().chatTemplate(), "c");
  EXPECT_EQ(*Tokenizer::load(directory)->config().chatTemplate("tools"), "b");
}

TEST_F(TokenizerFiles, WhatIsMissingIsNamed) {
  EXPECT_TRUE(has(failure(), "there is no tokenizer.json"));
  write("tiktoken.model", "");
  EXPECT_TRUE(has(failure(), "tiktoken"));
  EXPECT_TRUE(has(failure(), "--ids"));
}

TEST_F(TokenizerFiles, BrokenConfigsAreNamed) {
  write("tokenizer.json", smallTokenizer().dump());
  write("tokenizer_config.json", "{");
  EXPECT_TRUE(has(failure(), "tokenizer_config.json: expected JSON, but "));
  write("tokenizer_config.json", R"({"bos_token": 1})");
  EXPECT_TRUE(has(failure(), "`bos_token` must be a string or an object"));
  write("tokenizer_config.json", R"({"chat_template": [1]})");
  EXPECT_TRUE(has(failure(), "`chat_template` must be"));
  write("tokenizer_config.json", R"({"add_bos_token": 1})");
  EXPECT_TRUE(has(failure(), "`add_bos_token` must be true or false"));
}

TEST(TokenizerJson, RefusesByNameWhatIsNotSupported) {
  Json good = smallTokenizer({"a b"}), document = good;
  document["model"]["type"] = "Unigram";
  EXPECT_TRUE(has(refusal(document), "`Unigram`"));
  (document = good)["normalizer"] = {{"type", "NFC"}};
  EXPECT_TRUE(has(refusal(document), "normalizer `NFC`"));
  (document = good)["normalizer"] = {{"type", "Sequence"}, {"normalizers", Json::array()}};
  parsed(document);
  (document = good)["decoder"] = nullptr;
  EXPECT_TRUE(has(refusal(document), "decoder"));
  (document = good)["pre_tokenizer"] = {{"type", "Metaspace"}};
  EXPECT_TRUE(has(refusal(document), "`Metaspace`"));
  (document = good)["pre_tokenizer"] = splitStep("a");
  EXPECT_TRUE(has(refusal(document), "no step ByteLevel"));
  (document = good)["pre_tokenizer"] = nullptr;
  EXPECT_TRUE(has(refusal(document), "pre_tokenizer: is absent"));
  (document = good)["pre_tokenizer"]["pretokenizers"][0]["behavior"] = "Odd";
  EXPECT_TRUE(has(refusal(document), "`Odd`"));
  (document = good)["model"]["byte_fallback"] = true;
  EXPECT_TRUE(has(refusal(document), "byte_fallback"));
  (document = good)["model"]["dropout"] = 0.5;
  EXPECT_TRUE(has(refusal(document), "dropout"));
  (document = good)["model"]["end_of_word_suffix"] = "</w>";
  EXPECT_TRUE(has(refusal(document), "end_of_word_suffix"));
}

TEST(TokenizerJson, WrongContentsAreNamed) {
  Json good = smallTokenizer({"a b"}), document = good;
  document["model"]["merges"] = {"a c"};
  EXPECT_TRUE(has(refusal(document), "merges[0]: `ac` is not in the vocabulary"));
  (document = good)["model"]["merges"] = {"a b c"};
  EXPECT_TRUE(has(refusal(document), "merges[0]: expected"));
  (document = good)["model"]["vocab"]["x"] = -1;
  EXPECT_TRUE(has(refusal(document), "the id of `x`"));
  (document = good)["model"]["vocab"]["xyz"] = 3;
  EXPECT_TRUE(has(refusal(document), "the same id 3"));
  (document = good)["model"]["vocab"]["xyz"] = 9000000;
  EXPECT_TRUE(has(refusal(document), "the largest id is 9000000"));
  (document = good)["added_tokens"][0]["content"] = "a";
  EXPECT_TRUE(has(refusal(document), "in added_tokens and 97 in the vocabulary"));
  (document = good)["added_tokens"] = 1;
  EXPECT_TRUE(has(refusal(document), "`added_tokens` must be a list"));
  (document = good)["model"] = 1;
  EXPECT_TRUE(has(refusal(document), "`model` must be an object"));
  EXPECT_TRUE(has(refusal(Json::array()), "expected a JSON object"));
}

TEST(TokenizerJson, BytesWithoutTokenAreUnknownOrLeftOut) {
  Json document = smallTokenizer();
  document["model"]["vocab"].erase("z");
  EXPECT_EQ(parsed(document).encode("zaz", true)->size(), 1U);
  document["model"]["unk_token"] = "?";
  EXPECT_EQ(*parsed(document).encode("zzaz", true), std::vector<TokenId>({'?', '?', 'a', '?'}));
  document["model"]["fuse_unk"] = true;
  EXPECT_EQ(*parsed(document).encode("zzaz", true), std::vector<TokenId>({'?', 'a', '?'}));
}
