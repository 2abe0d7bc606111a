//===- RunRows.cpp - ops that move rows and columns -----------------------===//
#include "Frame.h"

#include "dsv3/Support/Sampling.h"

#include "llvm/ADT/TypeSwitch.h"

#include <array>
#include <bit>

using namespace mlir;

namespace dsv3::reference {

/// Rows `which` of `table`; nullopt if one is not there.
static std::optional<Tensor> rowsOf(const Tensor &table, const Tensor &which) {
  Tensor result({which.size(), table.columns()});
  for (int64_t i = 0; i < which.size(); ++i) {
    if (!(which[i] >= 0 && which[i] < static_cast<double>(table.rows()))) {
      return std::nullopt;
    }
    const double *from = table.row(static_cast<int64_t>(which[i]));
    std::copy(from, from + table.columns(), result.row(i));
  }
  return result;
}

/// Columns [offset, offset + size) of the last dimension.
static Tensor slice(const Tensor &x, int64_t offset, int64_t size) {
  std::vector<int64_t> shape = x.shape();
  int64_t width = shape.back();
  shape.back() = size;
  Tensor result(shape);
  for (int64_t i = 0; i < x.size() / width; ++i) {
    const double *from = x.data() + i * width + offset;
    std::copy(from, from + size, result.data() + i * size);
  }
  return result;
}

static Tensor concat(const Tensor &lhs, const Tensor &rhs) {
  Tensor result({lhs.rows(), lhs.columns() + rhs.columns()});
  for (int64_t t = 0; t < lhs.rows(); ++t) {
    double *to = std::copy(lhs.row(t), lhs.row(t) + lhs.columns(), result.row(t));
    std::copy(rhs.row(t), rhs.row(t) + rhs.columns(), to);
  }
  return result;
}

static Tensor sampled(const Tensor &x, const Tensor &rows) {
  Tensor ids({x.rows()});
  for (int64_t t = 0; t < x.rows(); ++t) {
    std::vector<float> logits(x.row(t), x.row(t) + x.columns());
    std::array<int32_t, samplingWords> words;
    std::transform(rows.row(t), rows.row(t) + samplingWords, words.begin(),
                   [](double word) { return static_cast<int32_t>(word); });
    ids[t] = sample(logits, std::bit_cast<SamplingRow>(words));
  }
  return ids;
}

LogicalResult Frame::runRows(Operation &op, bool &known) {
  auto outOfRange = [&] {
    return op.emitError("an index is out of range of the table that it reads");
  };
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
      .Case([&](graph::EmbeddingOp embedding) -> LogicalResult {
        std::optional<Tensor> rows = rowsOf(get(embedding.getTable()), get(embedding.getIds()));
        if (!rows) {
          return outOfRange();
        }
        define(embedding.getResult(), *rows);
        return success();
      })
      .Case([&](graph::GatherRowsOp gather) -> LogicalResult {
        std::optional<Tensor> rows = rowsOf(get(gather.getX()), get(gather.getRows()));
        if (!rows) {
          return outOfRange();
        }
        define(gather.getResult(), *rows);
        return success();
      })
      .Case([&](kern::GatherOp gather) -> LogicalResult {
        std::optional<Tensor> rows = rowsOf(get(gather.getTable()), get(gather.getIds()));
        if (!rows) {
          return outOfRange();
        }
        define(gather.getResult(), *rows);
        return success();
      })
      .Case<graph::SampleOp, kern::SampleOp>([&](auto op) {
        bind(op.getResult(), sampled(get(op.getX()), get(op.getRows())));
        return success();
      })
      .Case([&](graph::SliceOp op) {
        bind(op.getResult(), slice(get(op.getX()), static_cast<int64_t>(op.getOffset()),
                                   static_cast<int64_t>(op.getSize())));
        return success();
      })
      .Case([&](graph::ConcatOp op) {
        bind(op.getResult(), concat(get(op.getLhs()), get(op.getRhs())));
        return success();
      })
      .Case([&](kern::ConcatOp op) {
        bind(op.getResult(), concat(get(op.getLhs()), get(op.getRhs())));
        return success();
      })
      .Case([&](graph::SplitHeadsOp op) {
        const Tensor &x = get(op.getX());
        auto heads = static_cast<int64_t>(op.getHeads());
        bind(op.getResult(), x.reshaped({x.rows(), heads, x.columns() / heads}));
        return success();
      })
      .Case([&](graph::MergeHeadsOp op) {
        const Tensor &x = get(op.getX());
        bind(op.getResult(), x.reshaped({x.rows(), x.columns()}));
        return success();
      })
      .Default([&](Operation *) {
        known = false;
        return failure();
      });
}

} // namespace dsv3::reference
