//===- PanelProduct.cpp - rows times the panels of a weight ---------------===//
#include "PanelProduct.h"

#include "InPlaceProduct.h"
#include "MicroKernels.h"
#include "StreamProduct.h"

#include "dsv3/Plan/Scratch.h"

#include <functional>

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
  std::optional<DType> codes = graph::codesOf(result.element);
  result.panelColumns = plan::roomForColumns(kind, *planir::dtypeOf(result.element), result.k);
  result.rowScales = codes && isScaledAlongRows(*codes);
  Memory data = kernel.arguments.lookup(weight);
  if (result.form.rowStride > 0) {
    result.data = data.as(kernel.code.builder.getI64Type()) + group * panelsOfGroup;
  } else {
    result.data = data + group * (panelsOfGroup * result.panelColumns * width);
  }
  if (scales) {
    result.scaleColumns = (*block)[1];
    result.scaleElements = width * scaleForm(*codes)->numbers;
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

Memory accumulator(const PanelWeight &weight, const ProductTile &tile, Memory out, Num row,
                   Num panel, int64_t part) {
  return out + ((row * tile.panels + panel) * weight.parts + part) * weight.form.width;
}

//===----------------------------------------------------------------------===//
// Few rows: weights are expanded in registers
//===----------------------------------------------------------------------===//

namespace {
/// Few rows, and how they meet panels (StreamCall).
struct StreamRows {
  function_ref<Memory(Num)> row; ///< by index
  bool tinyCodes = false;
};
} // namespace

/// Whether a row that is alone meets panels of codes one by one: 16 registers have no room for the
/// sums of two and what expands codes. Sums of even and odd columns hide the latency of an addition
/// then. Of i4 two parts fit, and are faster where codes are converted.
static bool meetsCodesAlone(Code &code, const PanelWeight &weight) {
  return scaleForm(*planir::dtypeOf(weight.element)) && code.variant.registers < 32 &&
         !(weight.element.isInteger(4) && weight.parts > 1);
}

/// `height` rows from firstRow on times `flight` panels of each part, `apart` from each other, from
/// `panel` of the tile on.
static void emitStreamPanels(Code &code, const PanelWeight &weight, const ProductTile &tile,
                             const StreamRows &rows, Num firstRow, int64_t height, int64_t flight,
                             Num apart, Num firstPanel, Num panel, Memory out) {
  StreamCall call;
  for (int64_t i = 0; i < height; ++i) {
    call.rows.push_back(rows.row(firstRow + i));
  }
  call.tinyCodes = rows.tinyCodes;
  call.width = weight.form.width;
  call.parts = weight.parts;
  call.kBlock = tile.kBlock;
  call.scaleColumns = weight.scaleColumns;
  // A row alone is scaled less often. Of several each is computed as in blocks, so that it does
  // not depend on their number.
  call.scaledWeights = weight.rowScales && tile.rows > 1;
  call.count = code.integer(weight.k);
  call.out = accumulator(weight, tile, out, firstRow, panel, 0);
  call.outStride = code.integer(tile.panels * weight.parts * weight.form.width);
  call.panelStride = apart * (weight.parts * weight.form.width);
  auto flush = [&] {
    callStream(code, call);
    call.out = call.out + static_cast<int64_t>(call.panels.size()) * weight.form.width;
    call.panels.clear();
    call.scales.clear();
  };
  int64_t atOnce = height > 1 ? plan::panelsAtOnce(code.variant, weight.form.width, height)
                              : flight * weight.parts;
  if (tile.rows == 1 && meetsCodesAlone(code, weight)) {
    atOnce = 1;
    call.sumSets = plan::sumsInFlight / plan::codeVectors;
  }
  assert((flight == 1 || flight * weight.parts <= atOnce) && "one call, or parts of one panel");
  for (int64_t p = 0; p < flight; ++p) {
    for (int64_t q = 0; q < weight.parts; ++q) {
      if (static_cast<int64_t>(call.panels.size()) == atOnce) {
        flush();
      }
      Num index = firstPanel + panel + apart * p + q * weight.panels;
      call.panels.push_back(weight.panel(index));
      if (weight.scaleColumns > 0) {
        call.scales.push_back(weight.scaleOf(index, code.integer(0)));
      }
    }
  }
  flush();
}

static void emitStreamProduct(Code &code, const PanelWeight &weight, const ProductTile &tile,
                              const StreamRows &rows, Num rowCount, Num firstPanel, Num panelCount,
                              Memory out) {
  Num zero = code.integer(0), one = code.integer(1);
  // Panels that are met at once lie apart, so that each is followed by one that is met next: what
  // is asked for behind its end is not in vain.
  auto allPanels = [&](int64_t height, int64_t flight) {
    Num apart = panelCount / flight;
    code.loop(zero, apart, 1, [&](Num p) {
      emitStreamPanels(code, weight, tile, rows, zero, height, flight, apart, firstPanel, p, out);
    });
    if (flight > 1) {
      code.loop(apart * flight, panelCount, 1, [&](Num p) {
        emitStreamPanels(code, weight, tile, rows, zero, height, 1, one, firstPanel, p, out);
      });
    }
  };
  if (tile.rows == 1) {
    allPanels(1, tile.flight);
    return;
  }
  auto inGroups = [&](int64_t least) {
    // What comes after the first rows finds the panel in a cache.
    code.loop(zero, panelCount, 1, [&](Num p) {
      forGroups(code, least, tile.stream, rowCount, [&](Num, Num first, int64_t height) {
        emitStreamPanels(code, weight, tile, rows, first, height, 1, one, firstPanel, p, out);
      });
    });
  };
  std::function<void(int64_t)> oneGroup = [&](int64_t height) {
    int64_t atOnce = plan::panelsAtOnce(code.variant, weight.form.width, height);
    int64_t flight = atOnce / weight.parts;
    if (height > tile.stream || atOnce == 1 || flight == 0) {
      inGroups(height);
      return;
    }
    code.when(
        rowCount == height, [&] { allPanels(height, flight); }, [&] { oneGroup(height + 1); });
  };
  oneGroup(1);
}

/// Has `to` be a row times tinyRows. The largest magnitude of the row, NaN if it has one.
static Num emitScaledRow(Code &code, int64_t count, Memory from, Memory to) {
  // Bits are compared: as numbers each comparison would wait longer for the one before.
  Var largest = code.variable(code.bitsOf(code.zeros(code.lanes())));
  Var ofRest = code.variable(code.bitsOf(code.number(0.0)));
  code.columns(count, [&](Num k, int64_t width) {
    Num part = (from + k).floats(width), magnitude = code.bitsOf(code.abs(part));
    (to + k).store(part * code.splat(code.number(tinyRows), width));
    if (width == code.lanes()) {
      largest.set(code.max(largest.get(), magnitude));
    } else {
      ofRest.set(code.largestOf(magnitude));
    }
  });
  return code.floatOf(code.max(code.largestOf(largest.get()), ofRest.get()));
}

/// A row alone. Where its core multiplies subnormal numbers without an assist, codes stay tiny and
/// the row is scaled, unless it or its products would leave the range of f32.
static void emitRowProduct(Code &code, const PanelWeight &weight, const ProductTile &tile,
                           function_ref<Memory(Num)> row, Num firstPanel, Num panelCount,
                           Memory out, Memory scaled) {
  auto with = [&](function_ref<Memory(Num)> rows, bool tinyCodes) {
    emitStreamProduct(code, weight, tile, {rows, tinyCodes}, code.integer(1), firstPanel,
                      panelCount, out);
  };
  auto asItIs = [&] { with(row, false); };
  if (!plan::mayScaleRow(tile.rows, *planir::dtypeOf(weight.element))) {
    asItIs();
    return;
  }
  code.when(assistsSubnormals(code), asItIs, [&] {
    Num largest = emitScaledRow(code, weight.k, row(code.integer(0)), scaled);
    code.when(
        largest < code.number(largestTinyRow),
        [&] {
          code.when(largest < code.number(smallestTinyRow), asItIs,
                    [&] { with([&](Num) { return scaled; }, true); });
        },
        asItIs);
  });
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
        bool lastPart = q + 1 == weight.parts;
        Num nextPart = firstPanel + p + (lastPart ? 1 : (q + 1) * weight.panels);
        Num nextBegin = begin;
        if (lastPart) {
          // Behind the last panel the first one goes on with the next block.
          Num more = p + 1 < panelCount;
          nextPart = code.select(more, nextPart, firstPanel);
          nextBegin = code.select(more, begin, begin + tile.kBlock);
        }
        Memory next = weight.form.columns(weight.panel(nextPart), nextBegin);
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
    emitStreamProduct(code, weight, tile, {row}, rowCount, firstPanel, panelCount, out);
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
