//===- Layout.h - where an element of a packed weight lies ------*- C++ -*-===//
//
// The layouts that kernels read weights in, as formulas. Packing (runtime) and code
// generation (lib/Target/Cpu) share the sizes and go through panels in an order of
// their own; tests hold both to the formula of each element.
//
// Row-major: [groups][rows][columns], of i4 two columns in a byte, the first in its lower half;
// behind an odd number of columns comes one of zeros. Scales are [groups][ceil(rows / scaleRows)]
// [ceil(columns / scaleColumns)], of i4 each followed by its offset.
//
// Panels: [groups][parts][ceil(rows of a part / width)][columns][width], so that
// a kernel streams a panel once and needs no horizontal sum. Columns of the last
// panel that have no row are zero. Within the `width` elements of 16-bit types
// the rows j and j + width/2 are neighbours: as low and high half of a 32-bit
// lane they expand to float by a shift and a mask. The scales of a panel are
// [groups][parts][panels][ceil(columns / scaleColumns)][width] f32, one for each
// row, and zero where there is no row. Of i8 and i4 (dsv3/Support/WeightEncoding.h) they
// are f16, of i4 twice that: the scales of a block, then its offsets.
//
// The `width` elements of FP8 are one register of codes and four vectors of rows as
// f32. A code has its nibbles exchanged (panelCode): its upper nibble is the second byte
// of the bfloat16 of that value, its lower nibble says the first byte, through a table.
// Instructions that put the bytes of two registers side by side do so in each 128 bits
// alone: first those of bytes 0 to 7, then of bytes 8 to 15. What they make are 32-bit
// words of two bfloat16 of two vectors. So 16 codes are those of four rows of each vector:
//
//   byte     0     1     2     3   ...   7 |    8     9    10   ...   15
//   row    v0[0] v1[0] v0[1] v1[1] ... v1[3] | v2[0] v3[0] v2[1] ... v3[3]
//
// The `width` elements of i8 are four vectors of rows, one after the other.
//
// Of i4 two columns lie together, so that a 32-bit word holds what becomes one lane of
// four vectors of rows and two columns c and c + 1. From its lowest bits on:
//
//   bit      0     4     8    12    16    20    24    28
//   code   v0,c  v1,c  v2,c  v3,c  v0,c+1      ...  v3,c+1
//
// Behind an odd number of columns comes one of zeros.
//
// Dots are panels too, for instructions that multiply neighbours in a 32-bit word and add the
// products: [groups][parts][panels][columns / n][width] words of n neighbouring columns of a row,
// 2 of bf16, 4 of i8, 8 of i4. Of i4 a byte has columns c and c + 4 as its low and high half:
//
//   bit      0     4     8    12    16    20    24    28
//   column   c    c+4   c+1   c+5   c+2   c+6   c+3   c+7
//
// There are as many columns as fill whole blocks of dotColumns; those that are not there are
// zeros. Scales lie as in panels.
//
// In place: the rows stay where the checkpoint has them, and kernels read [groups][parts][panels]
// addresses, each of `width` rows that follow each other there. They need not be aligned.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/Plan.h"
#include "dsv3/Support/WeightEncoding.h"

namespace dsv3::plan {

/// Raised by whoever changes a formula below, so that kernels made for another one are
/// refused.
inline constexpr int64_t layoutRevision = 5;

inline int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// How panels keep an e4m3 code: the lowest bit of its exponent and its mantissa first,
/// where they are the second byte of the bfloat16 of that value; then sign and the rest of
/// the exponent, from which the first byte follows.
inline constexpr uint8_t panelCode(uint8_t code) { return uint8_t(code << 4 | code >> 4); }
/// Codes of FP8 that are expanded together: 128 bits. A panel of codes has a multiple of them.
inline constexpr int64_t codesOfLane = 16;
/// Vectors of rows that a panel of codes has.
inline constexpr int64_t codeVectors = 4;
/// Columns of i4 that lie together.
inline constexpr int64_t columnsOfWord = 2;

/// Rows and columns of the blocks of a parameter's tensors that have a scale each: those that it
/// is encoded in, or the checkpoint's. Precondition: it has scales.
inline std::array<int64_t, 2> scaleBlockOf(const Plan &plan, const Parameter &parameter) {
  return parameter.stored ? encodingBlock(parameter.type)
                          : std::array<int64_t, 2>{plan.scaleBlock[0], plan.scaleBlock[1]};
}

/// Columns that a row or panel of such elements has room for.
inline int64_t panelColumns(DType type, int64_t columns) {
  return type == DType::I4 ? ceilDiv(columns, columnsOfWord) * columnsOfWord : columns;
}

/// Columns of which dots hold whole blocks: those of a scale of i8 and i4.
inline constexpr int64_t dotColumns = encodingBlock(DType::I8)[1];
/// Neighbouring columns that a word of dots holds.
inline constexpr int64_t columnsOfDot(DType type) { return 32 / int64_t(bitSize(type)); }
/// Place of a column within its word of dots, in elements.
inline constexpr int64_t placeInDot(DType type, int64_t column) {
  int64_t inWord = column % columnsOfDot(type), bytes = 4;
  return type == DType::I4 ? inWord % bytes * 2 + inWord / bytes : inWord;
}
/// Columns that a row or panel of a layout has room for.
inline int64_t roomForColumns(LayoutKind kind, DType type, int64_t columns) {
  return kind == LayoutKind::Dots ? ceilDiv(columns, dotColumns) * dotColumns
                                  : panelColumns(type, columns);
}

/// Columns that kernels take of rows in place at once.
inline constexpr int64_t inPlaceColumns = 32;
/// Whether rows of a segment can be read in place: they are rows of the tensor and, like their
/// columns, whole units. `width` is that of a panel, or the widest of some.
inline constexpr bool fitsInPlace(int64_t rows, int64_t columns, bool transposed, int64_t width) {
  return !transposed && rows % width == 0 && columns % inPlaceColumns == 0;
}

/// Geometry of one parameter in one layout, of addresses if that is in place; precomputes what the
/// index formulas need. Sizes are in elements.
class PackedShape {
public:
  PackedShape(const Parameter &parameter, const Layout &layout)
      : panels(layout.kind != LayoutKind::RowMajor), dots(layout.kind == LayoutKind::Dots),
        inPlace(layout.kind == LayoutKind::InPlace),
        room(roomForColumns(layout.kind, parameter.type, parameter.columns)), type(parameter.type),
        form(scaleForm(type).value_or(ScaleForm{})), groups(parameter.groups), rows(parameter.rows),
        columns(parameter.columns), parts(parameter.parts), width(panels ? layout.panelWidth : 1),
        partRows(parameter.rows / parameter.parts), partPanels(ceilDiv(partRows, width)),
        scaleRows(parameter.scaleRows), scaleColumns(parameter.scaleColumns) {}

