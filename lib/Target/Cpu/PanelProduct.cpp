//===- PanelProduct.cpp - rows times the panels of a weight ---------------===//
#include "PanelProduct.h"

#include "MicroKernels.h"

#include "dsv3/Plan/Scratch.h"

#include <cstdlib>

using namespace mlir;

namespace dsv3::cpu {

PanelWeight PanelWeight::of(const KernelCode &kernel, Value weight, Value scales,
                            std::optional<ArrayRef<int64_t>> block, int64_t parts, int64_t width,
                            Num group) {
  auto type = cast<RankedTensorType>(weight.getType());
  int64_t rows = type.getShape()[static_cast<size_t>(type.getRank() - 2)];
  PanelWeight result;
  result.element = type.getElementType();
  result.parts = parts;
  result.k = type.getShape().back();
  result.width = width;
  result.panels = plan::ceilDiv(rows / parts, width);
  int64_t panelsOfGroup = parts * result.panels;
  result.data = kernel.arguments.lookup(weight) + group * (panelsOfGroup * result.k * width);
  if (scales) {
    result.scaleColumns = (*block)[1];
    int64_t blocks = plan::ceilDiv(result.k, result.scaleColumns);
    result.scales = kernel.arguments.lookup(scales) + group * (panelsOfGroup * blocks * width);
  }
  return result;
}

Memory PanelWeight::panel(Num index) const { return data + index * (k * width); }

Memory PanelWeight::scaleOf(Num panel, Num block) const {
  return scales + (panel * plan::ceilDiv(k, scaleColumns) + block) * width;
}

/// Where the product of row i with panel p of part q is kept.
static Memory accumulator(const PanelWeight &weight, const ProductTile &tile, Memory out, Num row,
                          Num panel, int64_t part) {
  return out + ((row * tile.panels + panel) * weight.parts + part) * weight.width;
}

//===----------------------------------------------------------------------===//
// One row: weights are read once, expanded in registers
//===----------------------------------------------------------------------===//

/// The row times `flight` panels of each part from `panel` of the tile on.
static void emitRowPanels(Code &code, const PanelWeight &weight, const ProductTile &tile,
                          int64_t flight, Memory row, Num firstPanel, Num panel, Memory out) {
  bool f8 = isa<Float8E4M3FNType>(weight.element);
  constexpr int64_t vectors = 2; // of a column
  int64_t lanes = weight.width / vectors;
  SmallVector<Num> indices;
  SmallVector<Memory> panels, accumulators;
  for (int64_t p = 0; p < flight; ++p) {
    for (int64_t q = 0; q < weight.parts; ++q) {
      indices.push_back(firstPanel + panel + (q * weight.panels + p));
      panels.push_back(weight.panel(indices.back()));
      accumulators.push_back(accumulator(weight, tile, out, code.integer(0), panel + p, q));
    }
  }
  auto zeros = [&] {
    SmallVector<Var> variables;
    for (size_t i = 0; i < panels.size() * size_t(vectors); ++i) {
      variables.push_back(code.variable(code.zeros(lanes)));
    }
    return variables;
  };
  auto products = [&](Num kBegin, Num kEnd, ArrayRef<Var> sums) {
    code.loop(kBegin, kEnd, 1, [&](Num k) {
      Num x = code.splat((row + k).floats(), lanes);
      const Var *sum = sums.begin();
      for (const Memory &memory : panels) {
        for (Num column : loadColumn(code, weight.width, memory + k * weight.width)) {
          sum->set(code.fma(x, column, sum->get()));
          ++sum;
        }
      }
    });
  };
  Num zero = code.integer(0), k = code.integer(weight.k);
  SmallVector<Var> totals = zeros();
  if (weight.scaleColumns == 0) {
    products(zero, k, totals);
  } else {
    code.loop(zero, code.integer(plan::ceilDiv(weight.k, weight.scaleColumns)), 1, [&](Num block) {
      SmallVector<Var> sums = zeros();
      Num begin = block * weight.scaleColumns;
      products(begin, code.min(begin + weight.scaleColumns, k), sums);
      for (auto [i, sum] : llvm::enumerate(sums)) {
        auto [p, v] = std::div(int64_t(i), vectors);
        Memory scale = weight.scaleOf(indices[size_t(p)], block) + v * lanes;
        totals[i].set(code.fma(sum.get(), scale.floats(lanes), totals[i].get()));
      }
    });
  }
  for (auto [i, total] : llvm::enumerate(totals)) {
    auto [p, v] = std::div(int64_t(i), vectors);
    Num value = total.get(); // of FP8 2^-8, see loadColumn
    (accumulators[size_t(p)] + v * lanes)
        .store(f8 ? value * code.splat(code.number(256.0), lanes) : value);
  }
}

static void emitRowProduct(Code &code, const PanelWeight &weight, const ProductTile &tile,
                           Memory row, Num firstPanel, Num panelCount, Memory out) {
  Num whole = panelCount / tile.flight * tile.flight;
  auto panels = [&](Num begin, Num end, int64_t flight) {
    code.loop(begin, end, flight,
              [&](Num p) { emitRowPanels(code, weight, tile, flight, row, firstPanel, p, out); });
  };
  panels(code.integer(0), whole, tile.flight);
  if (tile.flight > 1) {
    panels(whole, panelCount, 1);
  }
}

//===----------------------------------------------------------------------===//
// A block of rows: each block of a panel is expanded once for all of them
//===----------------------------------------------------------------------===//

static void emitBlockProduct(Code &code, const PanelWeight &weight, const ProductTile &tile,
                             function_ref<Memory(Num)> row, Num rowCount, Num firstPanel,
                             Num panelCount, Memory out, Memory scratch) {
  plan::ProductScratch places(tile.rows, tile.kBlock, weight.width);
  Memory rows = scratch + places.rows, expanded = scratch + places.expanded;
  Num zero = code.integer(0), k = code.integer(weight.k);
  int64_t lanes = code.lanes(), outStride = tile.panels * weight.parts * weight.width;
  code.loop(zero, rowCount * outStride, lanes, [&](Num i) { (out + i).store(code.zeros(lanes)); });
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
        Memory columns = weight.panel(panel) + begin * weight.width;
        if (!weight.element.isF32()) {
          callExpand(code, weight.width, columns, expanded, count);
          columns = expanded;
        }
        forTiles(code, tile.mr, rowCount, [&](Num i, int64_t height) {
          TileCall call{rows + i * places.rowStride,
                        places.rowStride,
                        columns,
                        weight.width,
                        count,
                        accumulator(weight, tile, out, i, p, q),
                        code.integer(outStride),
                        {}};
          if (weight.scaleColumns > 0) {
            call.scale = weight.scaleOf(panel, block);
          }
          callTile(code, height, weight.width, call);
        });
      }
    });
  });
}

