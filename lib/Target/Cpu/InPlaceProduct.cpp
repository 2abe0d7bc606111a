//===- InPlaceProduct.cpp - rows times a weight in place ------------------===//
#include "InPlaceProduct.h"

#include "Graph/ShapeCheck.h"
#include "MicroKernels.h"
#include "StreamProduct.h"

#include "dsv3/Plan/Layout.h"

using namespace mlir;

namespace dsv3::cpu {

/// Vectors of sums of a row and a row of the weight. A multiply-add has two loads here, so one
/// begins in a cycle, and so many hide the latency of an addition.
static constexpr int64_t vectorsOfSum = 4;

static void emitInPlace(Code &code, const PanelForm &form, Memory row, Memory panel, Memory out,
                        std::optional<Cache> asked) {
  int64_t lanes = code.lanes(), block = vectorsOfSum * lanes, columns = form.rowStride;
  int64_t elementBytes = panel.elementType().getIntOrFloatBitWidth() / 8;
  code.loop(code.integer(0), code.integer(form.width), 1, [&](Num j) {
    Memory weights = panel + j * form.rowStride;
    SmallVector<Var> sums;
    for (int64_t v = 0; v < vectorsOfSum; ++v) {
      sums.push_back(code.variable(code.zeros(lanes)));
    }
    auto multiply = [&](Num k, int64_t vectors) {
      for (int64_t v = 0; v < vectors; ++v) {
        Memory at = weights + (k + v * lanes);
        if (asked && v * lanes * elementBytes % lineBytes == 0) {
          at.prefetch(bytesAhead, *asked);
        }
        Var &sum = sums[static_cast<size_t>(v)];
        sum.set(code.fma((row + (k + v * lanes)).floats(lanes), at.floats(lanes), sum.get()));
      }
    };
    Num whole = code.integer(columns / block * block);
    code.loop(code.integer(0), whole, block, [&](Num k) { multiply(k, vectorsOfSum); });
    code.loop(whole, code.integer(columns), lanes, [&](Num k) { multiply(k, 1); });
    Num half = sums[0].get() + sums[1].get(), other = sums[2].get() + sums[3].get();
    (out + j).store(code.sumOf(half + other));
  });
}

/// `out[j] = sum over k of row[k] * panel[j, k]`, of f32, for all rows j of the panel.
static void callInPlace(Code &code, const PanelForm &form, Memory row, Memory panel, Memory out) {
  withAsking(code, /*many=*/false, [&](std::optional<Cache> asked) {
    std::string name = "in_place." + graph::spell(panel.elementType()) + "." +
                       std::to_string(form.width) + "x" + std::to_string(form.rowStride) +
                       askingName(asked).str();
    callShared(code, name, {row, panel, out}, {},
               [&](Code &inner, ArrayRef<Memory> of, ArrayRef<Num>) {
                 emitInPlace(inner, form, of[0], of[1], of[2], asked);
               });
  });
}

void emitRowInPlace(Code &code, const PanelWeight &weight, const ProductTile &tile, Memory row,
                    Num firstPanel, Num panelCount, Memory out) {
  code.loop(code.integer(0), panelCount, 1, [&](Num p) {
    for (int64_t q = 0; q < weight.parts; ++q) {
      callInPlace(code, weight.form, row, weight.panel(firstPanel + p + q * weight.panels),
                  accumulator(weight, tile, out, code.integer(0), p, q));
    }
  });
}

//===----------------------------------------------------------------------===//
// Few rows
//===----------------------------------------------------------------------===//

namespace {
/// What memory is asked for meanwhile: as many columns of `rows` rows of the weight, a line of each
/// at a time, or as much in one run.
struct Ahead {
  Memory from;
  int64_t rows;
  bool inOneRun;
};

/// Some rows times some rows of a weight.
struct ColumnsCall {
  SmallVector<Memory> rows; ///< `count` f32 each
  Memory weight;            ///< [weightRows][weightStride], as it is stored
  int64_t weightRows = 1, weightStride = 0;
  Num count; ///< columns, a multiple of plan::inPlaceColumns
  Memory out;
  Num outStride;
  Ahead ahead;
};
} // namespace

/// Vectors whose lanes are summed at once. Fewer are filled up, so that the order of a sum is the
/// same however many there are.
static constexpr int64_t sumsAtOnce = 4;

/// Adds the sums of vectors, [rows][weightRows] of them, to what they belong to.
static void addSums(Code &code, const ColumnsCall &call, ArrayRef<Var> sums) {
  auto atOnce = static_cast<size_t>(sumsAtOnce), ofRow = static_cast<size_t>(call.weightRows);
  assert(atOnce % ofRow == 0 && "sums of whole rows side by side");
  for (size_t first = 0; first < sums.size(); first += atOnce) {
    SmallVector<Num> vectors;
    for (size_t i = 0; i < atOnce; ++i) {
      vectors.push_back(sums[std::min(first + i, sums.size() - 1)].get());
    }
    Num all = code.sumsOf(vectors);
    for (size_t i = 0; i < atOnce && first + i < sums.size(); i += ofRow) {
      Memory to = call.out + call.outStride * static_cast<int64_t>((first + i) / ofRow);
      to.store(to.floats(call.weightRows) +
               code.part(all, static_cast<int64_t>(i), call.weightRows));
    }
  }
}

/// sums[set][row][row of the weight] += the products of columns [k, k + columns).
static void emitStep(Code &code, const ColumnsCall &call, Num k, int64_t columns,
                     ArrayRef<Var> sums) {
  int64_t lanes = code.lanes(), sets = plan::inPlaceSums(code.variant);
  size_t rowCount = call.rows.size(), weightRows = static_cast<size_t>(call.weightRows);
  assert(columns % (lanes * sets) == 0 && "each step begins with the first set");
  for (int64_t c = 0; c < columns; c += lanes) {
    auto row = [&](size_t i) { return (call.rows[i] + (k + c)).floats(lanes); };
    auto weight = [&](size_t j) {
      return (call.weight + (k + (static_cast<int64_t>(j) * call.weightStride + c))).floats(lanes);
    };
    // What there are fewer of is in registers, the others are there one by one.
    bool rowsStay = rowCount < weightRows;
    SmallVector<Num> staying;
    for (size_t n = 0; n < std::min(rowCount, weightRows); ++n) {
      staying.push_back(rowsStay ? row(n) : weight(n));
    }
    size_t set = static_cast<size_t>(c / lanes % sets) * rowCount * weightRows;
    for (size_t n = 0; n < std::max(rowCount, weightRows); ++n) {
      Num passing = rowsStay ? weight(n) : row(n);
      for (auto [m, other] : llvm::enumerate(staying)) {
        const Var &sum = sums[set + (rowsStay ? m * weightRows + n : n * weightRows + m)];
        sum.set(code.fma(passing, other, sum.get()));
      }
    }
  }
}

static void emitColumns(Code &code, const ColumnsCall &call, std::optional<Cache> asked) {
  auto sets = static_cast<size_t>(plan::inPlaceSums(code.variant));
  size_t perSet = call.rows.size() * static_cast<size_t>(call.weightRows);
  SmallVector<Var> sums;
  for (size_t i = 0; i < sets * perSet; ++i) {
    sums.push_back(code.variable(code.zeros(code.lanes())));
  }
  // A step's columns are a line of each row of the weight, or of a run of all rows: with AVX2 one
  // vector of each, since of more the compiler loads some so early that it has to spill them.
  static_assert(plan::inPlaceColumns * 2 == lineBytes, "bf16");
  const Ahead &ahead = call.ahead;
  int64_t columns = plan::inPlaceColumns / (ahead.inOneRun ? ahead.rows : 1);
  code.loop(code.integer(0), call.count, columns, [&](Num k) {
    int64_t lines = !asked ? 0 : ahead.inOneRun ? 1 : ahead.rows;
    for (int64_t line = 0; line < lines; ++line) {
      Num at = ahead.inOneRun ? k * ahead.rows : k + line * call.weightStride;
      (ahead.from + at).prefetch(0, *asked);
    }
    emitStep(code, call, k, columns, sums);
  });
  for (size_t set = 1; set < sets; ++set) {
    for (size_t i = 0; i < perSet; ++i) {
      sums[i].set(sums[i].get() + sums[set * perSet + i].get());
    }
  }
  addSums(code, call, ArrayRef<Var>(sums).take_front(perSet));
}

/// `out[i, j] += sum over k of row i [k] * weight[j, k]`.
static void callColumnsFunction(Code &code, const ColumnsCall &call, std::optional<Cache> asked) {
  std::string name = "columns." + graph::spell(call.weight.elementType()) + "." +
                     std::to_string(call.rows.size()) + "x" + std::to_string(call.weightRows) +
                     "." + std::to_string(call.weightStride) + ".ahead" +
                     std::to_string(call.ahead.rows) + (call.ahead.inOneRun ? "run" : "") +
                     askingName(asked).str();
  SmallVector<Memory> memories{call.weight, call.out, call.ahead.from};
  memories.append(call.rows);
  callShared(code, name, memories, {call.count, call.outStride},
             [&](Code &inner, ArrayRef<Memory> of, ArrayRef<Num> n) {
               ColumnsCall body = call;
               body.weight = of[0], body.out = of[1], body.ahead.from = of[2];
               llvm::copy(of.drop_front(3), body.rows.begin());
               body.count = n[0], body.outStride = n[1];
               emitColumns(inner, body, asked);
             });
}

static void callColumns(Code &code, const ColumnsCall &call) {
  withAsking(code, /*many=*/true,
             [&](std::optional<Cache> asked) { callColumnsFunction(code, call, asked); });
}

/// A block of columns of some rows of the weight times all rows: `least` to `most` of them, of
/// which `atOnce` have sums in registers.
static void emitBlockInPlace(Code &code, int64_t least, int64_t most, int64_t atOnce,
                             ColumnsCall call, function_ref<Memory(Num)> row, Num rowCount,
                             Num begin, Memory out) {
  Ahead all = call.ahead;
  forGroups(code, least, atOnce, rowCount, [&](Num group, Num first, int64_t height) {
    call.rows.clear();
    for (int64_t n = 0; n < height; ++n) {
      call.rows.push_back(row(first + n) + begin);
    }
    call.out = out + first * call.outStride;
    auto asking = [&](Memory from, int64_t rows) {
      call.ahead.from = from, call.ahead.rows = rows;
      callColumns(code, call);
    };
    auto forAll = [&] { asking(all.from, all.rows); };
    if (most <= atOnce) {
      forAll();
      return;
    }
    // Of several groups the first asks for one half of the rows of the weight and the next one for
    // the other, so that memory is read while either multiplies. A third one repeats that.
    code.when(rowCount < atOnce + 1, forAll, [&] {
      Memory other = all.from + call.weightStride * (call.weightRows / 2);
      asking(code.select(group == 0, all.from, other), all.rows / 2);
    });
  });
}

void emitFewInPlace(Code &code, const PanelWeight &weight, const ProductTile &tile,
                    function_ref<Memory(Num)> row, Num rowCount, Num firstPanel, Num panelCount,
                    Memory out) {
  int64_t stride = weight.form.rowStride, width = weight.form.width;
  Num zero = code.integer(0), k = code.integer(weight.k);
  Num outStride = code.integer(tile.panels * weight.parts * width);
  clear(code, out, rowCount * outStride);
  auto withRows = [&](int64_t least, int64_t most, bool whole) {
    int64_t weightRows = plan::inPlaceRows(code.variant, most);
    ColumnsCall call;
    call.weightRows = weightRows, call.weightStride = stride, call.outStride = outStride;
    // How many rows of the weight further memory is asked for.
    int64_t readBytes = 2 * (whole ? stride : std::min(tile.kBlock, weight.k));
    int64_t rowsAhead =
        std::clamp(bytesAhead / readBytes / weightRows * weightRows, weightRows, width);
    code.loop(zero, panelCount, 1, [&](Num p) {
      for (int64_t q = 0; q < weight.parts; ++q) {
        Memory panel = weight.panel(firstPanel + p + q * weight.panels);
        Num nextPanel = q + 1 < weight.parts ? firstPanel + p + (q + 1) * weight.panels
                                             : firstPanel + code.min(p + 1, panelCount - 1);
        Memory behind = weight.panel(nextPanel);
        auto block = [&](Num j, Num begin) {
          call.weight = panel + (j * stride + begin);
          call.count = code.min(k - begin, code.integer(tile.kBlock));
          // The columns of this block, or as many in one run. Behind the last rows come the first
          // ones, of the next block or of the next panel.
          Num further = j + rowsAhead, nextBlock = begin + tile.kBlock;
          Memory first = whole ? panel + begin * weightRows : panel + begin;
          Memory next = whole ? behind + begin * weightRows
                              : code.select(nextBlock < k, panel + nextBlock, behind);
          call.ahead.from = code.select(further < width, first + further * stride,
                                        next + (further - width) * stride);
          call.ahead.rows = weightRows, call.ahead.inOneRun = whole;
          emitBlockInPlace(code, least, most, whole ? most : std::min(most, tile.stream), call, row,
                           rowCount, begin, accumulator(weight, tile, out, zero, p, q) + j);
        };
        auto forRows = [&](function_ref<void(Num)> body) {
          code.loop(zero, code.integer(width), weightRows, body);
        };
        auto forBlocks = [&](function_ref<void(Num)> body) {
          code.loop(zero, k, tile.kBlock, body);
        };
        if (whole) {
          forRows([&](Num j) { forBlocks([&](Num begin) { block(j, begin); }); });
        } else {
          forBlocks([&](Num begin) { forRows([&](Num j) { block(j, begin); }); });
        }
      }
    });
  };
  int64_t mostWhole = std::min(tile.rows, plan::mostOnWholeRows);
  auto inWholeRows = [&] { withRows(1, mostWhole, true); };
  auto inBlocks = [&] { withRows(mostWhole + 1, tile.rows, false); };
  if (tile.rows > mostWhole) {
    code.when(rowCount < mostWhole + 1, inWholeRows, inBlocks);
  } else {
    inWholeRows();
  }
}

} // namespace dsv3::cpu
