//===- DotProduct.cpp - narrow rows times words of a weight ---------------===//
#include "DotProduct.h"

#include "MicroKernels.h"

using namespace mlir;

namespace dsv3::cpu {

/// Vectors of rows that a tile of `height` rows takes at once: all of a panel for a row alone, so
/// that memory is read in one run, or where their sums find registers.
static int64_t vectorsAtOnce(const Code &code, const PanelWeight &weight, int64_t height,
                             bool codes) {
  int64_t all = weight.form.width / code.lanes();
  int64_t registers = (codes ? 2 * height + 2 : height + 1) * all;
  bool whole = height == 1 || registers <= code.variant.registers - 4;
  return whole ? all : std::min<int64_t>(all, 2);
}

void emitDotProduct(Code &code, const PanelWeight &weight, const DotTile &tile, const DotRows &rows,
                    Num rowCount, Num firstPanel, Num panelCount, Memory scratch) {
  DType rowType = *planir::dtypeOf(rows.element);
  bool codes = rowType == DType::I8;
  plan::DotScratch places(rowType, plan::paddedRows(tile.rows, tile.mr), tile.panels, weight.parts,
                          tile.kBlock, weight.form.width);
  Memory accumulators = scratch + places.accumulators;
  int64_t outStride = tile.panels * weight.parts * weight.form.width, lanes = code.lanes();
  Num zero = code.integer(0), k = code.integer(weight.k);
  code.loop(zero, rowCount * outStride, lanes,
            [&](Num i) { (accumulators + i).store(code.zeros(lanes)); });
  code.loop(zero, code.integer(plan::ceilDiv(weight.panelColumns, tile.kBlock)), 1, [&](Num block) {
    Num begin = block * tile.kBlock;
    Num count = code.min(code.integer(weight.panelColumns) - begin, code.integer(tile.kBlock));
    Num blocks = count / plan::dotColumns, scaleBlock = begin / plan::dotColumns;
    code.loop(zero, rowCount, 1, [&](Num i) {
      DotRowCall call{rows.element, weight.element, rows.row(i) + begin, {}, {}, {}, {}, {}, {}};
      call.to = scratch + places.rows + i * places.rowStride;
      call.count = code.min(k - begin, count), call.blocks = blocks;
      if (codes) {
        call.fromScales = rows.scales(i) + scaleBlock;
        call.toScales = scratch + places.scales + i * places.scaleStride;
        call.toSums = scratch + places.sums + i * places.scaleStride;
      }
      callDotRow(code, call);
    });
    code.loop(zero, panelCount, 1, [&](Num p) {
      for (int64_t q = 0; q < weight.parts; ++q) {
        Num panel = firstPanel + p + q * weight.panels;
        forPaddedTiles(code, tile.mr, rowCount, [&](Num i, int64_t height) {
          DotCall call;
          call.rowType = rows.element, call.weightType = weight.element;
          call.rows = height, call.vectors = vectorsAtOnce(code, weight, height, codes);
          call.rowStride = height == 1 ? 0 : places.rowStride;
          call.scaleStride = height == 1 ? 0 : places.scaleStride;
          call.width = weight.form.width, call.scaleElements = weight.scaleElements;
          call.blocks = blocks, call.outStride = code.integer(outStride);
          call.a = scratch + places.rows + i * places.rowStride;
          call.aScales = scratch + places.scales + i * places.scaleStride;
          call.aSums = scratch + places.sums + i * places.scaleStride;
          for (int64_t v = 0; v < weight.form.width / lanes; v += call.vectors) {
            int64_t row = v * lanes;
            call.weight = weight.panel(panel) + begin * weight.form.width +
                          row * plan::columnsOfDot(*planir::dtypeOf(weight.element));
            call.scales = codes ? weight.scaleOf(panel, scaleBlock) + row : call.aScales;
            call.out =
                accumulators + i * outStride + (p * weight.parts + q) * weight.form.width + row;
            callDots(code, call);
          }
        });
      }
    });
  });
}

} // namespace dsv3::cpu
