//===- Gemm.cpp - gemm and grouped_gemm -----------------------------------===//
#include "DotProduct.h"

#include "dsv3/Plan/Scratch.h"

using namespace mlir;

namespace dsv3::cpu {

namespace {
/// A block of rows that a tile of either family has found.
struct RowBlock {
  llvm::function_ref<Memory(Num)> row, scales; ///< by index; scales of codes alone
  Num first, count;                            ///< rows of the result
};
} // namespace

/// What both families do with a block of rows that was found.
template <typename OpT>
static void emitBlock(const KernelCode &kernel, OpT op, int64_t n, Num group, Num columnTile,
                      const RowBlock &rows, Num head) {
  Code &code = kernel.code;
  int64_t panels = kernel.field("panels"), width = kernel.field("nr");
  auto elementOf = [](Value value) {
    return cast<RankedTensorType>(value.getType()).getElementType();
  };
  Type rowType = elementOf(op.getA());
  DType weightType = *planir::dtypeOf(elementOf(op.getWeight()));
  plan::LayoutKind kind = plan::weightLayout(plan::Family::Gemm, code.variant, weightType,
                                             *planir::dtypeOf(rowType), op.getInPlace())
                              .kind;
  PanelWeight weight = PanelWeight::of(kernel, op.getWeight(), op.getScales(), op.getBlock(),
                                       static_cast<int64_t>(op.getParts()), width, group, kind);
  int64_t mTile = kernel.field("m_tile"), mr = kernel.field("mr"), kBlock = kernel.field("k_block");
  Memory scratch(code, kernel.scratch, code.f32()), accumulators;
  Num firstPanel = columnTile * panels;
  Num panelCount = code.min(code.integer(weight.panels) - firstPanel, code.integer(panels));
  if (kind == plan::LayoutKind::Dots) {
    plan::DotScratch places(code.variant, *planir::dtypeOf(rowType), weightType,
                            plan::paddedRows(mTile, mr), panels, weight.parts, kBlock, width);
    accumulators = scratch + places.accumulators;
    emitDotProduct(code, weight, {mTile, panels, mr, kBlock}, {rows.row, rows.scales, rowType},
                   rows.count, firstPanel, panelCount, scratch);
  } else {
    ProductTile tile{mTile,
                     panels,
                     mr,
                     kernel.field("flight"),
                     kBlock,
                     kernel.field("stream"),
                     kernel.field("stream_most")};
    plan::GemmScratch places({mTile, mr, tile.streamMost}, panels, weight.parts, kBlock, width,
                             weightType, weight.k);
    accumulators = scratch + places.accumulators;
    emitPanelProduct(code, weight, tile, rows.row, rows.count, firstPanel, panelCount, accumulators,
                     scratch + places.product);
  }
  std::optional<QuantiseStage> stage;
  if (op.getQuantiseGroup()) {
    stage = QuantiseStage::of(kernel, static_cast<int64_t>(*op.getQuantiseGroup()),
                              op.getDestination(), op.getScalesDestination());
  }
  emitPanelEpilogue(kernel, weight, op.getEpilogue(), op.getEpilogueInputs(), op.getAccess(), n,
                    accumulators, panels, rows.first, rows.count, head, group, firstPanel,
                    panelCount, kernel.rows(op.getDestination()), stage);
}

/// Columns of the result, and how many tiles share them.
template <typename OpT>
static std::pair<int64_t, int64_t> columnsAndTiles(const KernelCode &kernel, OpT op) {
  int64_t n = cast<RankedTensorType>(op.getResult().getType()).getShape().back();
  return {n, plan::ceilDiv(plan::ceilDiv(n, kernel.field("nr")), kernel.field("panels"))};
}

void emitGemm(const KernelCode &kernel, kern::GemmOp op, Num tile) {
  Code &code = kernel.code;
  auto [n, columnTiles] = columnsAndTiles(kernel, op);
  auto weightType = cast<RankedTensorType>(op.getWeight().getType());
  int64_t heads = weightType.getRank() == 3 ? weightType.getDimSize(0) : 1;
  int64_t mTile = kernel.field("m_tile");
  // Neighbouring tiles share their rows.
  Num head = tile / columnTiles % heads;
  Num firstRow = tile / (columnTiles * heads) * mTile;
  Num rowCount = code.min(kernel.rowCount(op.getResult()) - firstRow, code.integer(mTile));
  Rows a = kernel.rows(op.getA()), scales;
  if (op.getAScales()) {
    scales = kernel.rows(op.getAScales());
  }
  auto row = [&](Num i) { return a.row(firstRow + i, head); };
  auto scalesOfRow = [&](Num i) { return scales.row(firstRow + i); };
  emitBlock(kernel, op, n, head, tile % columnTiles, {row, scalesOfRow, firstRow, rowCount}, head);
}

void emitGroupedGemm(const KernelCode &kernel, kern::GroupedGemmOp op, Num tile) {
  Code &code = kernel.code;
  auto [n, columnTiles] = columnsAndTiles(kernel, op);
  int64_t experts = cast<RankedTensorType>(op.getWeight().getType()).getDimSize(0);
  int64_t mTile = kernel.field("m_tile");
  Memory offsets = kernel.memory(op.getOffsets());
  auto blocksOf = [&](Num e) {
    std::optional<uint64_t> capacity = op.getCapacity();
    Num begin = capacity ? e * static_cast<int64_t>(*capacity) : (offsets + e).integer();
    Num end = capacity ? begin + (offsets + e).integer() : (offsets + (e + 1)).integer();
    return std::tuple(begin, end, (end - begin + (mTile - 1)) / mTile);
  };
  // The grid holds the worst case. Tiles that have a block of an expert are spread over all, so
  // that stretches of the grid are about as much work.
  Var blocks = code.variable(code.integer(0));
  code.loop(code.integer(0), code.integer(experts), 1,
            [&](Num e) { blocks.set(blocks.get() + std::get<2>(blocksOf(e))); });
  Num all = kernel.tileCount(), used = blocks.get() * columnTiles;
  Num index = tile * used / all;
  Var expert = code.variable(code.integer(experts)), first = code.variable(code.integer(0));
  Var count = code.variable(code.integer(0));
  code.when(index < (tile + 1) * used / all, [&] {
    Num block = index / columnTiles;
    Var before = code.variable(code.integer(0)); // blocks of earlier experts
    code.loop(code.integer(0), code.integer(experts), 1, [&](Num e) {
      auto [begin, end, ofExpert] = blocksOf(e);
      Num within = block - before.get();
      code.when(!(within < 0) && within < ofExpert, [&] {
        Num firstRow = begin + within * mTile;
        expert.set(e);
        first.set(firstRow);
        count.set(code.min(end - firstRow, code.integer(mTile)));
      });
      before.set(before.get() + ofExpert);
    });
  });
  code.when(expert.get() < experts, [&] {
    Num firstRow = first.get();
    Rows a = kernel.rows(op.getA()), scales;
    if (op.getAScales()) {
      scales = kernel.rows(op.getAScales());
    }
    std::optional<Memory> rows;
    if (op.getRows()) {
      rows = kernel.memory(op.getRows());
    }
    auto source = [&](Num i) {
      Num entry = firstRow + i;
      return rows ? (*rows + entry).integer() : entry;
    };
    auto row = [&](Num i) { return a.row(source(i)); };
    auto scalesOfRow = [&](Num i) { return scales.row(source(i)); };
    emitBlock(kernel, op, n, expert.get(), index % columnTiles,
              {row, scalesOfRow, firstRow, count.get()}, code.integer(0));
  });
}

} // namespace dsv3::cpu
