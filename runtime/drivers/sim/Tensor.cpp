//===- Tensor.cpp - boxes and matrices in shared memory -------------------===//

#include "runtime/drivers/sim/Tensor.h"

#include <algorithm>
#include <cstring>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::runtime::sim;

BoxRow runtime::sim::rowOf(const TensorBox &box, int row) {
  int64_t at = int64_t(box.row) + row;
  int64_t first = std::max<int64_t>(box.column, 0);
  int64_t end = std::min(int64_t(box.column) + int64_t(tensorRowBytes), int64_t(box.map.rowBytes));
  if (at < 0 || at >= box.map.rows || first >= end) {
    return {};
  }
  const auto *data = static_cast<const std::byte *>(box.map.data);
  return {data + at * box.map.rowBytes + first, size_t(end - first), size_t(first - box.column)};
}

void runtime::sim::copyBox(const TensorBox &box, std::byte *shared) {
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

void runtime::sim::storeBox(const TensorBox &box, const std::byte *shared) {
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

/// PTX ISA, "Matrix Descriptor Format": bits 0-13 are the address, 16-29 the distance of boxes
/// where rows are longer ("Leading dimension byte offset"), 32-45 that of groups of eight rows, all
/// in units of 16 bytes; 49-51 an offset of the base; 62-63 the swizzle.
std::optional<SharedMatrix> runtime::sim::matrixOf(uint64_t descriptor) {
  constexpr uint64_t field = 0x3fff, swizzled128 = 1;
  if (descriptor >> 62 != swizzled128 || (descriptor >> 49 & 7) != 0) {
    return std::nullopt;
  }
  return SharedMatrix{size_t(descriptor & field) * chunkBytes,
                      size_t(descriptor >> 32 & field) * chunkBytes,
                      size_t(descriptor >> 16 & field) * chunkBytes};
}
