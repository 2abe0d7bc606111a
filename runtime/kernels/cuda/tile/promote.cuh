//===- promote.cuh - sums of codes become sums of numbers -------*- C++ -*-===//
//
// Tensor cores of sm_90a keep about 14 bits of sums of codes, so that these are added to f32
// sums after each piece of 128 columns, which has one block of scales.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/block.cuh"
#include "runtime/kernels/cuda/ptx/math.cuh"
#include "runtime/kernels/cuda/ptx/wgmma.cuh"
#include "runtime/kernels/cuda/tile/rows.cuh"

namespace dsv3::gpu {

/// A product of a warp group, each of whose rows has so many bytes. Sum i of a thread is in row
/// 16 warp + lane / 4, eight rows below if i / 2 is odd, and in column
/// i / 4 * 8 + lane % 4 * 2 + i % 2 (PTX ISA, "Register Fragments for wgmma.mma_async.m64nNk16").
inline constexpr int productRows = 64, productColumns = 128, productBytes = 32;
static_assert(productRows * productColumns == productSums * 128, "a warp group has all sums");
__device__ inline int productRow(int i) { return laneIndex() / 4 + i / 2 % 2 * 8; }
__device__ inline int productColumn(int i) { return i / 4 * 8 + laneIndex() % 4 * 2 + i % 2; }

/// The scales of a thread's sums of the pieces of a tile, one after the other. Those of its rows
/// come for several pieces at once.
template <int parts, int64 partRows, typename W, typename RowAt>
class PieceScales {
  static constexpr int productPart = productColumns / parts, width = RowAt::scaleWidth;
  /// Neighbours that have one scale, wherever a tile begins: a power of two.
  static constexpr int borders = int(W::blockOfRows | partRows | productPart);
  static constexpr int span = borders & -borders;
  /// Whether all columns of a fragment have; if not, each of the thread's columns has its own.
  static constexpr bool alike = span >= 8;
  static constexpr int count = alike ? productColumns / span : productColumns / 4;

public:
  /// Those of one piece.
  struct OfPiece {
    float ofRow[2], ofColumn[count];

    /// sums += ofPiece times the scales.
    __device__ void promote(const float (&ofPiece)[productSums], float (&sums)[productSums]) const {
#pragma unroll
      for (int i = 0; i < productSums; ++i) {
        int column = alike ? i / 4 * 8 / span : i / 4 * 2 + i % 2;
        sums[i] = multiplyAdd(ofPiece[i], ofRow[i / 2 % 2] * ofColumn[column], sums[i]);
      }
    }
  };

  /// Columns from `column` on of each part; the warp's rows begin at `firstRow`. The first piece is
  /// `piece`.
  __device__ PieceScales(const W &weight, const RowAt &rowAt, int64 group, int64 column,
                         int firstRow, int rowCount, int piece)
      : weight(weight), rowAt(rowAt), group(group), column(column), firstRow(firstRow),
        rowCount(rowCount) {
    fetchRows(piece / width * width);
    for (int i = 0; i < piece % width; ++i) {
      shiftRows();
    }
    fetchColumns(piece);
  }

  /// Those of the piece.
  __device__ OfPiece now() const {
    OfPiece scales;
    for (int i = 0; i < 2; ++i) {
      scales.ofRow[i] = ofRows[i].values[0];
    }
    for (int i = 0; i < count; ++i) {
      scales.ofColumn[i] = ofColumns[i];
    }
    return scales;
  }
  /// Goes on to `piece`, the next one.
  __device__ void next(int piece) {
    if (piece % width == 0) {
      fetchRows(piece);
    } else {
      shiftRows();
    }
    fetchColumns(piece);
  }

private:
  __device__ void fetchRows(int piece) {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      int row = firstRow + productRow(2 * i);
      ofRows[i] = row < rowCount ? rowAt.scales(row, piece) : Vector<float, width>{};
    }
  }
  /// So that those of the next piece come first: numbers of registers are constants.
  __device__ void shiftRows() {
    for (int i = 0; i < 2; ++i) {
#pragma unroll
      for (int j = 1; j < width; ++j) {
        ofRows[i].values[j - 1] = ofRows[i].values[j];
      }
    }
  }
  __device__ void fetchColumns(int piece) {
#pragma unroll
    for (int i = 0; i < count; ++i) {
      int at = alike ? i * span : productColumn(i / 2 * 4 + i % 2);
      int64 inPart = column + at % productPart;
      ofColumns[i] = inPart < partRows
                         ? weight.scaleAfter(group, at / productPart * partRows + inPart, piece)
                         : 0.0f;
    }
  }

  const W &weight;
  const RowAt &rowAt;
  int64 group, column;
  int firstRow, rowCount;
  Vector<float, width> ofRows[2]; ///< of the piece and those behind it, as far as they have come
  float ofColumns[count];         ///< of the piece
};

} // namespace dsv3::gpu
