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
  DType rowType = *planir::dtypeOf(rows.element), weightType = *planir::dtypeOf(weight.element);
  bool codes = rowType == DType::I8;
  int64_t width = weight.form.width, lanes = code.lanes();
  int64_t tileColumns = plan::tileWidth(code.variant);
  plan::DotScratch places(code.variant, rowType, weightType, plan::paddedRows(tile.rows, tile.mr),
                          tile.panels, weight.parts, tile.kBlock, width);
  Type met = places.widens ? code.builder.getI16Type() : weight.element;
  Memory accumulators = scratch + places.accumulators, widened = scratch + places.widened;
  int64_t outStride = tile.panels * weight.parts * width;
  Num zero = code.integer(0), k = code.integer(weight.k);
  clear(code, accumulators, rowCount * outStride);
  code.loop(zero, code.integer(plan::ceilDiv(weight.panelColumns, tile.kBlock)), 1, [&](Num block) {
    Num begin = block * tile.kBlock;
    Num count = code.min(code.integer(weight.panelColumns) - begin, code.integer(tile.kBlock));
    Num blocks = count / plan::dotColumns, scaleBlock = begin / plan::dotColumns;
    code.loop(zero, rowCount, 1, [&](Num i) {
      DotRowCall call{rows.element, met, rows.row(i) + begin, {}, {}, {}, {}, {}, {}};
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
        // Rows [i, i + height) times `vectors` vectors of the panel's rows, from `first` on, whose
        // words are at `words`, `wordRows` rows each.
        auto meet = [&](Num i, int64_t height, int64_t first, int64_t vectors, Memory words,
                        int64_t wordRows, std::optional<Memory> next = std::nullopt) {
          DotCall call;
          call.rowType = rows.element, call.weightType = met;
          call.rows = height, call.vectors = vectors;
          call.rowStride = height == 1 ? 0 : places.rowStride;
          call.scaleStride = height == 1 ? 0 : places.scaleStride;
          call.width = wordRows, call.scaleElements = weight.scaleElements;
          call.blocks = blocks, call.outStride = code.integer(outStride);
          call.a = scratch + places.rows + i * places.rowStride;
          call.aScales = scratch + places.scales + i * places.scaleStride;
          call.aSums = scratch + places.sums + i * places.scaleStride;
          call.weight = words, call.next = next, call.nextWidth = width;
          call.scales = codes ? weight.scaleOf(panel, scaleBlock) + first : call.aScales;
          call.out = accumulators + i * outStride + (p * weight.parts + q) * width + first;
          callDots(code, call);
        };
        auto wordsOf = [&](Num ofPanel, Num column, int64_t first) {
          return weight.panel(ofPanel) + column * width + first * plan::columnsOfDot(weightType);
        };
        if (places.widens) {
          auto after =
              PanelPlace::behind(code, weight, tile.kBlock, firstPanel, panelCount, p, q, begin);
          for (int64_t first = 0; first < width; first += tileColumns) {
            // Memory is read while registers multiply.
            bool last = first + tileColumns == width;
            Memory next = last ? wordsOf(after.panel, after.begin, 0)
                               : wordsOf(panel, begin, first + tileColumns);
            callWidenCodes(code, width, wordsOf(panel, begin, first), widened, blocks);
            forPaddedTiles(code, tile.mr, rowCount, [&](Num i, int64_t height) {
              meet(i, height, first, tileColumns / lanes, widened, tileColumns, next);
            });
          }
          continue;
        }
        forPaddedTiles(code, tile.mr, rowCount, [&](Num i, int64_t height) {
          int64_t vectors = vectorsAtOnce(code, weight, height, codes);
          for (int64_t first = 0; first < width; first += vectors * lanes) {
            meet(i, height, first, vectors, wordsOf(panel, begin, first), width);
          }
        });
      }
    });
  });
}

} // namespace dsv3::cpu
