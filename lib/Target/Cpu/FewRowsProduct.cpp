//===- FewRowsProduct.cpp - few rows times the panels of a weight ---------===//
#include "FewRowsProduct.h"

#include "MicroKernels.h"
#include "StreamProduct.h"

using namespace mlir;

namespace dsv3::cpu {

namespace {
/// Few rows times the panels of a tile.
class FewRows {
public:
  FewRows(Code &code, const PanelWeight &weight, const ProductTile &tile,
          function_ref<Memory(Num)> row, Num firstPanel, Num panelCount, Memory out)
      : code(code), weight(weight), tile(tile), row(row), firstPanel(firstPanel),
        panelCount(panelCount), out(out) {}

  /// `rowCount` rows, of which there is one at the most where the tile has no more.
  void emit(Num rowCount) const {
    if (tile.rows == 1) {
      emitAtOnce(1, tile.flight);
    } else {
      emitByNumber(rowCount, 1);
    }
  }

  bool tinyCodes = false;      ///< of a row alone: see StreamCall
  SmallVector<Memory> rowSums; ///< likewise

private:
  int64_t panelsAtOnce(int64_t height) const {
    return plan::panelsAtOnce(code.variant, weight.form.width, height);
  }
  void emitPanels(Num firstRow, int64_t height, int64_t flight, Num apart, Num panel) const;
  void emitPanel(Num firstRow, int64_t height, Num panel) const {
    emitPanels(firstRow, height, 1, code.integer(1), panel);
  }
  void emitAtOnce(int64_t height, int64_t flight) const;
  void emitInGroups(Num rowCount, int64_t least) const;
  int64_t mostRest() const;
  void emitWithRest(int64_t rest) const;
  void emitByNumber(Num rowCount, int64_t height) const;
  void emitSeveralGroups(Num rowCount, int64_t least, int64_t rest) const;

