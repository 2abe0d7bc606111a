//===- FloatTest.cpp - every code of the narrow formats -------------------===//

#include "dsv3/Support/Float.h"

#include <gtest/gtest.h>

using namespace dsv3;

/// The definition of e4m3fn, in double.
static double e4m3Value(int code) {
  int exponent = (code >> 3) & 15, mantissa = code & 7;
  double value = exponent == 0 ? std::ldexp(mantissa, -9) : std::ldexp(8 + mantissa, exponent - 10);
  return code & 0x80 ? -value : value;
}

TEST(Float, EveryE4m3CodeHasItsValueAndComesBack) {
  for (int code = 0; code < 256; ++code) {
    if (isF8E4M3NaN(uint8_t(code))) {
      EXPECT_TRUE(std::isnan(f8e4m3ToFloat(uint8_t(code))));
      continue;
    }
    EXPECT_EQ(f8e4m3ToFloat(uint8_t(code)), e4m3Value(code)) << code;
    EXPECT_EQ(floatToF8E4M3(float(e4m3Value(code))), code);
  }
}

TEST(Float, NarrowingToE4m3RoundsToNearestEven) {
  for (int code = 0; code < 0x7E; ++code) {
    float low = f8e4m3ToFloat(uint8_t(code)), high = f8e4m3ToFloat(uint8_t(code + 1));
    float middle = (low + high) / 2; // exact in float
    EXPECT_EQ(floatToF8E4M3(middle), code % 2 == 0 ? code : code + 1);
    EXPECT_EQ(floatToF8E4M3(std::nextafter(middle, high)), code + 1);
    EXPECT_EQ(floatToF8E4M3(std::nextafter(middle, low)), code);
  }
  EXPECT_EQ(floatToF8E4M3(463.9F), 0x7E);
  EXPECT_TRUE(isF8E4M3NaN(floatToF8E4M3(465.0F)));
}

TEST(Float, HalfKeepsSubnormalsAndSigns) {
  EXPECT_EQ(f16ToFloat(0x0001), 0x1p-24F);
  EXPECT_EQ(f16ToFloat(0x8400), -0x1p-14F);
  EXPECT_EQ(f16ToFloat(0x7BFF), 65504.0F);
  EXPECT_TRUE(std::isinf(f16ToFloat(0xFC00)));
}

TEST(Float, EveryHalfComesBack) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    float value = f16ToFloat(uint16_t(bits));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(f16ToFloat(floatToF16(value))));
    } else {
      ASSERT_EQ(floatToF16(value), bits);
    }
  }
}

TEST(Float, NarrowingToHalfRoundsToNearestEven) {
  for (uint32_t bits = 0; bits < 0x7BFF; ++bits) {
    float low = f16ToFloat(uint16_t(bits)), high = f16ToFloat(uint16_t(bits + 1));
    float middle = (low + high) / 2; // exact in float
    ASSERT_EQ(floatToF16(middle), bits % 2 == 0 ? bits : bits + 1);
    ASSERT_EQ(floatToF16(-std::nextafter(middle, high)), (bits + 1) | 0x8000);
    ASSERT_EQ(floatToF16(std::nextafter(middle, low)), bits);
  }
  EXPECT_EQ(floatToF16(65519.9F), 0x7BFF);
  EXPECT_EQ(floatToF16(65520.0F), 0x7C00);
  EXPECT_EQ(floatToF16(-1e30F), 0xFC00);
}

TEST(Float, Bf16RoundsToNearestEven) {
  EXPECT_EQ(floatToBf16(1.00390625F), 0x3F80); // halfway to the next, which is odd
  EXPECT_EQ(floatToBf16(1.01171875F), 0x3F82);
  EXPECT_TRUE(std::isnan(bf16ToFloat(floatToBf16(std::nanf("")))));
}
