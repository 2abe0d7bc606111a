//===- SliceProduct.cpp - what the tensor cores of a warp compute ---------===//
//
// A warp's rows of a product of its warp group. Products of two elements are exact in f32, of
// bf16 and of e4m3; how they are summed is the difference.
//
//===----------------------------------------------------------------------===//

#include "runtime/drivers/sim/Tensor.h"

#include "dsv3/Support/Float.h"

#include <algorithm>
#include <bit>
#include <cstring>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::runtime::sim;

namespace {
template <size_t depth>
using ByDepth = std::array<std::array<float, groupColumns>, depth>;
} // namespace

static float widen(uint16_t bits) { return std::bit_cast<float>(uint32_t(bits) << 16); }
static float widen(uint8_t code) { return dsv3::f8e4m3ToFloat(code); }

/// The first `count` elements of row `row` of a matrix of T as f32.
template <typename T, size_t count = groupRowBytes / sizeof(T)>
static std::array<float, count> widenRow(const std::byte *shared, const SharedMatrix &matrix,
                                         size_t row) {
  std::array<T, count> elements;
  for (size_t at = 0; at < count * sizeof(T); at += chunkBytes) {
    std::memcpy(elements.data() + at / sizeof(T), shared + matrix.addressOf(row, at / chunkBytes),
                chunkBytes);
  }
  std::array<float, count> numbers;
  std::ranges::transform(elements, numbers.begin(), [](T element) { return widen(element); });
  return numbers;
}

/// bf16: in f32. Tensor cores sum in an order of their own.
static void addProducts(const std::array<float, 16> &ofRow, const ByDepth<16> &byDepth,
                        std::array<float, groupColumns> &sums) {
  for (size_t k = 0; k < ofRow.size(); ++k) {
    for (size_t column = 0; column < groupColumns; ++column) {
      sums[column] += ofRow[k] * byDepth[k][column];
    }
  }
}

/// Bits behind the point of the largest of the numbers that tensor cores of sm_90a add up when they
/// multiply codes. DeepSeek-V3's report (arXiv 2412.19437, 3.3.2) says "around 14 bits" in all.
static constexpr int shortBits = 13;

/// e4m3: the sum so far and all products are aligned to the largest of them; what does not fit into
/// `shortBits` is cut off.
static void addProducts(const std::array<float, 32> &ofRow, const ByDepth<32> &byDepth,
                        std::array<float, groupColumns> &sums) {
  constexpr int32_t magnitude = 0x7fffffff, exponentBits = 23, bias = 127, leastExponent = 27;
  constexpr int32_t infinity = 0xff << exponentBits;
  ByDepth<32> products;
  std::array<int32_t, groupColumns> largest;
  for (size_t column = 0; column < groupColumns; ++column) {
    largest[column] = std::bit_cast<int32_t>(sums[column]) & magnitude;
  }
  for (size_t k = 0; k < ofRow.size(); ++k) {
    for (size_t column = 0; column < groupColumns; ++column) {
      products[k][column] = ofRow[k] * byDepth[k][column];
      int32_t bits = std::bit_cast<int32_t>(products[k][column]) & magnitude;
      largest[column] = std::max(largest[column], bits);
    }
  }
  std::array<float, groupColumns> units, unit;
  std::array<int32_t, groupColumns> count;
  auto counted = [&](size_t column, float number) {
    return largest[column] < infinity ? int32_t(number * units[column]) : 0;
  };
  for (size_t column = 0; column < groupColumns; ++column) {
    int32_t exponent = std::max(largest[column] >> exponentBits, leastExponent);
    units[column] = std::bit_cast<float>((2 * bias + shortBits - exponent) << exponentBits);
    unit[column] = std::bit_cast<float>((exponent - shortBits) << exponentBits);
    count[column] = counted(column, sums[column]);
  }
  for (size_t k = 0; k < ofRow.size(); ++k) {
    for (size_t column = 0; column < groupColumns; ++column) {
      count[column] += counted(column, products[k][column]);
    }
  }
  for (size_t column = 0; column < groupColumns; ++column) {
    bool finite = largest[column] < infinity;
    sums[column] = finite ? float(count[column]) * unit[column] : std::bit_cast<float>(magnitude);
  }
}

template <typename T, size_t depth = groupRowBytes / sizeof(T)>
static void multiply(const std::byte *shared, const SliceProduct &product, SliceSums &sums) {
  ByDepth<depth> byDepth{}; // columns that there are not are zeros
  if (product.transposed) {
    for (size_t k = 0; k < depth; ++k) {
      byDepth[k] = widenRow<T, groupColumns>(shared, product.b, k);
    }
  }
  for (size_t column = 0; !product.transposed && column < product.columns; ++column) {
    std::array<float, depth> elements = widenRow<T>(shared, product.b, column);
    for (size_t k = 0; k < depth; ++k) {
      byDepth[k][column] = elements[k];
    }
  }
  for (size_t row = 0; row < sliceRows; ++row) {
    if (!product.adds) {
      sums[row].fill(0);
    }
    std::array<float, depth> ofRow;
    if (product.fragment) {
      std::ranges::transform((*product.fragment)[row], ofRow.begin(),
                             [](uint16_t element) { return widen(element); });
    } else {
      ofRow = widenRow<T>(shared, product.a, product.firstRow + row);
    }
    addProducts(ofRow, byDepth, sums[row]);
  }
}

void runtime::sim::multiplySlice(const std::byte *shared, const SliceProduct &product,
                                 SliceSums &sums) {
  (product.codes ? multiply<uint8_t> : multiply<uint16_t>)(shared, product, sums);
}
