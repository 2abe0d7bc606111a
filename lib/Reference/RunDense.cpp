//===- RunDense.cpp - norms, products and elementwise ops -----------------===//
#include "Frame.h"

#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;

namespace dsv3::reference {

static Tensor sum(const Tensor &lhs, const Tensor &rhs) {
  Tensor result(lhs.shape());
  for (int64_t i = 0; i < lhs.size(); ++i) {
    result[i] = lhs[i] + rhs[i];
  }
  return result;
}

/// A copy: define rounds in place, and tensors share their elements.
static Tensor copyOf(const Tensor &x) {
  Tensor result(x.shape());
  std::copy(x.data(), x.data() + x.size(), result.data());
  return result;
}

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
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
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
                 product(context(), x,
                         expanded(linear.getWeight(), linear.getScales(), linear.getBlock())));
          return success();
        }
        define(linear.getResult(),
               product(context(), get(linear.getX()),
                       expanded(linear.getWeight(), linear.getScales(), linear.getBlock())));
        return success();
      })
      .Case([&](graph::LmHeadOp head) {
        define(head.getResult(), product(context(), get(head.getX()), get(head.getWeight())));
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
      .Default([&](Operation *) {
        known = false;
        return failure();
      });
}

} // namespace dsv3::reference
