//===- RunDense.cpp - norms, products and elementwise ops -----------------===//
#include "Frame.h"

#include "llvm/ADT/TypeSwitch.h"

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

LogicalResult Frame::runDense(Operation &op, bool &known) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
      .Case([&](graph::RmsNormOp norm) {
        define(norm.getResult(),
               rmsNorm(get(norm.getX()), get(norm.getWeight()), norm.getEps().convertToDouble()));
        return success();
      })
      .Case([&](graph::LinearOp linear) {
        define(linear.getResult(),
               product(context(),
                       activations(linear.getX(), linear.getXScales(), linear.getBlock()),
                       expanded(linear.getWeight(), linear.getScales(), linear.getBlock())));
        return success();
      })
      .Case([&](graph::LmHeadOp head) {
        define(head.getResult(),
               product(context(), get(head.getX()),
                       expanded(head.getWeight(), head.getScales(), head.getBlock())));
        return success();
      })
      .Case([&](graph::QuantiseOp quantised) {
        defineQuantised(quantised.getCodes(), quantised.getScales(), get(quantised.getX()),
                        static_cast<int64_t>(quantised.getGroup()), quantised.getUe8m0());
        return success();
      })
      .Case([&](graph::DequantiseOp weight) {
        // Under f32 code × scale is rounded once; to a narrower type it must be, too.
        define(weight.getResult(),
               copyOf(expanded(weight.getWeight(), weight.getScales(), weight.getBlock())));
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