  uint64_t dataBytes() const {
    return inPlace ? uint64_t(panelCount()) * sizeof(uint64_t)
                   : uint64_t(dataElements()) * bitSize(type) / 8;
  }
  uint64_t scaleBytes() const { return uint64_t(scaleElements()) * byteSize(form.type); }

  int64_t dataElements() const {
    return panels ? panelCount() * room * width : groups * rows * room;
  }
  /// Of all groups and parts, 0 if rows lie alone.
  int64_t panelCount() const { return panels ? groups * parts * partPanels : 0; }
  /// Group and first row of a panel.
  std::pair<int64_t, int64_t> panelBegin(int64_t panel) const {
    int64_t part = panel / partPanels;
    return {part / parts, part % parts * partRows + panel % partPanels * width};
  }
  /// Index of W[group, row, column].
  int64_t dataIndex(int64_t group, int64_t row, int64_t column) const {
    if (!panels) {
      return (group * rows + row) * room + column;
    }
    int64_t part = row / partRows, inPart = row % partRows;
    int64_t panel = (group * parts + part) * partPanels + inPart / width;
    if (dots) {
      int64_t inWord = column % columnsOfDot(type);
      return (panel * room + column - inWord) * width + inPart % width * columnsOfDot(type) +
             placeInDot(type, column);
    }
    if (type == DType::I4) {
      int64_t inWord = column % columnsOfWord;
      return (panel * room + column - inWord) * width + lane(inPart % width) + inWord * codeVectors;
    }
    return (panel * room + column) * width + lane(inPart % width);
  }

  /// 0 for a parameter without scales.
  int64_t scaleElements() const {
    if (scaleRows == 0) {
      return 0;
    }
    int64_t blocks = ceilDiv(columns, scaleColumns);
    return form.numbers *
           (panels ? panelCount() * blocks * width : groups * ceilDiv(rows, scaleRows) * blocks);
  }
  /// Index of the scale of W[group, row, column], or of another number of its block
  /// (ScaleForm). In panels numbers are kept for each row and block of columns,
  /// otherwise for each block.
  int64_t scaleIndex(int64_t group, int64_t row, int64_t column, int64_t number = 0) const {
    int64_t blocks = ceilDiv(columns, scaleColumns), block = column / scaleColumns;
    if (!panels) {
      int64_t index = (group * ceilDiv(rows, scaleRows) + row / scaleRows) * blocks + block;
      return index * form.numbers + number;
    }
    int64_t part = row / partRows, inPart = row % partRows;
    int64_t panel = (group * parts + part) * partPanels + inPart / width;
    return ((panel * blocks + block) * form.numbers + number) * width + inPart % width;
  }
  /// Place of row j of a panel, which is none of dots, within the `width` elements of a column, of
  /// i4 within those of two columns.
  int64_t lane(int64_t j) const {
    if (bitSize(type) == 16) {
      int64_t half = width / 2;
      return j < half ? 2 * j : 2 * (j - half) + 1;
    }
    if (type == DType::I4) {
      int64_t lanes = width / codeVectors;
      return j % lanes * codeVectors * columnsOfWord + j / lanes;
    }
    if (type == DType::F8E4M3) {
      constexpr int64_t rowsOfLane = codesOfLane / codeVectors;
      int64_t lanes = width / codeVectors, vector = j / lanes, inVector = j % lanes;
      return inVector / rowsOfLane * codesOfLane + vector / 2 * (codesOfLane / 2) +
             inVector % rowsOfLane * 2 + vector % 2;
    }
    return j;
  }

private:
  bool panels, dots, inPlace;
  int64_t room; ///< for columns
  DType type;
  ScaleForm form;
  int64_t groups, rows, columns, parts, width, partRows, partPanels, scaleRows, scaleColumns;
};

} // namespace dsv3::plan
