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
      auto add = norm.getX().getDefiningOp<graph::AddOp>();
      if (!add || !isFree(add) || !makeGroup("residual_norm", {add, norm})) {
        remark::missed(norm.getLoc(), remarkOptions("fuse-residual-norm", norm))
            << "no residual addition right before the norm";
        continue;
      }
      remark::passed(norm.getLoc(), remarkOptions("fuse-residual-norm", norm))
          << "residual addition and norm in one launch";
    }
  }
};
} // namespace
} // namespace dsv3
