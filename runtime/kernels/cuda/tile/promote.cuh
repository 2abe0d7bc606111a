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

/// The scales of a thread's sums of the pieces of a tile. Those of several pieces come at once.
template <int parts, int64 partRows, typename W, typename RowAt>
class PieceScales {
  static constexpr int productPart = productColumns / parts;
  /// Neighbours that have one scale, wherever a tile begins: a power of two.
  static constexpr int borders = int(W::blockOfRows | partRows | productPart);
  static constexpr int span = borders & -borders;
  /// Whether all columns of a fragment have; if not, each of the thread's columns has its own.
  static constexpr bool alike = span >= 8;
  static constexpr int count = alike ? productColumns / span : productColumns / 4;
  /// There are registers for few columns' scales of several pieces.
  static constexpr bool few = count <= 2;

public:
  /// Pieces whose scales come at once, from a multiple of so many on, of which all pieces are one.
  static constexpr int width = few ? vectorWidth<float>(W::blocks) : 1;

  /// Those of one piece. Of few columns each row's scale has been multiplied with each column's;
  /// for the products of many there are no registers.
  struct OfPiece {
    float ofRow[2][few ? count : 1], ofColumn[few ? 1 : count];

    /// sums += ofPiece times the scales.
    __device__ void promote(const float (&ofPiece)[productSums], float (&sums)[productSums]) const {
#pragma unroll
      for (int i = 0; i < productSums; ++i) {
        int column = alike ? i / 4 * 8 / span : i / 4 * 2 + i % 2;
        float scale = ofRow[i / 2 % 2][few ? column : 0];
        sums[i] = multiplyAdd(ofPiece[i], few ? scale : scale * ofColumn[column], sums[i]);
      }
    }
  };

  /// Columns from `column` on of each part; the warp's rows begin at `firstRow`. Rows and columns
  /// that are not there have the scales of others.
  __device__ PieceScales(const W &weight, const RowAt &rowAt, int64 group, int64 column,
                         int firstRow, int rowCount)
      : weight(weight), group(group), column(column) {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      int row = firstRow + productRow(2 * i);
      rowScales[i] = rowAt.scales(row < rowCount ? row : 0);
    }
    if constexpr (few) {
#pragma unroll
      for (int i = 0; i < count; ++i) {
        columnScales[i] = weight.scalesAfter(group, weightRow(i));
      }
    }
  }

  /// Begins to fetch those from `piece` on, a multiple of the width.
  __device__ void fetch(int piece) {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      ofRows[i] = loadVector<width>(rowScales[i] + piece);
    }
#pragma unroll
    for (int i = 0; i < count; ++i) {
      if constexpr (few) {
        ofColumns[i] = loadVector<width>(columnScales[i] + piece);
      } else {
        ofColumns[i] = {{weight.scaleAfter(group, weightRow(i), piece)}};
      }
    }
  }
  /// Those of piece `number` of what was fetched.
  __device__ OfPiece at(int number) const {
    OfPiece scales = {};
#pragma unroll
    for (int i = 0; i < count; ++i) {
      float ofColumn = chosen(ofColumns[i], number);
      for (int half = 0; half < 2; ++half) {
        float ofRow = chosen(ofRows[half], number);
        scales.ofRow[half][few ? i : 0] = few ? ofRow * ofColumn : ofRow;
      }
      scales.ofColumn[few ? 0 : i] = ofColumn;
    }
    return scales;
  }

private:
  /// Numbers of registers are constants.
  static __device__ float chosen(const Vector<float, width> &from, int number) {
    float value = from.values[0];
#pragma unroll
    for (int i = 1; i < width; ++i) {
      value = i == number ? from.values[i] : value;
    }
    return value;
  }
  /// The row of the weight that column i meets.
  __device__ int64 weightRow(int i) const {
    int at = alike ? i * span : productColumn(i / 2 * 4 + i % 2);
    int64 inPart = column + at % productPart;
    return at / productPart * partRows + (inPart < partRows ? inPart : partRows - 1);
  }

  const W &weight;
  int64 group, column;
  const float *rowScales[2], *columnScales[few ? count : 1];
  Vector<float, width> ofRows[2], ofColumns[count];
};

} // namespace dsv3::gpu
