//===- WeightEncodingTest.cpp - codes, scales and what they lose ----------===//

#include "dsv3/Support/WeightEncoding.h"

#include "dsv3/Support/Float.h"
#include "dsv3/Support/RandomNumbers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

using namespace dsv3;

namespace {
/// A row that was encoded.
struct Row {
  bool sound = false;
  std::vector<uint8_t> codes;
  std::vector<float> scales;

  /// What value i became.
  float decoded(DType type, size_t i) const {
    size_t block = i / 32;
    return type == DType::I8 ? float(int8_t(codes[i])) * scales[block]
                             : float(codes[i]) * scales[2 * block] + scales[2 * block + 1];
  }
};
} // namespace

static Row encoded(DType type, const std::vector<float> &values) {
  size_t blocks = (values.size() + 31) / 32;
  Row row{false, std::vector<uint8_t>(values.size()),
          std::vector<float>(blocks * size_t(scaleForm(type)->numbers))};
  row.sound = encodeRow(type, values, row.codes, row.scales);
  return row;
}

static std::vector<float> normal(size_t count, float deviation, float mean = 0) {
  RandomNumbers random(11);
  std::vector<float> values(count);
  for (float &value : values) {
    double sum = 0;
    for (int i = 0; i < 12; ++i) {
      sum += random.uniform();
    }
    value = mean + deviation * float(sum - 6);
  }
  return values;
}

static double squaredError(DType type, const std::vector<float> &values, const Row &row) {
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    double error = double(values[i]) - double(row.decoded(type, i));
    sum += error * error;
  }
  return sum;
}

TEST(WeightEncoding, NamesAreThoseOfTheFlags) {
  EXPECT_EQ(encodingFromName("bf16"), DType::BF16);
  EXPECT_EQ(encodingFromName("fp8"), DType::F8E4M3);
  EXPECT_EQ(encodingFromName("int8"), DType::I8);
  EXPECT_EQ(encodingFromName("int4"), DType::I4);
  EXPECT_EQ(encodingFromName("f32"), std::nullopt);
  EXPECT_EQ(encodingNames(), "bf16, fp8, int8 or int4");
}

// largest = 127 * scale is exact in f32 for every scale of f16, and so is the division by 127.
TEST(WeightEncoding, EveryScaleAndCodeOfInt8ComesBack) {
  for (uint32_t half = 1; half < 0x7C00; ++half) {
    float scale = f16ToFloat(uint16_t(half));
    auto code = float(int(half % 255) - 127);
    Row row = encoded(DType::I8, {127 * scale, code * scale, -code * scale});
    ASSERT_TRUE(row.sound);
    ASSERT_EQ(row.scales[0], scale);
    ASSERT_EQ(int8_t(row.codes[0]), 127);
    ASSERT_EQ(float(int8_t(row.codes[1])), code);
    ASSERT_EQ(float(int8_t(row.codes[2])), -code);
  }
}

TEST(WeightEncoding, Int8RoundsToNearestEven) {
  constexpr float scale = 0.25F;
  for (int code = -127; code < 127; ++code) {
    float middle = (float(code) + 0.5F) * scale;
    Row row = encoded(DType::I8, {127 * scale, middle, std::nextafter(middle, 1000.0F),
                                  std::nextafter(middle, -1000.0F)});
    EXPECT_EQ(int8_t(row.codes[1]), code % 2 == 0 ? code : code + 1);
    EXPECT_EQ(int8_t(row.codes[2]), code + 1);
    EXPECT_EQ(int8_t(row.codes[3]), code);
  }
}

// Half a step, and what f16 takes from the scale: 2^-12 of the largest value, of 127 steps.
TEST(WeightEncoding, Int8IsOffByHalfAStep) {
  for (float deviation : {1e-4F, 0.02F, 3.0F}) {
    std::vector<float> values = normal(32 * 50 + 7, deviation);
    Row row = encoded(DType::I8, values);
    ASSERT_TRUE(row.sound);
    for (size_t i = 0; i < values.size(); ++i) {
      float scale = row.scales[i / 32];
      bool subnormal = scale < 0x1p-14F;
      float lost = 0.5F + 127 * (subnormal ? 0x1p-25F / scale : 0x1p-12F);
      EXPECT_LE(std::fabs(values[i] - row.decoded(DType::I8, i)), lost * scale * 1.0001F);
    }
  }
}

TEST(WeightEncoding, Int4FindsTheLineThatValuesLieOn) {
  for (auto [scale, offset] : {std::pair(0.5F, -4.0F), std::pair(0x1p-9F, 0.25F)}) {
    std::vector<float> values;
    for (int i = 0; i < 32; ++i) {
      values.push_back(float(i * 7 % 16) * scale + offset);
    }
    Row row = encoded(DType::I4, values);
    ASSERT_TRUE(row.sound);
    for (size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(row.decoded(DType::I4, i), values[i]);
      EXPECT_LT(row.codes[i], 16);
    }
  }
}

