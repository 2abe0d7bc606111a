//===- BytesTextTest.cpp - a number of bytes for people -------------------===//

#include "dsv3/Support/BytesText.h"

#include <gtest/gtest.h>

using namespace dsv3;

TEST(BytesText, OneDecimalPlaceInPowersOf1024) {
  EXPECT_EQ(bytesText(0), "0 bytes");
  EXPECT_EQ(bytesText(1023), "1023 bytes");
  EXPECT_EQ(bytesText(1536), "1.5 KiB");
  EXPECT_EQ(bytesText((uint64_t(1) << 20) - 1), "1.0 MiB");
  EXPECT_EQ(bytesText(uint64_t(1) << 60), "1.0 EiB");
}
