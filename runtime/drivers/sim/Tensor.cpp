//===- Tensor.cpp - boxes and matrices in shared memory -------------------===//

#include "runtime/drivers/sim/Tensor.h"

#include <algorithm>
#include <bit>
#include <cstring>

using namespace dsv3::runtime;
using namespace dsv3::runtime::sim;

static constexpr int64_t elementBytes = 2; // bf16

BoxRow sim::rowOf(const TensorBox &box, int row) {
  int64_t at = int64_t(box.row) + row;
  int64_t first = std::max<int64_t>(box.column, 0);
  int64_t end = std::min<int64_t>(int64_t(box.column) + dsv3::sim::boxColumns, box.map.columns);
  if (at < 0 || at >= box.map.rows || first >= end) {
    return {};
  }
  const auto *data = static_cast<const std::byte *>(box.map.data);
  return {data + (at * box.map.columns + first) * elementBytes,
          size_t((end - first) * elementBytes), size_t((first - box.column) * elementBytes)};
}

void sim::copyBox(const TensorBox &box, std::byte *shared) {
  for (int row = 0; row < box.map.boxRows; ++row) {
    std::array<std::byte, tensorRowBytes> bytes{};
    BoxRow part = rowOf(box, row);
    if (part.bytes > 0) {
      std::memcpy(bytes.data() + part.skipped, part.from, part.bytes);
    }
    for (size_t at = 0; at < tensorRowBytes; at += chunkBytes) {
      std::memcpy(shared + swizzle128(box.to + size_t(row) * tensorRowBytes + at),
                  bytes.data() + at, chunkBytes);
    }
  }
}

void sim::storeBox(const TensorBox &box, const std::byte *shared) {
  for (int row = 0; row < box.map.boxRows; ++row) {
    std::array<std::byte, tensorRowBytes> bytes;
    for (size_t at = 0; at < tensorRowBytes; at += chunkBytes) {
      std::memcpy(bytes.data() + at,
                  shared + swizzle128(box.to + size_t(row) * tensorRowBytes + at), chunkBytes);
    }
    if (BoxRow part = rowOf(box, row); part.bytes > 0) {
      // A matrix that is written to: the map does not say which are.
      std::memcpy(const_cast<std::byte *>(part.from), bytes.data() + part.skipped, part.bytes);
    }
  }
}

/// PTX ISA, "Matrix Descriptor Format": bits 0-13 are the address, 32-45 the distance of groups of
/// eight rows, both in units of 16 bytes; 49-51 an offset of the base; 62-63 the swizzle.
std::optional<SharedMatrix> sim::matrixOf(uint64_t descriptor) {
  constexpr uint64_t field = 0x3fff, swizzled128 = 1;
  if (descriptor >> 62 != swizzled128 || (descriptor >> 49 & 7) != 0) {
    return std::nullopt;
  }
  return SharedMatrix{size_t(descriptor & field) * chunkBytes,
                      size_t(descriptor >> 32 & field) * chunkBytes};
}

/// Row `row` of the matrix as f32.
static void widen(const std::byte *shared, const SharedMatrix &matrix, size_t row,
                  std::array<float, groupDepth> &to) {
  std::array<uint16_t, groupDepth> bits;
  for (size_t chunk = 0; chunk < 2; ++chunk) {
    std::memcpy(bits.data() + chunk * 8, shared + matrix.addressOf(row, chunk), chunkBytes);
  }
  std::ranges::transform(bits, to.begin(),
                         [](uint16_t half) { return std::bit_cast<float>(uint32_t(half) << 16); });
}

void sim::multiplySlice(const std::byte *shared, const SharedMatrix &a, const SharedMatrix &b,
                        size_t firstRow, SliceSums &sums) {
  std::array<std::array<float, groupColumns>, groupDepth> byDepth;
  for (size_t column = 0; column < groupColumns; ++column) {
    std::array<float, groupDepth> elements;
    widen(shared, b, column, elements);
    for (size_t k = 0; k < groupDepth; ++k) {
      byDepth[k][column] = elements[k];
    }
  }
  // Products of bf16 are exact in f32. Tensor cores sum in an order of their own.
  for (size_t row = 0; row < sliceRows; ++row) {
    std::array<float, groupDepth> elements;
    widen(shared, a, firstRow + row, elements);
    for (size_t k = 0; k < groupDepth; ++k) {
      for (size_t column = 0; column < groupColumns; ++column) {
        sums[row][column] += elements[k] * byDepth[k][column];
      }
    }
  }
}