/// Codes from the least to the largest value, evenly.
static double errorOfRange(const std::vector<float> &values) {
  double sum = 0;
  for (size_t begin = 0; begin < values.size(); begin += 32) {
    auto first = values.begin() + ptrdiff_t(begin);
    auto last = values.begin() + ptrdiff_t(std::min(values.size(), begin + 32));
    float least = *std::min_element(first, last), most = *std::max_element(first, last);
    float scale = f16ToFloat(floatToF16((most - least) / 15));
    float offset = f16ToFloat(floatToF16(least));
    for (auto at = first; at != last; ++at) {
      float code = std::clamp(std::nearbyint((*at - offset) / scale), 0.0F, 15.0F);
      double error = double(*at) - double(code * scale + offset);
      sum += error * error;
    }
  }
  return sum;
}

// 0.82 with these values; uniform ones leave less to gain.
TEST(WeightEncoding, Int4IsBetterThanTheRangeOfTheValues) {
  for (float mean : {0.0F, 0.05F}) {
    std::vector<float> values = normal(32 * 400, 0.02F, mean);
    Row row = encoded(DType::I4, values);
    ASSERT_TRUE(row.sound);
    EXPECT_LT(squaredError(DType::I4, values, row), 0.86 * errorOfRange(values));
  }
}

TEST(WeightEncoding, BlocksOfOneValueAndOfEqualValues) {
  for (DType type : {DType::I8, DType::I4}) {
    for (float value : {0.0F, 1.0F, -0.375F}) {
      for (size_t count : {1, 32, 33}) {
        Row row = encoded(type, std::vector<float>(count, value));
        ASSERT_TRUE(row.sound);
        for (size_t i = 0; i < count; ++i) {
          EXPECT_NEAR(row.decoded(type, i), value, std::fabs(value) * 0x1p-11F);
        }
      }
    }
  }
}

TEST(WeightEncoding, WhatIsNoNumberOrTooLargeIsRefused) {
  float infinity = std::numeric_limits<float>::infinity();
  for (DType type : {DType::I8, DType::I4}) {
    for (float bad : {std::nanf(""), infinity, -infinity, 1e30F, -1e30F}) {
      for (size_t at : {0, 31, 40}) {
        std::vector<float> values(41, 0.5F);
        values[at] = bad;
        EXPECT_FALSE(encoded(type, values).sound) << name(type) << " " << bad << " at " << at;
      }
    }
  }
}

TEST(WeightEncoding, Fp8ScalesTheLargestToTheLargestCode) {
  float scale = f8Scale(3.5F);
  EXPECT_EQ(scale, 3.5F / 448);
  EXPECT_EQ(f8Code(3.5F, scale), 0x7E);
  EXPECT_EQ(f8Code(-3.5F, scale), 0xFE);
  EXPECT_EQ(f8Code(0.0F, f8Scale(0.0F)), 0);
  // A few times the least float: divided by a scale of one bit this would be beyond all codes.
  EXPECT_EQ(f8Code(1e-42F, f8Scale(1e-42F)), 0);
  EXPECT_TRUE(isF8E4M3NaN(f8Code(std::nanf(""), 1.0F)));
}

/// Encoded as i4 with factors; `factors` has one for each value.
static Row encodedFor(const std::vector<float> &values, const std::vector<float> &factors) {
  size_t blocks = (values.size() + 31) / 32;
  Row row{false, std::vector<uint8_t>(values.size()), std::vector<float>(2 * blocks)};
  row.sound = encodeRow(DType::I4, values, row.codes, row.scales, factors);
  return row;
}

static double weightedError(const std::vector<float> &values, const std::vector<float> &factors,
                            const Row &row) {
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    double error = double(values[i]) - double(row.decoded(DType::I4, i));
    sum += double(factors[i]) * error * error;
  }
  return sum;
}

TEST(WeightEncoding, EqualFactorsChangeNothing) {
  std::vector<float> values = normal(100, 0.02F);
  Row plain = encoded(DType::I4, values), equal = encodedFor(values, std::vector<float>(100, 1));
  ASSERT_TRUE(plain.sound && equal.sound);
  EXPECT_EQ(plain.codes, equal.codes);
  EXPECT_EQ(plain.scales, equal.scales);
}

// A column in eight counts a hundred times as much: measured, its error falls to about a half.
TEST(WeightEncoding, Int4FollowsWhatMatters) {
  std::vector<float> values = normal(32 * 64, 0.02F), factors(values.size(), 1);
  for (size_t i = 0; i < factors.size(); i += 8) {
    factors[i] = 100;
  }
  Row plain = encoded(DType::I4, values), fitted = encodedFor(values, factors);
  ASSERT_TRUE(plain.sound && fitted.sound);
  EXPECT_LT(weightedError(values, factors, fitted), 0.7 * weightedError(values, factors, plain));
  EXPECT_GT(squaredError(DType::I4, values, fitted), squaredError(DType::I4, values, plain));
}

// Where all that counts has one value, nothing is divided by the variance of its codes.
TEST(WeightEncoding, FactorsOfZeroLeaveNumbers) {
  std::vector<float> values = normal(64, 0.02F), factors(64, 0);
  factors[40] = 1e-6F;
  Row row = encodedFor(values, factors);
  ASSERT_TRUE(row.sound);
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_NEAR(row.decoded(DType::I4, i), values[i], 0.1F) << i;
  }
}
