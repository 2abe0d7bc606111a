//===- ExcerptTest.cpp - what was found, for a message --------------------===//
#include "dsv3/Support/Excerpt.h"

#include <gtest/gtest.h>

using namespace dsv3;

TEST(Excerpt, ShowsWhatCanBeShown) {
  EXPECT_EQ(excerpt(""), "");
  EXPECT_EQ(excerpt("0,5,seven"), "0,5,seven");
  EXPECT_EQ(excerpt("größer €"), "größer €");
  EXPECT_EQ(excerpt("a\033[31m\n"), "a?[31m?");
  EXPECT_EQ(excerpt(std::string("a\0b", 3)), "a?b");
  EXPECT_EQ(excerpt("\xff\xc3x\xe2\x82"), "??x??");
}

TEST(Excerpt, IsShort) {
  EXPECT_EQ(excerpt(std::string(60, 'x')), std::string(60, 'x'));
  EXPECT_EQ(excerpt(std::string(1000000, 'x')), std::string(60, 'x') + "…");
  EXPECT_EQ(excerpt(std::string(59, 'x') + "€€"), std::string(59, 'x') + "€…");
}
