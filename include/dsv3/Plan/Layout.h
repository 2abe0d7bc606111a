//===- Layout.h - where an element of a packed weight lies ------*- C++ -*-===//
//
// The layouts that kernels read weights in, as formulas. Packing (runtime) and code
// generation (lib/Target/Cpu) share the sizes and go through panels in an order of
// their own; tests hold both to the formula of each element.
//
// Panels: [groups][parts][ceil(rows of a part / width)][columns][width], so that
// a kernel streams a panel once and needs no horizontal sum. Columns of the last
// panel that have no row are zero. Within the `width` elements of 16-bit types
// the rows j and j + width/2 are neighbours: as low and high half of a 32-bit
// lane they expand to float by a shift and a mask. The scales of a panel are
// [groups][parts][panels][ceil(columns / scaleColumns)][width] f32, one for each
// row, and zero where there is no row.
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
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/Plan.h"

namespace dsv3::plan {

/// Raised by whoever changes a formula below, so that kernels made for another one are
/// refused.
inline constexpr int64_t layoutRevision = 2;

inline int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// How panels keep an e4m3 code: the lowest bit of its exponent and its mantissa first,
/// where they are the second byte of the bfloat16 of that value; then sign and the rest of
/// the exponent, from which the first byte follows.
inline constexpr uint8_t panelCode(uint8_t code) { return uint8_t(code << 4 | code >> 4); }
/// Codes of FP8 that are expanded together: 128 bits. A panel has a multiple of them.
inline constexpr int64_t codesOfLane = 16;
/// Vectors of f32 that a register of codes becomes.
inline constexpr int64_t codeVectors = 4;

/// Geometry of one parameter in one layout; precomputes what the index formulas
/// need. Sizes are in elements.
class PackedShape {
public:
  PackedShape(const Parameter &parameter, const Layout &layout)
      : panels(layout.kind == LayoutKind::Panels), elementBytes(byteSize(parameter.type)),
        groups(parameter.groups), rows(parameter.rows), columns(parameter.columns),
        parts(parameter.parts), width(panels ? layout.panelWidth : 1),
        partRows(parameter.rows / parameter.parts), partPanels(ceilDiv(partRows, width)),
        scaleRows(parameter.scaleRows), scaleColumns(parameter.scaleColumns) {}

  uint64_t dataBytes() const { return uint64_t(dataElements()) * elementBytes; }
  uint64_t scaleBytes() const { return uint64_t(scaleElements()) * sizeof(float); }

  int64_t dataElements() const {
    return panels ? groups * parts * partPanels * columns * width : groups * rows * columns;
  }
  /// Index of W[group, row, column].
  int64_t dataIndex(int64_t group, int64_t row, int64_t column) const {
    if (!panels) {
      return (group * rows + row) * columns + column;
    }
    int64_t part = row / partRows, inPart = row % partRows;
    int64_t panel = (group * parts + part) * partPanels + inPart / width;
    return (panel * columns + column) * width + lane(inPart % width);
  }

  /// 0 for a parameter without scales.
  int64_t scaleElements() const {
    if (scaleRows == 0) {
      return 0;
    }
    int64_t blocks = ceilDiv(columns, scaleColumns);
    return panels ? groups * parts * partPanels * blocks * width
                  : groups * ceilDiv(rows, scaleRows) * blocks;
  }
  /// Index of the scale of W[group, row, column]. In panels a scale is kept for
  /// each row and block of columns, otherwise for each block.
  int64_t scaleIndex(int64_t group, int64_t row, int64_t column) const {
    int64_t blocks = ceilDiv(columns, scaleColumns), block = column / scaleColumns;
    if (!panels) {
      return (group * ceilDiv(rows, scaleRows) + row / scaleRows) * blocks + block;
    }
    int64_t part = row / partRows, inPart = row % partRows;
    int64_t panel = (group * parts + part) * partPanels + inPart / width;
    return (panel * blocks + block) * width + inPart % width;
  }
  /// Place of row j of a panel within the `width` elements of a column.
  int64_t lane(int64_t j) const {
    if (elementBytes == 2) {
      int64_t half = width / 2;
      return j < half ? 2 * j : 2 * (j - half) + 1;
    }
    if (elementBytes == 1) {
      constexpr int64_t rowsOfLane = codesOfLane / codeVectors;
      int64_t lanes = width / codeVectors, vector = j / lanes, inVector = j % lanes;
      return inVector / rowsOfLane * codesOfLane + vector / 2 * (codesOfLane / 2) +
             inVector % rowsOfLane * 2 + vector % 2;
    }
    return j;
  }

private:
  bool panels;
  uint64_t elementBytes;
  int64_t groups, rows, columns, parts, width, partRows, partPanels, scaleRows, scaleColumns;
};

} // namespace dsv3::plan
