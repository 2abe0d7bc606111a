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
// lane they expand to float by a shift and a mask. FP8 codes have their nibbles
// exchanged (panelCode) and lie so that code and table of its upper nibble, put
// side by side in each 128 bits, make words of four vectors of rows that expand
// alike. The scales of a panel are
// [groups][parts][panels][ceil(columns / scaleColumns)][width] f32, one for each
// row, and zero where there is no row.
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
/// Panels of FP8 codes have a multiple of this many rows.
inline constexpr int64_t panelCodeRows = 16;

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
      // Four vectors of rows; those of 128 bits of codes are four rows of each.
      int64_t vector = j / (width / 4), inVector = j % (width / 4);
      return inVector / 4 * 16 + vector / 2 * 8 + inVector % 4 * 2 + vector % 2;
    }
    return j;
  }

private:
  bool panels;
  uint64_t elementBytes;
  int64_t groups, rows, columns, parts, width, partRows, partPanels, scaleRows, scaleColumns;
};

} // namespace dsv3::plan
