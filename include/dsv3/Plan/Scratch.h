//===- Scratch.h - how kernels divide their scratch memory ------*- C++ -*-===//
//
// What a tile keeps in the scratch memory of its thread: where each array begins, in
// elements of four bytes, and the bytes of all. The family table reserves them
// (lib/Plan/FamilyConfigs.cpp), the code generator addresses them (lib/Target/Cpu), so
// neither repeats the other.
//
// Standard library only.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/CpuTiles.h"

#include <algorithm>

namespace dsv3::plan {

/// Elements of `count` rounded up to whole cache lines.
inline int64_t wholeLines(int64_t count) { return ceilDiv(count, 16) * 16; }

/// Hands out arrays one behind the other, each in cache lines of its own.
class ScratchArrays {
public:
  /// Where an array of `elements` begins.
  int64_t take(int64_t elements) {
    int64_t begin = end;
    end += wholeLines(elements);
    return begin;
  }
  int64_t bytes() const { return end * 4; }

private:
  int64_t end = 0;
};

/// The last rows of a block meet a register tile of `mr` rows, of two thirds, or of one third;
/// where no third is whole, of all or half. Its height is a multiple of this.
inline int64_t tileUnit(int64_t mr) { return mr % 3 == 0 ? mr / 3 : std::max<int64_t>(1, mr / 2); }
/// Rows for which there is room where `rows` are computed: those of whole units.
inline int64_t paddedRows(int64_t rows, int64_t mr) {
  return ceilDiv(rows, tileUnit(mr)) * tileUnit(mr);
}

/// What a product of several rows needs besides its accumulators: a block of K of the rows,
/// and the same block of a panel as f32.
struct ProductScratch {
  ProductScratch(int64_t rowCount, int64_t kBlock, int64_t panelWidth)
      : rowStride(wholeLines(kBlock) + 16) {
    ScratchArrays arrays;
    rows = arrays.take(rowCount * rowStride);
    expanded = arrays.take(kBlock * panelWidth);
    bytes = arrays.bytes();
  }
  int64_t rowStride; ///< elements from one row to the next; no power of two
  int64_t rows, expanded, bytes;
};

/// The rows of a tile, `most` at the most, `mr` of them with sums in registers at once. Up to
/// `streamMost` meet a weight as it is read, more in blocks in memory.
struct TileRows {
  int64_t most, mr, streamMost;

