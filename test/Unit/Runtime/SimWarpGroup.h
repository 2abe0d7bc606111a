//===- SimWarpGroup.h - kernels of tests with products of warp groups -*- C++ -*-===//
#pragma once

#include "SimRun.h"

#include <bit>

namespace dsv3::test {

inline runtime::SimOptions options(bool check, uint64_t seed = 0) {
  runtime::SimOptions options;
  options.threads = 1;
  options.check = check;
  options.seed = seed;
  return options;
}

/// Elements of a product of 64 x 128.
inline constexpr size_t sumCount = size_t(64) * 128;

#define SUCCEED_OR_FAIL(STATUS)                                                                    \
  {                                                                                                \
    Status status = STATUS;                                                                        \
    ASSERT_TRUE(status) << status.failure().message();                                             \
  }

/// A matrix of small integers, whose products and sums are exact in any order.
inline std::vector<uint16_t> integers(size_t rows, size_t columns, int factor) {
  std::vector<uint16_t> values;
  for (size_t i = 0; i < rows * columns; ++i) {
    auto value = float(int(i % 7919) * factor % 17 - 8);
    values.push_back(uint16_t(std::bit_cast<uint32_t>(value) >> 16));
  }
  return values;
}
inline float fromBf16(uint16_t bits) { return std::bit_cast<float>(uint32_t(bits) << 16); }

/// a [rows, depth] times the transpose of b [columns, depth].
inline std::vector<float> productOf(const std::vector<uint16_t> &a, const std::vector<uint16_t> &b,
                                    size_t rows, size_t columns, size_t depth) {
  std::vector<float> product;
  for (size_t i = 0; i < rows; ++i) {
    for (size_t j = 0; j < columns; ++j) {
      float sum = 0.F;
      for (size_t k = 0; k < depth; ++k) {
        sum += fromBf16(a[i * depth + k]) * fromBf16(b[j * depth + k]);
      }
      product.push_back(sum);
    }
  }
  return product;
}

/// PTX ISA, "Register Fragments for wgmma.mma_async.m64nNk16": sum i is in row
/// warp * 16 + lane / 4, from i % 4 = 2 on + 8, and in column i / 4 * 8 + lane % 4 * 2 + i % 2.
inline constexpr const char *storeSums = R"(
  for (int i = 0; i < 64; ++i) {
    int row = warpIndex() % 4 * 16 + (laneIndex() >> 2) + (i % 4 >= 2 ? 8 : 0);
    c[row * 128 + i / 4 * 8 + laneIndex() % 4 * 2 + (i & 1)] = sums[i];
  }
)";

} // namespace dsv3::test