  Code &code;
  const PanelWeight &weight;
  const ProductTile &tile;
  function_ref<Memory(Num)> row; ///< by index
  Num firstPanel, panelCount;
  Memory out;
};
} // namespace

/// `height` rows from firstRow on times `flight` panels of each part, `apart` from each other, from
/// `panel` of the tile on.
void FewRows::emitPanels(Num firstRow, int64_t height, int64_t flight, Num apart, Num panel) const {
  StreamCall call;
  for (int64_t i = 0; i < height; ++i) {
    call.rows.push_back(row(firstRow + i));
  }
  call.tinyCodes = tinyCodes, call.rowSums = rowSums;
  call.width = weight.form.width;
  call.parts = weight.parts;
  call.kBlock = tile.kBlock;
  call.scaleColumns = weight.scaleColumns;
  // A row alone is scaled less often. Of several each is computed as in blocks, so that it does
  // not depend on their number.
  call.scaledWeights = weight.rowScales && tile.rows > 1;
  call.count = code.integer(weight.k);
  call.wholeBlocks = weight.k % tile.kBlock == 0;
  call.out = accumulator(weight, tile, out, firstRow, panel, 0);
  call.outStride = code.integer(tile.panels * weight.parts * weight.form.width);
  call.panelStride = apart * (weight.parts * weight.form.width);
  auto flush = [&] {
    callStream(code, call);
    call.out = call.out + static_cast<int64_t>(call.panels.size()) * weight.form.width;
    call.panels.clear();
    call.scales.clear();
  };
  int64_t atOnce = height > 1 ? panelsAtOnce(height) : flight * weight.parts;
  if (tile.rows == 1 &&
      plan::expandsInFewRegisters(code.variant, *planir::dtypeOf(weight.element))) {
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

/// A group of `height` rows, with `flight` panels of each part at once. Those lie apart, so that
/// each is followed by one that is met next: what is asked for behind its end is not in vain.
void FewRows::emitAtOnce(int64_t height, int64_t flight) const {
  Num zero = code.integer(0), apart = panelCount / flight;
  code.loop(zero, apart, 1, [&](Num p) { emitPanels(zero, height, flight, apart, p); });
  if (flight > 1) {
    code.loop(apart * flight, panelCount, 1, [&](Num p) { emitPanel(zero, height, p); });
  }
}

/// Groups of about equal size, of `least` rows or more. What comes after the first rows finds the
/// panel in a cache.
void FewRows::emitInGroups(Num rowCount, int64_t least) const {
  code.loop(code.integer(0), panelCount, 1, [&](Num p) {
    forGroups(code, least, tile.stream, rowCount,
              [&](Num, Num first, int64_t height) { emitPanel(first, height, p); });
  });
}

/// How many rows more than a group can have meet several panels at once after it: where each of two
/// equal groups would have just enough sums to hide the latency of an addition, or too few.
int64_t FewRows::mostRest() const {
  if (scaleForm(*planir::dtypeOf(weight.element))) {
    return 0;
  }
  int64_t vectors = weight.form.width / code.lanes();
  int64_t rest = std::min(2 * (plan::sumsInFlight / vectors), tile.rows) - tile.stream;
  while (rest > 0 && panelsAtOnce(rest) < std::max<int64_t>(2, weight.parts)) {
    --rest;
  }
  return std::max<int64_t>(rest, 0);
}

/// As many rows as a group can have meet some panels one by one, then `rest` others meet these at
/// once.
void FewRows::emitWithRest(int64_t rest) const {
  int64_t flight = panelsAtOnce(rest) / weight.parts;
  auto panels = [&](Num panel, int64_t count) {
    code.loop(panel, panel + count, 1, [&](Num p) { emitPanel(code.integer(0), tile.stream, p); });
    emitPanels(code.integer(tile.stream), rest, count, code.integer(1), panel);
  };
  Num whole = panelCount / flight * flight;
  code.loop(code.integer(0), whole, flight, [&](Num p) { panels(p, flight); });
  if (flight > 1) {
    code.loop(whole, panelCount, 1, [&](Num p) { panels(p, 1); });
  }
}

/// `height` rows or more, where so few rows are one group that meets several panels at once.
void FewRows::emitByNumber(Num rowCount, int64_t height) const {
  int64_t flight = panelsAtOnce(height) / weight.parts;
  if (height > tile.stream || panelsAtOnce(height) == 1 || flight == 0) {
    emitSeveralGroups(rowCount, height, mostRest());
    return;
  }
  code.when(
      rowCount == height, [&] { emitAtOnce(height, flight); },
      [&] { emitByNumber(rowCount, height + 1); });
}

/// Rows in groups of `least` or more; up to `rest` more than one group can have come after it.
void FewRows::emitSeveralGroups(Num rowCount, int64_t least, int64_t rest) const {
  if (rest == 0) {
    emitInGroups(rowCount, least);
    return;
  }
  code.when(
      rowCount == tile.stream + rest, [&] { emitWithRest(rest); },
      [&] { emitSeveralGroups(rowCount, least, rest - 1); });
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

/// Calls the function that has `to` be the sums of the blocks of a row of `count` elements, which
/// is tinyRows times as large if it is `scaled`.
static void callRowSums(Code &code, Memory row, bool scaled, Num count, Memory to) {
  std::string name = std::string("rowsums") + (scaled ? ".scaled" : "");
  callShared(code, name, {row, to}, {count},
             [&](Code &inner, ArrayRef<Memory> memories, ArrayRef<Num> numbers) {
               Memory row = memories[0], to = memories[1];
               constexpr int64_t block = encodingBlock(DType::I4)[1];
               int64_t lanes = inner.lanes();
               Num unit = inner.number(scaled ? 1 / tinyRows : 1);
               Num count = numbers[0], whole = count / block;
               inner.loop(inner.integer(0), whole, 1, [&](Num b) {
                 Memory first = row + b * block;
                 Num vector = first.floats(lanes);
                 for (int64_t at = lanes; at < block; at += lanes) {
                   vector = vector + (first + at).floats(lanes);
                 }
                 (to + b).store(inner.sumOf(vector) * unit);
               });
               inner.when(whole * block < count, [&] {
                 Var sum = inner.variable(inner.number(0.0));
                 inner.loop(whole * block, count, 1,
                            [&](Num k) { sum.set(sum.get() + (row + k).floats()); });
                 (to + whole).store(sum.get() * unit);
               });
             });
}

void emitRowProduct(Code &code, const PanelWeight &weight, const ProductTile &tile,
                    function_ref<Memory(Num)> row, Num firstPanel, Num panelCount, Memory out,
                    Memory scratch) {
  DType type = *planir::dtypeOf(weight.element);
  plan::RowScratch places(type, weight.k);
  Memory scaled = scratch + places.scaled, sums = scratch + places.sums;
  auto with = [&](function_ref<Memory(Num)> rows, bool tinyCodes) {
    FewRows product(code, weight, tile, rows, firstPanel, panelCount, out);
    product.tinyCodes = tinyCodes;
    if (type == DType::I4) {
      assert(tile.kBlock == encodingBlock(type)[1] && "a sum for each block of scales");
      callRowSums(code, rows(code.integer(0)), tinyCodes, code.integer(weight.k), sums);
      product.rowSums = {sums};
    }
    product.emit(code.integer(1));
  };
  auto asItIs = [&] { with(row, false); };
  if (!plan::mayScaleRow(tile.rows, type)) {
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

void emitFewRows(Code &code, const PanelWeight &weight, const ProductTile &tile,
                 function_ref<Memory(Num)> row, Num rowCount, Num firstPanel, Num panelCount,
                 Memory out) {
  FewRows(code, weight, tile, row, firstPanel, panelCount, out).emit(rowCount);
}

} // namespace dsv3::cpu
