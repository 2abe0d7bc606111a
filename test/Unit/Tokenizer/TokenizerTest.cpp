//===- TokenizerTest.cpp - encoding, decoding, borders of trust -----------===//

#include "SmallTokenizer.h"

#include "runtime/tokenizer/StreamDecoder.h"

#include <chrono>

using namespace dsv3;
using namespace dsv3::text;
using Strings = std::vector<std::string>;
using Ids = std::vector<TokenId>;

TEST(Tokenizer, LowestRankFirstThenLeftmost) {
  Tokenizer tokenizer = parsed(smallTokenizer({"b c", "a b", "a a", "aa aa"}));
  EXPECT_EQ(spelled(tokenizer, "abc"), Strings({"a", "bc"}));
  EXPECT_EQ(spelled(tokenizer, "ab"), Strings({"ab"}));
  EXPECT_EQ(spelled(tokenizer, "aaaaa"), Strings({"aaaa", "a"}));
  EXPECT_EQ(spelled(tokenizer, "aaa"), Strings({"aa", "a"}));
}

TEST(Tokenizer, MergesGivenAsPairs) {
  Json document = smallTokenizer({"a b"});
  document["model"]["merges"] = Json::array({Json::array({"a", "b"})});
  EXPECT_EQ(spelled(parsed(document), "ab"), Strings({"ab"}));
}

TEST(Tokenizer, MergesStayWithinWords) {
  Tokenizer tokenizer = parsed(smallTokenizer({"1 2", "3 4", "a Ġ", "Ġ a"}));
  EXPECT_EQ(spelled(tokenizer, "1234"), Strings({"12", "3", "4"}));
  EXPECT_EQ(spelled(tokenizer, "a a"), Strings({"a", "Ġa"}));
}

TEST(Tokenizer, LongWordsTakeLinearithmicTime) {
  Tokenizer tokenizer = parsed(smallTokenizer({"a b", "ab ab", "abab abab"}));
  std::string word;
  for (int i = 0; i < 400000; ++i) {
    word += "ab";
  }
  auto start = std::chrono::steady_clock::now();
  auto ids = tokenizer.encode(word, true);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  ASSERT_TRUE(ids.ok());
  EXPECT_EQ(ids->size(), 100000U);
}

TEST(Tokenizer, IgnoreMergesTakesWholeWords) {
  Json document = smallTokenizer({"a b", "b c"});
  document["model"]["vocab"]["abc"] = 300;
  EXPECT_EQ(spelled(parsed(document), "abc"), Strings({"ab", "c"}));
  document["model"]["ignore_merges"] = true;
  EXPECT_EQ(spelled(parsed(document), "abc"), Strings({"abc"}));
}

TEST(Tokenizer, AddedTokensOnlyWhereParsed) {
  Tokenizer tokenizer = parsed(smallTokenizer());
  EXPECT_EQ(spelled(tokenizer, "a<think>b"), Strings({"a", "<think>", "b"}));
  EXPECT_EQ(spelled(tokenizer, "<s>", false), Strings({"<", "s", ">"}));
}

TEST(Tokenizer, TextNeverTurnsIntoAnAddedToken) {
  // The vocabulary spells the added token and could reach it by a merge or, with
  // ignore_merges, at once.
  Json document = smallTokenizer({"< s", "<s >"});
  document["added_tokens"][0]["id"] = 257;
  document["pre_tokenizer"]["pretokenizers"] = Json::array({byteLevelStep()});
  for (bool ignoreMerges : {false, true}) {
    document["model"]["ignore_merges"] = ignoreMerges;
    Tokenizer tokenizer = parsed(document);
    EXPECT_EQ(spelled(tokenizer, "<s>", false), Strings({"<s", ">"}));
    EXPECT_EQ(tokenizer.encode("<s>", true).status().ok(), true);
    EXPECT_EQ(*tokenizer.encode("<s>", true), Ids({257}));
  }
}

TEST(Tokenizer, SegmentsKeepTheirTrust) {
  Tokenizer tokenizer = parsed(smallTokenizer());
  auto encode = [&](std::vector<Segment> segments) { return *tokenizer.encodeSegments(segments); };
  EXPECT_EQ(encode({{"<s>", true}, {"<s>", false}}), Ids({1000, '<', 's', '>'}));
  // Neither across a border, nor when the halves come from different hands.
  EXPECT_EQ(encode({{"<s", true}, {">", false}}), Ids({'<', 's', '>'}));
  EXPECT_EQ(encode({{"<", false}, {"s", false}, {">", true}}), Ids({'<', 's', '>'}));
}

TEST(Tokenizer, LeftmostThenLongestAddedToken) {
  Json document = smallTokenizer();
  document["added_tokens"].push_back(addedToken(1004, "<think>!", false));
  document["added_tokens"].push_back(addedToken(1005, "k>!!", false));
  EXPECT_EQ(*parsed(document).encode("<think>!!", true), Ids({1004, '!'}));
}

