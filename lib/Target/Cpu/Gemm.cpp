//===- Gemm.cpp - gemm and grouped_gemm -----------------------------------===//
#include "PanelProduct.h"

#include "dsv3/Plan/Scratch.h"

using namespace mlir;

namespace dsv3::cpu {

/// What both families do with a block of rows that was found.
template <typename OpT>
static void emitBlock(const KernelCode &kernel, OpT op, int64_t n, Num group, Num columnTile,
                      llvm::function_ref<Memory(Num)> row, Num firstRow, Num rowCount, Num head) {
  Code &code = kernel.code;
  int64_t panels = kernel.field("panels"), width = kernel.field("nr");
  PanelWeight weight = PanelWeight::of(kernel, op.getWeight(), op.getScales(), op.getBlock(),
                                       static_cast<int64_t>(op.getParts()), width, group);
  ProductTile tile{kernel.field("m_tile"),     panels,
                   kernel.field("mr"),         kernel.field("flight"),
                   kernel.field("k_block"),    kernel.field("stream"),
                   kernel.field("stream_most")};
  plan::GemmScratch places(plan::paddedRows(tile.rows, tile.mr), panels, weight.parts, tile.kBlock,
                           width);
  Memory scratch(code, kernel.scratch, code.f32());
  Memory accumulators = scratch + places.accumulators;
  Num firstPanel = columnTile * panels;
  Num panelCount = code.min(code.integer(weight.panels) - firstPanel, code.integer(panels));
  emitPanelProduct(code, weight, tile, row, rowCount, firstPanel, panelCount, accumulators,
                   scratch + places.product);
  emitPanelEpilogue(kernel, weight, op.getEpilogue(), op.getEpilogueInputs(), op.getAccess(), n,
                    accumulators, panels, firstRow, rowCount, head, group, firstPanel, panelCount,
                    kernel.rows(op.getDestination()));
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
  Rows a = kernel.rows(op.getA());
  emitBlock(
      kernel, op, n, head, tile % columnTiles, [&](Num i) { return a.row(firstRow + i, head); },
      firstRow, rowCount, head);
}

void emitGroupedGemm(const KernelCode &kernel, kern::GroupedGemmOp op, Num tile) {
  Code &code = kernel.code;
  auto [n, columnTiles] = columnsAndTiles(kernel, op);
  int64_t experts = cast<RankedTensorType>(op.getWeight().getType()).getDimSize(0);
  int64_t mTile = kernel.field("m_tile");
  Memory offsets = kernel.memory(op.getOffsets());
  // The grid holds the worst case; block b belongs to the expert in whose blocks it
  // falls, or to none.
  Num block = tile / columnTiles;
  Var before = code.variable(code.integer(0)); // blocks of earlier experts
  Var expert = code.variable(code.integer(experts)), first = code.variable(code.integer(0));
  Var count = code.variable(code.integer(0));
  code.loop(code.integer(0), code.integer(experts), 1, [&](Num e) {
    Num begin = (offsets + e).integer(), end = (offsets + (e + 1)).integer();
    Num blocks = (end - begin + (mTile - 1)) / mTile;
    Num within = block - before.get();
    code.when(!(within < 0) && within < blocks, [&] {
      expert.set(e);
      first.set(begin + within * mTile);
      count.set(code.min(end - begin - within * mTile, code.integer(mTile)));
    });
    before.set(before.get() + blocks);
  });
  code.when(expert.get() < experts, [&] {
    Num firstRow = first.get();
    Rows a = kernel.rows(op.getA());
    std::optional<Memory> rows;
    if (op.getRows()) {
      rows = kernel.memory(op.getRows());
    }
    auto row = [&](Num i) {
      Num entry = firstRow + i;
      return a.row(rows ? (*rows + entry).integer() : entry);
    };
    emitBlock(kernel, op, n, expert.get(), tile % columnTiles, row, firstRow, count.get(),
              code.integer(0));
  });
}

} // namespace dsv3::cpu
