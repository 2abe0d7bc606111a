//===- FuseExperts.cpp - what surrounds the grouped products --------------===//
#include "Grouping.h"

using namespace mlir;

namespace dsv3 {
#define GEN_PASS_DEF_FUSEEXPERTS
#include "dsv3/Transforms/Passes.h.inc"

namespace {
struct FuseExperts : impl::FuseExpertsBase<FuseExperts> {
  void runOnOperation() override {
    SmallVector<Operation *> work;
    getOperation().walk([&](Operation *op) {
      if (isFree(op) && isa<graph::GroupedLinearOp, graph::CombineOp>(op)) {
        work.push_back(op);
      }
    });
    for (Operation *op : work) {
      if (isa<graph::GroupedLinearOp>(op)) {
        fuseActivation(op);
      } else {
        fuseAdditions(op);
      }
    }
  }

  void fuseActivation(Operation *product) {
    auto options = remarkOptions("fuse-experts", product);
    auto active = dyn_cast_if_present<graph::SiluMulOp>(onlyUser(product));
    if (!active || !isFree(active)) {
      remark::missed(product->getLoc(), options) << "no activation that alone reads the product";
      return;
    }
    if (auto quantise = onlyQuantise(active, product, "fuse-experts");
        quantise && makeGroup("experts_gate_up_quantise", {product, active, quantise})) {
      remark::passed(product->getLoc(), options)
          << "gate, up, SiLU·mul and its codes in one launch";
      return;
    }
    makeGroup("experts_gate_up", {product, active}); // the activation alone reads the product
    remark::passed(product->getLoc(), options) << "gate, up and SiLU·mul in one launch";
  }

  void fuseAdditions(Operation *combine) {
    SmallVector<Operation *> ops{combine};
    while (auto add = dyn_cast_if_present<graph::AddOp>(onlyUser(ops.back()))) {
      if (!isFree(add) || add.getLhs() == add.getRhs()) {
        break;
      }
      ops.push_back(add);
    }
    makeGroup("combine", ops); // a chain of only users: nothing reads it before its end
    if (ops.size() == 1) {
      remark::missed(combine->getLoc(), remarkOptions("fuse-experts", combine))
          << "no addition that alone reads the weighted sum";
      return;
    }
    remark::passed(combine->getLoc(), remarkOptions("fuse-experts", combine))
        << sentence("weighted sum of the experts with {0} additions in one launch", ops.size() - 1);
  }
};
} // namespace
} // namespace dsv3
