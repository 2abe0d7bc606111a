//===- FuseResidualNorm.cpp - a residual addition with its norm -----------===//
#include "Grouping.h"

using namespace mlir;

namespace dsv3 {
#define GEN_PASS_DEF_FUSERESIDUALNORM
#include "dsv3/Transforms/Passes.h.inc"

namespace {
struct FuseResidualNorm : impl::FuseResidualNormBase<FuseResidualNorm> {
  void runOnOperation() override {
    SmallVector<graph::RmsNormOp> work;
    getOperation().walk([&](graph::RmsNormOp op) {
      if (isFree(op)) {
        work.push_back(op);
      }
    });
    for (graph::RmsNormOp norm : work) {
      fuse(norm);
    }
  }

  void fuse(graph::RmsNormOp norm) {
    auto options = remarkOptions("fuse-residual-norm", norm);
    auto add = norm.getX().getDefiningOp<graph::AddOp>();
    if (add && !isFree(add)) {
      add = nullptr;
    }
    graph::QuantiseOp quantise = freeQuantise(norm.getResult());
    if (add && quantise && makeGroup("residual_norm_quantise", {add, norm, quantise})) {
      remark::passed(norm.getLoc(), options)
          << "residual addition, norm and its codes in one launch";
    } else if (add && makeGroup("residual_norm", {add, norm})) {
      remark::passed(norm.getLoc(), options) << "residual addition and norm in one launch";
    } else if (quantise && makeGroup("norm_quantise", {norm, quantise})) {
      remark::passed(norm.getLoc(), options) << "norm and its codes in one launch";
    } else {
      remark::missed(norm.getLoc(), options)
          << "no residual addition right before the norm, no quantisation right after it";
    }
  }
};
} // namespace
} // namespace dsv3
