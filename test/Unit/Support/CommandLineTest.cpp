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

TEST(WordsForCli11, ThereMayBeNone) { EXPECT_EQ(wordsForCli11(0, nullptr), Words()); }
