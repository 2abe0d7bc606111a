//===- RunDense.cpp - dsv3 ops on rows ------------------------------------===//
#include "Frame.h"

#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

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

static Tensor sum(const Tensor &lhs, const Tensor &rhs) {
  Tensor result(lhs.shape());
  for (int64_t i = 0; i < lhs.size(); ++i) {
    result[i] = lhs[i] + rhs[i];
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

/// A copy: define rounds in place, and tensors share their elements.
static Tensor copyOf(const Tensor &x) { return slice(x, 0, x.shape().back()); }

static std::pair<Tensor, Tensor> quantise(const Tensor &x, int64_t group, bool ue8m0) {
  int64_t n = x.columns(), groups = (n + group - 1) / group;
  Tensor codes(x.shape()), scales({x.rows(), groups});
  for (int64_t t = 0; t < x.rows(); ++t) {
    for (int64_t g = 0; g < groups; ++g) {
      double largest = 1e-4;
      for (int64_t i = g * group; i < std::min(n, (g + 1) * group); ++i) {
        largest = std::max(largest, std::fabs(x.row(t)[i]));
      }
      auto scale = static_cast<float>(largest) / 448.0F;
      if (ue8m0) {
        scale = std::exp2(std::ceil(std::log2(scale)));
      }
      scales[t * groups + g] = scale;
      for (int64_t i = g * group; i < std::min(n, (g + 1) * group); ++i) {
        codes[t * n + i] = static_cast<float>(x.row(t)[i]) / scale;
      }
    }
  }
  return {codes, scales};
}

LogicalResult Frame::runDense(Operation &op, bool &known) {
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
      .Case([&](graph::RmsNormOp norm) {
        define(norm.getResult(),
               rmsNorm(get(norm.getX()), get(norm.getWeight()), norm.getEps().convertToDouble()));
        return success();
      })
      .Case([&](graph::LinearOp linear) -> LogicalResult {
        if (linear.getXScales()) {
          Tensor x = expandWeight(
              {&get(linear.getX()), &get(linear.getXScales()), 1, (*linear.getBlock())[1]},
              machine.precision);
          define(linear.getResult(),
                 product(x, expanded(linear.getWeight(), linear.getScales(), linear.getBlock())));
          return success();
        }
        define(linear.getResult(),
               product(get(linear.getX()),
                       expanded(linear.getWeight(), linear.getScales(), linear.getBlock())));
        return success();
      })
      .Case([&](graph::LmHeadOp head) {
        define(head.getResult(), product(get(head.getX()), get(head.getWeight())));
        return success();
      })
      .Case([&](graph::QuantiseOp quantised) {
        auto [codes, scales] =
            quantise(get(quantised.getX()), static_cast<int64_t>(quantised.getGroup()),
                     quantised.getUe8m0());
        define(quantised.getCodes(), codes);
        define(quantised.getScales(), scales);
        return success();
      })
      .Case([&](graph::AddOp add) {
        define(add.getResult(), sum(get(add.getLhs()), get(add.getRhs())));
        return success();
      })
      .Case([&](graph::SiluMulOp silu) {
        define(silu.getResult(), siluMul(get(silu.getGateUp())));
        return success();
      })
      .Case([&](graph::CastOp cast) {
        define(cast.getResult(), copyOf(get(cast.getX())));
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
