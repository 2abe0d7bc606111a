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

  /// A dsv3.cast in no group that reads the norm, or null.
  static graph::CastOp freeCast(graph::RmsNormOp norm) {
    for (Operation *user : norm.getResult().getUsers()) {
      if (auto cast = dyn_cast<graph::CastOp>(user); cast && isFree(cast)) {
        return cast;
      }
    }
    return nullptr;
  }

  void fuse(graph::RmsNormOp norm) {
    auto options = remarkOptions("fuse-residual-norm", norm);
    auto add = norm.getX().getDefiningOp<graph::AddOp>();
    if (add && !isFree(add)) {
      add = nullptr;
    }
    Operation *rounding = freeQuantise(norm.getResult());
    StringRef kind = "_quantise", made = "its codes";
    if (graph::CastOp cast = rounding ? graph::CastOp() : freeCast(norm)) {
      cast->moveAfter(norm); // what else reads the norm may stand before the cast
      rounding = cast;
      kind = "_cast", made = "its cast";
    }
    if (add && rounding && makeGroup(("residual_norm" + kind).str(), {add, norm, rounding})) {
      remark::passed(norm.getLoc(), options)
          << sentence("residual addition, norm and {0} in one launch", made);
    } else if (add && makeGroup("residual_norm", {add, norm})) {
      remark::passed(norm.getLoc(), options) << "residual addition and norm in one launch";
    } else if (rounding && makeGroup(("norm" + kind).str(), {norm, rounding})) {
      remark::passed(norm.getLoc(), options) << sentence("norm and {0} in one launch", made);
    } else {
      remark::missed(norm.getLoc(), options)
          << "no residual addition right before the norm, neither codes nor a cast right after it";
    }
  }
};
} // namespace
} // namespace dsv3