void emitPanelProduct(Code &code, const PanelWeight &weight, const ProductTile &tile,
                      function_ref<Memory(Num)> row, Num rowCount, Num firstPanel, Num panelCount,
                      Memory out, Memory scratch) {
  if (tile.rows == 1) {
    code.when(rowCount > code.integer(0), [&] {
      emitRowProduct(code, weight, tile, row(code.integer(0)), firstPanel, panelCount, out);
    });
    return;
  }
  emitBlockProduct(code, weight, tile, row, rowCount, firstPanel, panelCount, out, scratch);
}

void emitPanelEpilogue(const KernelCode &kernel, const PanelWeight &weight, Region &epilogue,
                       OperandRange inputs, ArrayRef<int32_t> access, int64_t n,
                       Memory accumulators, int64_t panelsOut, Num firstRow, Num rowCount, Num head,
                       Num group, Num firstPanel, Num panelCount, const Rows &destination) {
  Code &code = kernel.code;
  int64_t lanes = weight.width / 2;
  code.loop(code.integer(0), rowCount, 1, [&](Num i) {
    Num t = firstRow + i;
    code.loop(code.integer(0), panelCount, 1, [&](Num p) {
      Num panel = firstPanel + p;
      Memory from = accumulators + (i * panelsOut + p) * (weight.parts * weight.width);
      auto columns = [&](int64_t begin, int64_t width) {
        Num column = panel * weight.width + begin;
        SmallVector<Num> arguments;
        for (int64_t q = 0; q < weight.parts; ++q) {
          arguments.push_back((from + (q * weight.width + begin)).floats(width));
        }
        appendRegionInputs(kernel, inputs, access, {t, head, group, column, width}, arguments);
        Num result = emitScalars(code, epilogue, arguments, width)[0];
        (destination.row(t, head) + column).store(result);
      };
      int64_t tail = n % weight.width;
      auto whole = [&] {
        columns(0, lanes);
        columns(lanes, lanes);
      };
      if (tail == 0) {
        whole();
        return;
      }
      code.when(
          panel == weight.panels - 1,
          [&] {
            for (int64_t begin = 0; begin < tail; begin += lanes) {
              columns(begin, std::min(lanes, tail - begin));
            }
          },
          whole);
    });
  });
}

} // namespace dsv3::cpu
