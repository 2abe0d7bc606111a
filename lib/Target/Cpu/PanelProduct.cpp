//===- PanelProduct.cpp - rows times the panels of a weight ---------------===//
#include "PanelProduct.h"

#include "dsv3/Plan/Layout.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

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

/// The two halves of a column of a panel as f32. Of 16-bit types the halves are the low
/// and high parts of 32-bit lanes. FP8 comes out as 2^-8 of its value.
static std::pair<Num, Num> loadColumn(Code &code, const PanelWeight &weight, Memory column) {
  int64_t lanes = weight.width / 2;
  OpBuilder &b = code.builder;
  Location loc = code.loc;
  if (weight.element.isF32()) {
    return {column.floats(lanes), (column + lanes).floats(lanes)};
  }
  if (isa<Float8E4M3FNType>(weight.element)) {
    return {column.smallF8(lanes), (column + lanes).smallF8(lanes)};
  }
  Value pairs = column.as(b.getI32Type()).raw(lanes);
  auto words = cast<VectorType>(pairs.getType());
  auto splat = [&](int64_t value) {
    return arith::ConstantOp::create(
        b, loc, DenseElementsAttr::get(words, b.getI32IntegerAttr(static_cast<int32_t>(value))));
  };
  auto floats = words.clone(b.getF32Type());
  if (weight.element.isBF16()) {
    Value low = arith::ShLIOp::create(b, loc, pairs, splat(16));
    Value high = arith::AndIOp::create(b, loc, pairs, splat(int64_t(0xFFFF0000)));
    return {code.wrap(arith::BitcastOp::create(b, loc, floats, low)),
            code.wrap(arith::BitcastOp::create(b, loc, floats, high))};
  }
  auto half = [&](Value word) {
    Value narrow = arith::TruncIOp::create(b, loc, words.clone(b.getI16Type()), word);
    Value f16 = arith::BitcastOp::create(b, loc, words.clone(b.getF16Type()), narrow);
    return code.wrap(arith::ExtFOp::create(b, loc, floats, f16));
  };
  return {half(pairs), half(arith::ShRUIOp::create(b, loc, pairs, splat(16)))};
}

namespace {
/// The register tile: rows × panels × parts × two halves.
struct MicroTile {
  Code &code;
  const PanelWeight &weight;
  int64_t rows, flight;

  void emit(function_ref<Memory(Num)> row, Num firstRow, Num firstPanel, Num outPanel, Num kBegin,
            Num kEnd, int64_t kBlock, int64_t panelsOut, Memory out);
};
} // namespace

void MicroTile::emit(function_ref<Memory(Num)> row, Num firstRow, Num firstPanel, Num outPanel,
                     Num kBegin, Num kEnd, int64_t kBlock, int64_t panelsOut, Memory out) {
  int64_t lanes = weight.width / 2;
  SmallVector<Memory> a, panels;
  for (int64_t i = 0; i < rows; ++i) {
    a.push_back(row(firstRow + i));
  }
  for (int64_t p = 0; p < flight; ++p) {
    for (int64_t q = 0; q < weight.parts; ++q) {
      Num panel = firstPanel + (q * weight.panels + p);
      panels.push_back(weight.data + panel * (weight.k * weight.width));
    }
  }
  SmallVector<Var> sums;
  for (size_t i = 0; i < a.size() * panels.size() * 2; ++i) {
    sums.push_back(code.variable(code.zeros(lanes)));
  }
  code.loop(kBegin, kEnd, 1, [&](Num k) {
    SmallVector<Num> broadcast;
    for (Memory &pointer : a) {
      broadcast.push_back(code.splat((pointer + k).floats(1), lanes));
    }
    for (auto [p, panel] : llvm::enumerate(panels)) {
      auto [low, high] = loadColumn(code, weight, panel + k * weight.width);
      for (auto [i, x] : llvm::enumerate(broadcast)) {
        Var &lowSum = sums[(i * panels.size() + p) * 2],
            &highSum = sums[(i * panels.size() + p) * 2 + 1];
        lowSum.set(code.fma(x, low, lowSum.get()));
        highSum.set(code.fma(x, high, highSum.get()));
      }
    }
  });
  int64_t blocks = weight.scaleColumns > 0 ? plan::ceilDiv(weight.k, weight.scaleColumns) : 0;
  for (int64_t p = 0; p < flight; ++p) {
    for (int64_t q = 0; q < weight.parts; ++q) {
      for (int64_t half = 0; half < 2; ++half) {
        std::optional<Num> scale;
        if (blocks > 0) {
          Num panel = firstPanel + (q * weight.panels + p);
          scale =
              (weight.scales + ((panel * blocks + kBegin / kBlock) * weight.width + half * lanes))
                  .floats(lanes);
          if (isa<Float8E4M3FNType>(weight.element)) {
            scale = *scale * code.splat(code.number(256.0), lanes);
          }
        }
        for (int64_t i = 0; i < rows; ++i) {
          Num sum =
              sums[static_cast<size_t>(((i * flight + p) * weight.parts + q) * 2 + half)].get();
          Memory to = out + ((((firstRow + i) * panelsOut + outPanel + p) * weight.parts + q) *
                                 weight.width +
                             half * lanes);
          Num before = to.floats(lanes);
          to.store(scale ? code.fma(sum, *scale, before) : before + sum);
        }
      }
    }
  }
}

void emitPanelProduct(Code &code, const PanelWeight &weight, const ProductTile &tile,
                      function_ref<Memory(Num)> row, Num rowCount, Num firstPanel, Num panelCount,
                      int64_t panelsOut, Memory out) {
  int64_t lanes = weight.width / 2;
  Num zero = code.integer(0);
  code.loop(zero, rowCount * (panelsOut * weight.parts * weight.width), lanes,
            [&](Num i) { (out + i).store(code.zeros(lanes)); });

  auto allRows = [&](Num panel, int64_t flight, Num kBegin, Num kEnd) {
    auto micro = [&](int64_t rows, Num firstRow) {
      MicroTile{code, weight, rows, flight}.emit(row, firstRow, firstPanel + panel, panel, kBegin,
                                                 kEnd, tile.kBlock, panelsOut, out);
    };
    Num whole = rowCount / tile.mr * tile.mr;
    code.loop(zero, whole, tile.mr, [&](Num i) { micro(tile.mr, i); });
    if (tile.mr > 1) {
      code.loop(whole, rowCount, 1, [&](Num i) { micro(1, i); });
    }
  };
  code.loop(zero, code.integer(weight.k), tile.kBlock, [&](Num kBegin) {
    Num kEnd = code.min(kBegin + tile.kBlock, code.integer(weight.k));
    Num whole = panelCount / tile.flight * tile.flight;
    code.loop(zero, whole, tile.flight, [&](Num p) { allRows(p, tile.flight, kBegin, kEnd); });
    if (tile.flight > 1) {
      code.loop(whole, panelCount, 1, [&](Num p) { allRows(p, 1, kBegin, kEnd); });
    }
  });
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
