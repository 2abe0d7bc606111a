//===- Tensor.h - boxes and matrices in shared memory -----------*- C++ -*-===//
//
// What copies of tensors and products of warp groups of sm_90a do, as functions of memory:
// places that are swizzled, boxes, matrix descriptors. Addresses are offsets in shared memory.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/sim/machine.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

namespace dsv3::runtime::sim {

/// What asynchronous agents move at the least, and where it begins.
inline constexpr size_t chunkBytes = 16;
/// A row of a swizzled box or matrix.
inline constexpr size_t tensorRowBytes = 128;

/// Where the byte of a box or matrix is that would be at `address` without the swizzle of 128
/// bytes (PTX ISA, "Swizzling Modes").
constexpr size_t swizzle128(size_t address) { return address ^ (address >> 3 & 0x70); }

/// A box of a matrix, and its place in shared memory.
struct TensorBox {
  dsv3::sim::TensorMap map;
  int column = 0, row = 0; ///< of the first element
  size_t to = 0;
};
inline size_t bytesOf(const TensorBox &box) { return size_t(box.map.boxRows) * tensorRowBytes; }
/// The part of row `row` of the box that lies in the matrix: its first byte in global memory, null
/// if there is none, and how many.
struct BoxRow {
  const std::byte *from = nullptr;
  size_t bytes = 0, skipped = 0; ///< `skipped` are before the matrix begins
};
BoxRow rowOf(const TensorBox &box, int row);
/// Copies it, with zeros where the matrix has nothing.
void copyBox(const TensorBox &box, std::byte *shared);
/// Copies it back, as far as it lies in the matrix.
void storeBox(const TensorBox &box, const std::byte *shared);

/// A matrix that a descriptor describes, in boxes whose rows have 128 bytes.
struct SharedMatrix {
  size_t start = 0, eightRows = 0;
  size_t nextBox = 0; ///< of rows that are longer than a box's
  /// The chunk of 16 bytes of a row: where rows lie along k, one of the 32 that are multiplied.
  size_t addressOf(size_t row, size_t chunk) const {
    constexpr size_t ofBox = tensorRowBytes / chunkBytes;
    return swizzle128(start + chunk / ofBox * nextBox + row / 8 * eightRows +
                      row % 8 * tensorRowBytes + chunk % ofBox * chunkBytes);
  }
};
/// Nothing if it is of a kind that is not simulated: swizzled by 128 bytes.
std::optional<SharedMatrix> matrixOf(uint64_t descriptor);

inline constexpr size_t sliceRows = 16, groupColumns = 128, groupRowBytes = 32;
/// The sums of a warp of a warp group.
using SliceSums = std::array<std::array<float, groupColumns>, sliceRows>;
/// A warp's rows of 16 bf16, which its lanes have in registers.
using SliceFragment = std::array<std::array<uint16_t, groupRowBytes / 2>, sliceRows>;
/// A warp's part of a product: rows [firstRow, firstRow + 16) of a, or a fragment, times b, of 16
/// bf16 or 32 codes.
struct SliceProduct {
  SharedMatrix a, b;
  std::optional<SliceFragment> fragment;
  size_t firstRow = 0;
  size_t columns = groupColumns; ///< of b, no more
  bool codes = false;            ///< of e4m3
  bool adds = true;              ///< to the sums, which it replaces otherwise
  bool transposed = false;       ///< rows of b are those of k, not its columns
};
void multiplySlice(const std::byte *shared, const SliceProduct &product, SliceSums &sums);

} // namespace dsv3::runtime::sim
