//===- DotProduct.h - narrow rows times words of a weight -------*- C++ -*-===//
//
// What gemm and grouped_gemm do where activations are narrow (dsv3-narrow-activations): a weight
// in dots (dsv3/Plan/Layout.h) is read as it lies, or widened (plan::widensCodes), by instructions
// that multiply neighbours and add the products. Codes are multiplied exactly, in integers, on
// every variant; the sum of a block of scales becomes f32. What a row gets does not depend on which
// rows are computed beside it.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "PanelProduct.h"

namespace dsv3::cpu {

struct DotTile {
  int64_t rows = 1;   ///< at most
  int64_t panels = 1; ///< at most
  int64_t mr = 1;     ///< rows of a register tile
  int64_t kBlock = 1; ///< columns of K of which rows are copied and a panel stays in a cache
};

/// Rows that are multiplied, by index: elements, and of codes a scale for each plan::dotColumns.
struct DotRows {
  llvm::function_ref<Memory(Num)> row, scales;
  mlir::Type element;
};

/// As emitPanelProduct. `scratch` as plan::DotScratch says, accumulators included.
void emitDotProduct(Code &code, const PanelWeight &weight, const DotTile &tile, const DotRows &rows,
                    Num rowCount, Num firstPanel, Num panelCount, Memory scratch);

/// A register tile of dot products. Strides are constants of the code.
struct DotCall {
  mlir::Type rowType, weightType; ///< i8 times i16: widened codes, as callWidenCodes leaves them
  int64_t rows = 1, vectors = 1;
  Memory a; ///< [rows][rowStride], in elements of four bytes
  int64_t rowStride = 0;
  Memory aScales, aSums; ///< [rows][scaleStride]: of codes; see callDotRow
  int64_t scaleStride = 0;
  Memory weight; ///< blocks of plan::dotColumns columns, words of `width` rows, of which those of
                 ///< `vectors` vectors are read
  int64_t width = 0;
  Memory scales; ///< [blocks][scaleElements]
  int64_t scaleElements = 0;
  Num blocks;
  Memory out; ///< [rows][outStride], of which `vectors` vectors are added to
  Num outStride;
  std::optional<Memory> next; ///< words of `nextWidth` rows, asked for meanwhile
  int64_t nextWidth = 0;
};

/// Calls the tile, made once per shape: `out += a · weight`, blocks ascending.
void callDots(Code &code, const DotCall &call);

/// Calls the function that copies a row of `count` elements at `from`, with zeros behind it up to
/// `blocks` whole blocks; of codes their scales, too, and of each block what dot products need of
/// the sum of its codes: of weights of i8, where they are multiplied as if they were 128 more,
/// -128 times it as i32; of i4 the sum times its scale. For weights of i16 codes are widened as
/// those of the weight are.
struct DotRowCall {
  mlir::Type rowType, weightType;
  Memory from, fromScales, to, toScales, toSums;
  Num count, blocks;
};
void callDotRow(Code &code, const DotRowCall &call);

/// Calls the function that widens `blocks` blocks of codes of a weight to 16 bits: of words of
/// `width` rows at `from` those of a register tile.
void callWidenCodes(Code &code, int64_t width, Memory from, Memory to, Num blocks);

} // namespace dsv3::cpu
