//===- Rowwise.cpp - families whose rows are independent of each other ----===//
//
// rowwise, gather, concat, combine: plain loops over the columns of a row.
//
//===----------------------------------------------------------------------===//
#include "Quantise.h"

#include "dsv3/Plan/Layout.h"

using namespace mlir;

namespace dsv3::cpu {

static int64_t columnsOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape().back();
}

namespace {
/// One row of a rowwise op.
struct RowCode {
  const KernelCode &kernel;
  kern::RowwiseOp op;
  Num t;
  std::optional<Num> reduced = std::nullopt;

  SmallVector<Num> inputs(Num column, int64_t width) {
    Num zero = kernel.code.integer(0);
    SmallVector<Num> arguments;
    appendRegionInputs(kernel, op.getInputs(), op.getAccess(), {t, zero, zero, column, width},
                       arguments);
    return arguments;
  }
  void reduce(int64_t n);
  /// Stores the columns' results; of a stage `quantise` returns what it reads.
  Num apply(Num column, int64_t width);
  void applyStage(int64_t n);
};
} // namespace

void RowCode::reduce(int64_t n) {
  Code &code = kernel.code;
  Var total = code.variable(code.number(0.0));
  Var lanes = code.variable(code.splat(code.number(0.0), code.lanes()));
  code.columns(n, [&](Num column, int64_t width) {
    Num one = emitScalars(code, op.getContribution(), inputs(column, width), width)[0];
    if (width == code.lanes()) {
      lanes.set(lanes.get() + one);
    } else {
      total.set(code.sumOf(one));
    }
  });
  Num sum = total.get() + code.sumOf(lanes.get());
  reduced = emitScalars(code, op.getFinish(), {sum}, 1)[0];
}

Num RowCode::apply(Num column, int64_t width) {
  SmallVector<Num> arguments = inputs(column, width);
  if (reduced) {
    arguments.push_back(*reduced);
  }
  SmallVector<Num> results = emitScalars(kernel.code, op.getApply(), arguments, width);
  ValueRange stored = op.getDestinations().drop_back(op.getQuantiseGroup() ? 2 : 0);
  for (auto [destination, result] : llvm::zip(stored, results)) {
    (kernel.rows(destination).row(t) + column).store(result);
  }
  return results.back();
}

void RowCode::applyStage(int64_t n) {
  Code &code = kernel.code;
  auto destinations = op.getDestinations();
  auto stage = QuantiseStage::of(kernel, static_cast<int64_t>(*op.getQuantiseGroup()),
                                 destinations.drop_back().back(), destinations.back());
  auto group = [&](Num begin, int64_t count) {
    SmallVector<Num> values;
    forVectors(code, count,
               [&](int64_t at, int64_t width) { values.push_back(apply(begin + at, width)); });
    stage.store(code, t, begin, values);
  };
  int64_t whole = n / stage.group * stage.group;
  code.loop(code.integer(0), code.integer(whole), stage.group,
            [&](Num i) { group(i, stage.group); });
  if (n > whole) {
    group(code.integer(whole), n - whole);
  }
}

void emitRowwise(const KernelCode &kernel, kern::RowwiseOp op, Num tile) {
  int64_t n = columnsOf(op.getOutputs().front());
  kernel.forRows(op.getOutputs().front(), tile, [&](Num t) {
    RowCode row{kernel, op, t};
    if (op.getReduction() != kern::Reduction::None) {
      row.reduce(n);
    }
    if (op.getQuantiseGroup()) {
      row.applyStage(n);
    } else {
      kernel.code.columns(n, [&](Num column, int64_t width) { row.apply(column, width); });
    }
  });
}

void emitGather(const KernelCode &kernel, kern::GatherOp op, Num tile) {
  Code &code = kernel.code;
  Rows table = kernel.rows(op.getTable()), out = kernel.rows(op.getDestination());
  Memory ids = kernel.memory(op.getIds());
  Num limit = kernel.rowCount(op.getTable());
  kernel.forRows(op.getResult(), tile, [&](Num o) {
    Num id = (ids + o).integer();
    kernel.checked(id, limit, [&] {
      Memory from = table.row(id), to = out.row(o);
      code.columns(out.columns,
                   [&](Num i, int64_t width) { (to + i).store((from + i).floats(width)); });
    });
  });
}

void emitConcat(const KernelCode &kernel, kern::ConcatOp op, Num tile) {
  Code &code = kernel.code;
  Rows out = kernel.rows(op.getDestination());
  kernel.forRows(op.getResult(), tile, [&](Num t) {
    Memory to = out.row(t);
    for (Value side : {op.getLhs(), op.getRhs()}) {
      Rows rows = kernel.rows(side);
      Memory from = rows.row(t);
      code.columns(rows.columns,
                   [&](Num i, int64_t width) { (to + i).store((from + i).floats(width)); });
      to = to + rows.columns;
    }
  });
}

void emitCombine(const KernelCode &kernel, kern::CombineOp op, Num tile) {
  Code &code = kernel.code;
  int64_t n = columnsOf(op.getResult()), k = columnsOf(op.getSlots());
  int64_t columns = kernel.field("columns"), blocks = plan::ceilDiv(n, columns);
  Rows x = kernel.rows(op.getX()), out = kernel.rows(op.getDestination());
  Memory slots = kernel.memory(op.getSlots()), weights = kernel.memory(op.getWeights());
  Num zero = code.integer(0), t = tile / blocks;
  auto chunk = [&](Num column, int64_t width) {
    Var sum = code.variable(code.zeros(width));
    code.loop(zero, code.integer(k), 1, [&](Num j) {
      Num entry = (slots + (t * k + j)).integer();
      Num weight = code.splat((weights + (t * k + j)).floats(1), width);
      sum.set(code.fma(weight, (x.row(entry) + column).floats(width), sum.get()));
    });
    SmallVector<Num> arguments{sum.get()};
    appendRegionInputs(kernel, op.getEpilogueInputs(), op.getAccess(),
                       {t, zero, zero, column, width}, arguments);
    (out.row(t) + column).store(emitScalars(code, op.getEpilogue(), arguments, width)[0]);
  };
  Num first = tile % blocks * columns;
  if (n % columns == 0) {
    code.columns(columns, [&](Num i, int64_t width) { chunk(first + i, width); });
    return;
  }
  // The last block is shorter.
  code.when(
      tile % blocks == blocks - 1,
      [&] { code.columns(n % columns, [&](Num i, int64_t width) { chunk(first + i, width); }); },
      [&] { code.columns(columns, [&](Num i, int64_t width) { chunk(first + i, width); }); });
}

} // namespace dsv3::cpu
