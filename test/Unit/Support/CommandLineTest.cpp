//===- CommandLineTest.cpp - words of a command line ----------------------===//
#include "dsv3/Support/CommandLine.h"

#include <gtest/gtest.h>

using namespace dsv3;
using Words = std::vector<std::string>;

static Words wordsOf(std::vector<const char *> arguments) {
  arguments.insert(arguments.begin(), "tool");
  Words words = wordsForCli11(int(arguments.size()), arguments.data());
  return {words.rbegin(), words.rend()};
}

TEST(WordsForCli11, AnEmptyValueIsAWord) {
  EXPECT_EQ(wordsOf({"--output=", "--hidden"}), (Words{"--output", "", "--hidden"}));
}

TEST(WordsForCli11, ValuesMayEndAlike) {
  EXPECT_EQ(wordsOf({"--prompt=2+2=", "x=", "--a=b=", "="}),
            (Words{"--prompt=2+2=", "x=", "--a=b=", "="}));
}

TEST(WordsForCli11, WhatComesBehindTwoDashesIsLeftAlone) {
  EXPECT_EQ(wordsOf({"--", "--output="}), (Words{"--", "--output="}));
}

TEST(Numbers, AreDecimal) {
  for (const char *number : {"0", "10", "-1", "+7", "0.5", "0e1", "-0.25", "100", "x", ""}) {
    EXPECT_EQ(refuseOtherBase(number), "") << number;
  }
  for (const char *number : {"010", "00", "0x10", "0X1", "-010", "+0x1", "0b1", "0o7", "01.5"}) {
    EXPECT_EQ(refuseOtherBase(number),
              "expected a decimal number without zeros before it, found '" + std::string(number) +
                  "'");
  }
  EXPECT_TRUE(isNumberType("INT:INT in [0 - 5]") && isNumberType("UINT") && isNumberType("N"));
  EXPECT_FALSE(isNumberType("TEXT") || isNumberType("N/M") || isNumberType("") ||
               isNumberType("NAME:INT"));
}

TEST(WordsForCli11, ThereMayBeNone) { EXPECT_EQ(wordsForCli11(0, nullptr), Words()); }
