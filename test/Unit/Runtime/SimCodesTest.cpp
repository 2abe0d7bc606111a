//===- SimCodesTest.cpp - products of codes by warp groups, simulated -----===//
//
// wgmma of e4m3: where its operands and sums lie, and that few bits of sums are kept, so that
// a kernel that never moves them to f32 is seen to be wrong.
//
//===----------------------------------------------------------------------===//
#include "SimWarpGroup.h"

#include "dsv3/Support/Float.h"

#include <algorithm>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::test;

/// c [64, 128] = a [64, DEPTH] times b [128, DEPTH], codes, with a block of 128 columns in shared
/// memory at a time.
static const char *const product = R"(
  SharedArrays shared;
  unsigned char *x = shared.take<unsigned char>(64 * 128);
  unsigned char *w = shared.take<unsigned char>(128 * 128);
  float sums[productSums] = {}, ofPiece[productSums] = {};
  for (int piece = 0; piece < DEPTH / 128; ++piece) {
    for (int i = threadIndex(); i < 128 * 128; i += 128) {
      int row = i / 128, column = i % 128, place = i ^ row % 8 << 4;
      int at = row * DEPTH + piece * 128 + column;
      if (row < 64) { x[place] = a[at]; }
      w[place] = b[at];
    }
    fenceProxy();
    syncBlock();
    fenceProducts(ofPiece);
    for (int k = 0; k < 4; ++k) {
      multiplyGroupOfCodes(ofPiece, matrixDescriptor(x + k * 32), matrixDescriptor(w + k * 32),
                           k > 0);
    }
    commitProducts();
    waitForProducts<0>(ofPiece);
    for (int i = 0; i < productSums; ++i) { sums[i] += ofPiece[i]; }
    syncBlock();
  }
)";

namespace {
using Codes = std::vector<uint8_t>;
/// A change of the product that is a mistake: for each line the other one.
using Mistake = std::vector<std::pair<std::string, std::string>>;
} // namespace

static std::vector<float> sumsOf(const Codes &a, const Codes &b, uint64_t seed = 0,
                                 const Mistake &mistake = {}) {
  std::string text = product;
  for (const auto &[right, wrong] : mistake) {
    size_t place = text.find(right);
    EXPECT_NE(place, std::string::npos) << right;
    text.replace(place, right.size(), wrong);
  }
  SimRun sim(options(false, seed));
  std::string depth = "constexpr int DEPTH = " + std::to_string(a.size() / 64) + ";\n";
  Status loaded = sim.load("const unsigned char *a, const unsigned char *b, float *c", 128,
                           depth + text + storeSums);
  EXPECT_TRUE(loaded) << loaded.failure().message();
  sim.add(a);
  sim.add(b);
  sim.add(std::vector<float>(sumCount));
  Status ran = sim.launch({1, int64_t(192) * 128});
  EXPECT_TRUE(ran) << ran.failure().message();
  return sim.values<float>(2);
}

/// What they are exactly.
static std::vector<double> exactSums(const Codes &a, const Codes &b) {
  size_t depth = a.size() / 64;
  std::vector<double> sums;
  for (size_t i = 0; i < 64; ++i) {
    for (size_t j = 0; j < 128; ++j) {
      double sum = 0;
      for (size_t k = 0; k < depth; ++k) {
        sum += double(f8e4m3ToFloat(a[i * depth + k])) * f8e4m3ToFloat(b[j * depth + k]);
      }
      sums.push_back(sum);
    }
  }
  return sums;
}

/// Codes from `first` to `first` + 7, those of a power of two and fractions above it, of either
/// sign or above 0.
static Codes someCodes(size_t rows, size_t depth, size_t factor, uint8_t first, bool anySign) {
  Codes codes;
  for (size_t i = 0; i < rows * depth; ++i) {
    size_t random = i % 7919 * factor % 8191;
    codes.push_back(uint8_t(first + random % 8 + (anySign ? random / 8 % 2 * 0x80 : 0)));
  }
  return codes;
}
static constexpr uint8_t one = 0x38, eight = 0x50;

/// The largest error of `found`, relative to what is expected.
static double largestError(const std::vector<float> &found, const std::vector<double> &expected) {
  double largest = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    largest = std::max(largest, std::abs(found[i] - expected[i]) / std::abs(expected[i]));
  }
  return largest;
}

// Integers from 8 to 15 of either sign: sums of 128 products are below 2^15, those that this test
// has below 2^13, so that nothing is cut off.
TEST(SimCodes, ProductsHaveTheManualsLayouts) {
  Codes a = someCodes(64, 128, 5, eight, true), b = someCodes(128, 128, 3001, eight, true);
  std::vector<double> expected = exactSums(a, b);
  ASSERT_LT(std::ranges::max(expected), 1 << 13);
  std::vector<float> found = sumsOf(a, b);
  EXPECT_EQ(std::vector<double>(found.begin(), found.end()), expected);
}

// Beside a product of 2^13 those of 1 still count, those of 1/2 and less do not, in either order;
// nor do they beside a sum of 2^13 of the product before.
TEST(SimCodes, WhatIsFarBelowTheLargestIsCutOff) {
  constexpr uint8_t large = 0x68; // 64; 64 * 128 = 2^13
  constexpr uint8_t twice = 0x70, half = 0x30;
  for (size_t place : {size_t(0), size_t(31)}) {
    Codes a(64 * 128), b(128 * 128, 0);
    a[place] = large, b[place] = twice;
    a[5] = one, b[5] = one;
    a[7] = one, b[7] = half;
    a[40] = half, b[40] = one; // in the next product
    a[41] = one, b[41] = one;
    EXPECT_EQ(sumsOf(a, b)[0], 8194.F) << place;
  }
  Codes a(64 * 128), b(128 * 128, 0);
  a[5] = one, b[5] = half, a[40] = half, b[40] = one;
  EXPECT_EQ(sumsOf(a, b)[0], 1.F) << "nothing larger is there";
}

// 8192 products between 1 and 3.6. Where sums begin anew every 128 columns, they are below 2^9 and
// keep 2^-5, so that less than 1/32 of each product is cut off; else sums grow beyond 2^13, beside
// which no fraction of a product is left.
TEST(SimCodes, AMissingPromotionIsSeen) {
  Codes a = someCodes(64, 8192, 5, one, false), b = someCodes(128, 8192, 3001, one, false);
  std::vector<double> expected = exactSums(a, b);
  const Mistake missing{{"k > 0", "piece + k > 0"}, {"sums[i] +=", "sums[i] ="}};
  for (uint64_t seed : {0, 1, 2}) {
    EXPECT_LT(largestError(sumsOf(a, b, seed), expected), 1 / 32.0) << seed;
    EXPECT_GT(largestError(sumsOf(a, b, seed, missing), expected), 1 / 8.0) << seed;
  }
}

TEST(SimCodes, NaNStaysNaN) {
  Codes a(64 * 128, one), b(128 * 128, one);
  a[3] = 0x7f;
  std::vector<float> found = sumsOf(a, b);
  EXPECT_TRUE(std::isnan(found[0]) && std::isnan(found[127]));
  EXPECT_EQ(found[128], 128.F);
}
