//===- PanelProduct.cpp - rows times the panels of a weight ---------------===//
#include "PanelProduct.h"

#include "FewRowsProduct.h"
#include "InPlaceProduct.h"
#include "MicroKernels.h"

#include "dsv3/Plan/Scratch.h"

using namespace mlir;

namespace dsv3::cpu {

PanelWeight PanelWeight::of(const KernelCode &kernel, Value weight, Value scales,
                            std::optional<ArrayRef<int64_t>> block, int64_t parts, int64_t width,
                            Num group, plan::LayoutKind kind) {
  auto type = cast<RankedTensorType>(weight.getType());
  int64_t rows = type.getShape()[static_cast<size_t>(type.getRank() - 2)];
  PanelWeight result;
  result.element = type.getElementType();
  result.parts = parts;
  result.k = type.getShape().back();
  result.form = {width, kind == plan::LayoutKind::InPlace ? result.k : 0};
  result.panels = plan::ceilDiv(rows / parts, width);
  int64_t panelsOfGroup = parts * result.panels;
  result.panelColumns = plan::roomForColumns(kind, *planir::dtypeOf(result.element), result.k);
  result.rowScales = hasRowScales(result.element);
  Memory data = kernel.arguments.lookup(weight);
  if (result.form.rowStride > 0) {
    result.data = data.as(kernel.code.builder.getI64Type()) + group * panelsOfGroup;
  } else {
    result.data = data + group * (panelsOfGroup * result.panelColumns * width);
  }
  if (scales) {
    result.scaleColumns = (*block)[1];
    result.scaleElements = scaleBlockElements(result.element, width);
    int64_t blocks = plan::ceilDiv(result.k, result.scaleColumns);
    result.scales =
        kernel.arguments.lookup(scales) + group * (panelsOfGroup * blocks * result.scaleElements);
  }
  return result;
}

Memory PanelWeight::panel(Num index) const {
  if (form.rowStride == 0) {
    return data + index * (panelColumns * form.width);
  }
  Value address = (data + index).raw(1);
  return {*index.code,
          LLVM::IntToPtrOp::create(index.code->builder, index.code->loc, data.address().getType(),
                                   address),
          element};
}

Memory PanelWeight::scaleOf(Num panel, Num block) const {
  return scales + (panel * plan::ceilDiv(k, scaleColumns) + block) * scaleElements;
}

PanelPlace PanelPlace::behind(Code &code, const PanelWeight &weight, int64_t kBlock, Num firstPanel,
                              Num panelCount, Num p, int64_t q, Num begin) {
  if (q + 1 < weight.parts) {
    return {firstPanel + p + (q + 1) * weight.panels, begin};
  }
  Num more = p + 1 < panelCount;
  return {code.select(more, firstPanel + p + 1, firstPanel),
          code.select(more, begin, begin + kBlock)};
}

Memory accumulator(const PanelWeight &weight, const ProductTile &tile, Memory out, Num row,
                   Num panel, int64_t part) {
  return out + ((row * tile.panels + panel) * weight.parts + part) * weight.form.width;
}

//===----------------------------------------------------------------------===//
// A block of rows: each block of a panel is expanded once for all of them
//===----------------------------------------------------------------------===//

static void emitBlockProduct(Code &code, const PanelWeight &weight, const ProductTile &tile,
                             function_ref<Memory(Num)> row, Num rowCount, Num firstPanel,
                             Num panelCount, Memory out, Memory scratch) {
  plan::ProductScratch places(plan::paddedRows(tile.rows, tile.mr), tile.kBlock, weight.form.width);
  Memory rows = scratch + places.rows, expanded = scratch + places.expanded;
  Num zero = code.integer(0), k = code.integer(weight.k);
  int64_t lanes = code.lanes(), outStride = tile.panels * weight.parts * weight.form.width;
  int64_t tileWidth = plan::tileWidth(code.variant);
  int64_t unit = plan::tileUnit(tile.mr);
  Num padded = (rowCount + (unit - 1)) / unit * unit;
  clear(code, out, padded * outStride);
  clear(code, rows + rowCount * places.rowStride, (padded - rowCount) * places.rowStride);
  code.loop(zero, code.integer(plan::ceilDiv(weight.k, tile.kBlock)), 1, [&](Num block) {
    Num begin = block * tile.kBlock, count = code.min(k - begin, code.integer(tile.kBlock));
    // Rows that lie a power of two apart would meet in one set of the cache.
    code.loop(zero, rowCount, 1, [&](Num i) {
      Memory from = row(i) + begin, to = rows + i * places.rowStride;
      Num whole = count / lanes * lanes;
      code.loop(zero, whole, lanes, [&](Num j) { (to + j).store((from + j).floats(lanes)); });
      code.loop(whole, count, 1, [&](Num j) { (to + j).store((from + j).floats()); });
    });
    code.loop(zero, panelCount, 1, [&](Num p) {
      for (int64_t q = 0; q < weight.parts; ++q) {
        Num panel = firstPanel + p + q * weight.panels;
        Memory columns = weight.form.columns(weight.panel(panel), begin);
        // Memory is read while registers multiply.
        auto place =
            PanelPlace::behind(code, weight, tile.kBlock, firstPanel, panelCount, p, q, begin);
        Memory next = weight.form.columns(weight.panel(place.panel), place.begin);
        if (weight.rowScales) {
          Memory scales = weight.scaleOf(panel, begin / weight.scaleColumns);
          callExpand(code, weight.form, columns, expanded, count, scales, weight.scaleColumns);
          columns = expanded;
        } else if (!weight.element.isF32()) {
          callExpand(code, weight.form, columns, expanded, count);
          columns = expanded;
        }
        for (int64_t begin = 0; begin < weight.form.width; begin += tileWidth) {
          forPaddedTiles(code, tile.mr, rowCount, [&](Num i, int64_t height) {
            TileCall call{rows + i * places.rowStride,
                          places.rowStride,
                          columns + begin,
                          weight.form.width,
                          count,
                          accumulator(weight, tile, out, i, p, q) + begin,
                          code.integer(outStride),
                          {},
                          /*goesOn=*/false,
                          next,
                          weight.form};
            if (weight.scaleColumns > 0 && !weight.rowScales) {
              call.scale = weight.scaleOf(panel, block) + begin;
            }
            callTile(code, height, tileWidth, call);
          });
        }
      }
    });
  });
}

void emitPanelProduct(Code &code, const PanelWeight &weight, const ProductTile &tile,
                      function_ref<Memory(Num)> row, Num rowCount, Num firstPanel, Num panelCount,
                      Memory out, Memory scratch) {
  if (tile.rows == 1) {
    code.when(rowCount > code.integer(0), [&] {
      if (weight.form.rowStride > 0) {
        emitRowInPlace(code, weight, tile, row(code.integer(0)), firstPanel, panelCount, out);
      } else {
        emitRowProduct(code, weight, tile, row, firstPanel, panelCount, out, scratch);
      }
    });
    return;
  }
  auto stream = [&] {
    emitFewRows(code, weight, tile, row, rowCount, firstPanel, panelCount, out);
  };
  auto inBlocks = [&] {
    emitBlockProduct(code, weight, tile, row, rowCount, firstPanel, panelCount, out, scratch);
  };
  if (weight.form.rowStride > 0 && tile.streamMost > 0) {
    emitFewInPlace(code, weight, tile, row, rowCount, firstPanel, panelCount, out);
  } else if (tile.streamMost == 0) {
    inBlocks();
  } else if (tile.rows <= tile.streamMost) {
    stream();
  } else {
    code.when(rowCount > code.integer(tile.streamMost), inBlocks, stream);
  }
}

void emitPanelEpilogue(const KernelCode &kernel, const PanelWeight &weight, Region &epilogue,
                       OperandRange inputs, ArrayRef<int32_t> access, int64_t n,
                       Memory accumulators, int64_t panelsOut, Num firstRow, Num rowCount, Num head,
                       Num group, Num firstPanel, Num panelCount, const Rows &destination,
                       const std::optional<QuantiseStage> &stage) {
  Code &code = kernel.code;
  code.loop(code.integer(0), rowCount, 1, [&](Num i) {
    Num t = firstRow + i;
    code.loop(code.integer(0), panelCount, 1, [&](Num p) {
      Num panel = firstPanel + p;
      Memory from = accumulators + (i * panelsOut + p) * (weight.parts * weight.form.width);
      auto value = [&](int64_t begin, int64_t width) {
        Num column = panel * weight.form.width + begin;
        SmallVector<Num> arguments;
        for (int64_t q = 0; q < weight.parts; ++q) {
          arguments.push_back((from + (q * weight.form.width + begin)).floats(width));
        }
        appendRegionInputs(kernel, inputs, access, {t, head, group, column, width}, arguments);
        return emitScalars(code, epilogue, arguments, width)[0];
      };
      auto columns = [&](int64_t count) {
        if (!stage) {
          forVectors(code, count, [&](int64_t begin, int64_t width) {
            (destination.row(t, head) + panel * weight.form.width + begin)
                .store(value(begin, width));
          });
          return;
        }
        for (int64_t first = 0; first < count; first += stage->group) {
          SmallVector<Num> values;
          forVectors(code, std::min(stage->group, count - first), [&](int64_t at, int64_t width) {
            values.push_back(value(first + at, width));
          });
          stage->store(code, t, panel * weight.form.width + first, values);
        }
      };
      int64_t tail = n % weight.form.width;
      auto whole = [&] { columns(weight.form.width); };
      if (tail == 0) {
        whole();
        return;
      }
      code.when(panel == weight.panels - 1, [&] { columns(tail); }, whole);
    });
  });
}

} // namespace dsv3::cpu
