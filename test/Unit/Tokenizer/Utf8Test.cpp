//===- Utf8Test.cpp - broken characters, byte alphabet, stand-ins ---------===//

#include "runtime/tokenizer/Utf8.h"
#include "runtime/tokenizer/ByteAlphabet.h"
#include "runtime/tokenizer/Regex.h"

#include <gtest/gtest.h>

using namespace dsv3::text;

TEST(Utf8, OneReplacementPerMaximalSubpart) {
  EXPECT_EQ(replaceInvalidUtf8("a\xF0\x9F\x98\x80z"), "a😀z");
  EXPECT_EQ(replaceInvalidUtf8("\xE2\x82"), "\uFFFD"); // a beginning is one
  EXPECT_EQ(replaceInvalidUtf8("\xE2\x82x"), "\uFFFDx");
  EXPECT_EQ(replaceInvalidUtf8("\xC0\xAF"), "\uFFFD\uFFFD");           // overlong: each byte
  EXPECT_EQ(replaceInvalidUtf8("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD"); // surrogate
  EXPECT_EQ(replaceInvalidUtf8("\xF4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(replaceInvalidUtf8("\xF0\x9F\x98\xE2\x82\xAC"), "\uFFFD€");
}

TEST(Utf8, CodePointsComeBack) {
  for (char32_t c = 0; c <= 0x10FFFF; c += c < 0x900 ? 1 : 97) {
    std::string text;
    appendUtf8(text, c);
    Utf8Step step = decodeUtf8(text);
    bool surrogate = c >= 0xD800 && c <= 0xDFFF;
    EXPECT_EQ(step.codePoint, surrogate ? 0xFFFD : c);
    EXPECT_EQ(step.length, text.size());
    EXPECT_TRUE(step.valid);
  }
}

TEST(ByteAlphabet, EveryByteHasACharacter) {
  for (int byte = 0; byte < 256; ++byte) {
    EXPECT_EQ(bytesOfToken(characterOfByte(uint8_t(byte))), std::string(1, char(byte)));
  }
  EXPECT_EQ(characterOfByte(' '), "Ġ");
  EXPECT_EQ(characterOfByte('\n'), "Ċ");
  EXPECT_EQ(characterOfByte(0xAD), "Ń");
  EXPECT_EQ(bytesOfToken("｜"), std::nullopt);
}

static std::vector<std::string> matches(const char *pattern, const std::string &text) {
  auto regex = Regex::compile(pattern);
  EXPECT_TRUE(regex.ok()) << regex.failure().message();
  std::vector<Range> ranges;
  EXPECT_TRUE(regex->findAll(withStandIns(text), ranges).ok());
  std::vector<std::string> found;
  for (Range range : ranges) {
    found.push_back(text.substr(range.first, range.second - range.first));
  }
  return found;
}

using Strings = std::vector<std::string>;

TEST(Regex, MeansWhatOnigurumaMeans) {
  EXPECT_EQ(matches("\\h+", "x0aFg"), Strings({"0aF"}));
  EXPECT_EQ(matches("\\w+", "e\u0301_1 ½"), Strings({"e\u0301_1"}));
  EXPECT_EQ(matches("[[:punct:]]+", "a+$-b"), Strings({"+$-"}));
  EXPECT_EQ(matches("\\p{Han}+", "字。字"), Strings({"字", "字"}));
  EXPECT_EQ(matches("\\s", "a\u180Eb\u0085c"), Strings({"\u0085"}));
  EXPECT_EQ(matches("\\x{41}+", "AAB"), Strings({"AA"}));
  EXPECT_EQ(matches("^b", "a\nb"), Strings({"b"}));
}

TEST(Regex, KnowsTheCharactersOfUnicode16) {
  EXPECT_EQ(matches("\\p{N}", "\U00010D43"), Strings({"\U00010D43"}));
  EXPECT_EQ(matches("\\p{S}", "\u2427"), Strings({"\u2427"}));
  EXPECT_EQ(matches("\\p{Han}", "\U00031350"), Strings({"\U00031350"}));
}

TEST(Regex, EmptyMatchesMoveOn) { EXPECT_EQ(matches("x*", "äx").size(), 3U); }

static std::string refused(const std::string &pattern) {
  auto regex = Regex::compile(pattern);
  EXPECT_FALSE(regex.ok()) << pattern;
  return regex.ok() ? "" : regex.failure().what;
}

TEST(Regex, RefusesByNameWhatPcreLacks) {
  EXPECT_NE(refused("[\\p{L}&&[^\\p{Han}]]").find("&&"), std::string::npos);
  EXPECT_NE(refused("[a[bc]]").find("a class within a class"), std::string::npos);
  EXPECT_NE(refused("a{1,3}+").find("{n,m}+"), std::string::npos);
  EXPECT_NE(refused("[[:cntrl:]]").find("[:cntrl:]"), std::string::npos);
  EXPECT_NE(refused("(").find("does not compile"), std::string::npos);
  EXPECT_NE(refused("\xFF").find("not UTF-8"), std::string::npos);
}