  int64_t padded() const { return paddedRows(most, mr); }
  bool meetBlocks() const { return most > streamMost; }
};

/// Whether a product of so many rows with such a weight may multiply tiny codes with the row,
/// scaled.
inline bool mayScaleRow(int64_t rows, DType weight) {
  return rows == 1 && (weight == DType::F8E4M3 || weight == DType::I4);
}

/// What a product of a row alone needs where it may be scaled: the row, and of i4, which has
/// offsets, the sum of each block of its columns.
struct RowScratch {
  RowScratch(DType weight, int64_t k) {
    ScratchArrays arrays;
    scaled = arrays.take(k);
    sums = arrays.take(weight == DType::I4 ? ceilDiv(k, encodingBlock(DType::I4)[1]) : 0);
    bytes = arrays.bytes();
  }
  int64_t scaled, sums, bytes;
};

/// Of a tile of gemm or grouped_gemm: accumulators [rows][panels][parts][panelWidth], and what
/// the product needs: of a row that may be scaled a RowScratch, where rows meet blocks of `kBlock`
/// columns a ProductScratch.
struct GemmScratch {
  GemmScratch(const TileRows &rows, int64_t panels, int64_t parts, int64_t kBlock,
              int64_t panelWidth, DType weight, int64_t k) {
    ScratchArrays arrays;
    accumulators = arrays.take(rows.padded() * panels * parts * panelWidth);
    int64_t needed = 0;
    if (mayScaleRow(rows.most, weight)) {
      needed = RowScratch(weight, k).bytes;
    } else if (rows.meetBlocks()) {
      needed = ProductScratch(rows.padded(), kBlock, panelWidth).bytes;
    }
    product = arrays.take(needed / 4);
    bytes = arrays.bytes();
  }
  int64_t accumulators, product, bytes;
};

/// Of a tile of gemm or grouped_gemm by dot products: accumulators as above, a block of K of the
/// rows of type `rowType`, of codes with their scales and what their sums are for (dot products of
/// codes: i32, or f32 times the scale). Where codes are widened there is room for a block of a
/// register tile's columns of the weight, too.
struct DotScratch {
  DotScratch(const CpuVariant &variant, DType rowType, DType weight, int64_t rowCount,
             int64_t panels, int64_t parts, int64_t kBlock, int64_t panelWidth)
      : widens(widensCodes(variant, rowType, weight, rowCount)),
        rowStride(wholeLines(kBlock * (widens ? 16 : int64_t(bitSize(rowType))) / 32) + 16),
        scaleStride(rowType == DType::I8 ? kBlock / dotColumns : 0) {
    ScratchArrays arrays;
    accumulators = arrays.take(rowCount * panels * parts * panelWidth);
    rows = arrays.take(rowCount * rowStride);
    scales = arrays.take(rowCount * scaleStride);
    sums = arrays.take(widens ? 0 : rowCount * scaleStride);
    widened = arrays.take(widens ? kBlock * tileWidth(variant) / 2 : 0);
    bytes = arrays.bytes();
  }
  bool widens;         ///< see widensCodes
  int64_t rowStride;   ///< elements of four bytes from one row to the next; no power of two
  int64_t scaleStride; ///< of scales and sums
  int64_t accumulators, rows, scales, sums, widened, bytes;
};

/// Of one token: scores of the experts, the same with their bias, scores of the groups.
struct RouterScratch {
  RouterScratch(int64_t experts, int64_t groups) {
    ScratchArrays arrays;
    scores = arrays.take(experts);
    biased = arrays.take(experts);
    groupScores = arrays.take(groups);
    bytes = arrays.bytes();
  }
  int64_t scores, biased, groupScores, bytes;
};

/// The next entry of each expert, i32.
struct DispatchScratch {
  explicit DispatchScratch(int64_t experts) {
    ScratchArrays arrays;
    next = arrays.take(experts);
    bytes = arrays.bytes();
  }
  int64_t next, bytes;
};

/// The sums of weights of a row's tokens, i64, by a digit of their logits.
struct SampleScratch {
  SampleScratch() {
    ScratchArrays arrays;
    sums = arrays.take(2 * (int64_t(1) << digitBits));
    bytes = arrays.bytes();
  }
  static constexpr int64_t digitBits = 11; ///< the bits of a logit are three digits
  int64_t sums, bytes;
};

/// Elements of a page of the cache as f32: 0 where it is f32 already.
inline int64_t widenedPage(DType cache, int64_t pageTokens, int64_t width) {
  return cache == DType::F32 ? 0 : pageTokens * width;
}

/// Of each head of a tile: scores of the tokens of a page, the weighted sum of latents,
/// the largest score so far and the sum of exponentials; `widened` elements of a page.
struct LatentScratch {
  LatentScratch(int64_t heads, int64_t pageTokens, int64_t latent, int64_t widened)
      : scoresOfHead(wholeLines(pageTokens) + 16), valuesOfHead(wholeLines(latent) + 16) {
    ScratchArrays arrays;
    scores = arrays.take(heads * scoresOfHead);
    values = arrays.take(heads * valuesOfHead);
    largest = arrays.take(heads);
    sums = arrays.take(heads);
    page = arrays.take(widened);
    bytes = arrays.bytes();
  }
  int64_t scoresOfHead, valuesOfHead; ///< elements from one head to the next
  int64_t scores, values, largest, sums, page, bytes;
};

/// A page expanded for one head (`expandedRows`: its tokens, padded) and what the product that
/// expands it needs; `widened` elements of the page as it was; the scores of a block of tokens of
/// the step; and for each token of the step its largest score, its sum of exponentials and its
/// weighted sum of values.
struct ExpandedScratch {
  ExpandedScratch(int64_t pageTokens, int64_t expandedRows, int64_t nope, int64_t value,
                  int64_t panelWidth, int64_t kBlock, int64_t blockRows, int64_t widened)
      : expandedRow(ceilDiv(nope + value, panelWidth) * panelWidth),
        scoresOfRow(wholeLines(pageTokens) + 16), ofToken(valuesOfToken + wholeLines(value)) {
    ScratchArrays arrays;
    expanded = arrays.take(expandedRows * expandedRow);
    product = arrays.take(ProductScratch(expandedRows, kBlock, panelWidth).bytes / 4);
    page = arrays.take(widened);
    scores = arrays.take(blockRows * scoresOfRow);
    tokens = arrays.take(0);
  }
  /// The number of tokens is known at run time alone: theirs come last.
  int64_t bytes(int64_t count) const { return (tokens + count * ofToken) * 4; }

  int64_t valuesOfToken = 16; ///< elements from a token's largest score to its values
  int64_t expandedRow;        ///< elements from one token of the page to the next
  int64_t scoresOfRow;        ///< elements from the scores of one token to the next
  int64_t ofToken;            ///< elements from one token of the step to the next
  int64_t expanded, product, page, scores, tokens;
};

} // namespace dsv3::plan