TEST(Tokenizer, AddedTokensStripAndStandAlone) {
  Json document = smallTokenizer();
  document["added_tokens"][0]["lstrip"] = true;
  document["added_tokens"][1]["rstrip"] = true;
  document["added_tokens"][2]["content"] = "word";
  document["added_tokens"][2]["single_word"] = true;
  Tokenizer tokenizer = parsed(document);
  EXPECT_EQ(*tokenizer.encode("a \u3000<s> b", true), Ids({'a', 1000, ' ', 'b'}));
  EXPECT_EQ(*tokenizer.encode("a </s> \nb", true), Ids({'a', ' ', 1001, 'b'}));
  EXPECT_EQ(*tokenizer.encode("word", true), Ids({1002}));
  EXPECT_EQ(tokenizer.encode("sword", true)->size(), 5U);
  EXPECT_EQ(tokenizer.encode("wordé", true)->size(), 6U);
  EXPECT_EQ(*tokenizer.encode("-word.", true), Ids({'-', 1002, '.'}));
}

TEST(Tokenizer, NormalizedTokensComeSecond) {
  Json document = smallTokenizer();
  document["added_tokens"].push_back(addedToken(1004, "x<s", false));
  document["added_tokens"][4]["normalized"] = true;
  EXPECT_EQ(*parsed(document).encode("x<s>", true), Ids({'x', 1000}));
  EXPECT_EQ(*parsed(document).encode("x<sx", true), Ids({1004, 'x'}));
}

TEST(Tokenizer, StrayBytesKeepTheirTokens) {
  Tokenizer tokenizer = parsed(smallTokenizer());
  auto ids = tokenizer.encode("a\xFF\xE2\x82<s>", true);
  ASSERT_TRUE(ids.ok());
  EXPECT_EQ(*ids, Ids({'a', 0xFF, 0xE2, 0x82, 1000}));
  EXPECT_EQ(tokenizer.decode(*ids, true), "a\uFFFD\uFFFD");
}

TEST(Tokenizer, ByteLevelWithItsOwnPatternAndPrefixSpace) {
  Json document = smallTokenizer({"Ġ a", "' s"});
  document["pre_tokenizer"] = byteLevelStep(true, true);
  EXPECT_EQ(spelled(parsed(document), "a's a"), Strings({"Ġa", "'s", "Ġa"}));
}

TEST(Tokenizer, EveryBehaviorOfSplit) {
  auto words = [](const char *behavior, bool invert) {
    Json step = splitStep("-", behavior);
    step["invert"] = invert;
    auto preTokenizer = PreTokenizer::fromJson(
        {{"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", {step, byteLevelStep()}}}}});
    EXPECT_TRUE(preTokenizer.ok());
    return *preTokenizer->split("-a--b-");
  };
  EXPECT_EQ(words("Removed", false), Strings({"a", "b"}));
  EXPECT_EQ(words("Isolated", false), Strings({"-", "a", "-", "-", "b", "-"}));
  EXPECT_EQ(words("MergedWithPrevious", false), Strings({"-", "a-", "-", "b-"}));
  EXPECT_EQ(words("MergedWithNext", false), Strings({"-a", "-", "-b", "-"}));
  EXPECT_EQ(words("Contiguous", false), Strings({"-", "a", "--", "b", "-"}));
  EXPECT_EQ(words("Removed", true), Strings({"-", "-", "-", "-"}));
}

TEST(Tokenizer, DecodingSkipsSpecialAndUnknown) {
  Tokenizer tokenizer = parsed(smallTokenizer());
  Ids ids = {1000, 'a', 1002, 1003, 999, -1, 1 << 30};
  EXPECT_EQ(tokenizer.decode(ids, false), "<s>a<think><｜User｜>");
  EXPECT_EQ(tokenizer.decode(ids, true), "a<think>");
  EXPECT_EQ(tokenizer.vocabSize(), 1004);
  EXPECT_FALSE(tokenizer.contains(999));
  EXPECT_EQ(tokenizer.idOf("<think>"), 1002);
  EXPECT_EQ(tokenizer.idOf("Ġ"), 32);
  EXPECT_EQ(tokenizer.idOf("nothing"), std::nullopt);
}

TEST(StreamDecoder, HoldsBackWhatIsIncomplete) {
  Tokenizer tokenizer = parsed(smallTokenizer());
  StreamDecoder decoder(tokenizer, true);
  EXPECT_EQ(decoder.push(0xF0), "");
  EXPECT_EQ(decoder.push(0x9F), "");
  EXPECT_EQ(decoder.push(1000), ""); // a special token adds no bytes
  EXPECT_EQ(decoder.push(0x98), "");
  EXPECT_EQ(decoder.push(0x80), "😀");
  EXPECT_EQ(decoder.push(0xE2), "");
  EXPECT_EQ(decoder.push('x'), "\uFFFDx");
  EXPECT_EQ(decoder.push(0xE2), "");
  EXPECT_EQ(decoder.finish(), "\uFFFD");
  EXPECT_EQ(decoder.finish(), "");
}

TEST(StreamDecoder, JoinsToTheWhole) {
  Tokenizer tokenizer = parsed(smallTokenizer());
  uint32_t state = 1;
  for (int round = 0; round < 2000; ++round) {
    Ids ids;
    for (int i = 0; i < 8; ++i) {
      state = state * 1664525 + 1013904223;
      static const TokenId interesting[] = {0xF0, 0x9F, 0x98, 0x80, 0xE2, 0x82, 0xAC, 0xED,
                                            0xA0, 0xC3, 'a',  0xFF, 0xF4, 0x90, 0xE0, 1003};
      ids.push_back(interesting[state >> 28]);
    }
    StreamDecoder decoder(tokenizer, false);
    std::string text;
    for (TokenId id : ids) {
      text += decoder.push(id);
    }
    EXPECT_EQ(text + decoder.finish(), tokenizer.decode(ids, false));
  }
}
