//===- FuseGemmEpilogue.cpp - products with what reads them ---------------===//
#include "Grouping.h"

using namespace mlir;

namespace dsv3 {
#define GEN_PASS_DEF_FUSEGEMMEPILOGUE
#include "dsv3/Transforms/Passes.h.inc"

namespace {
struct FuseGemmEpilogue : impl::FuseGemmEpilogueBase<FuseGemmEpilogue> {
  void runOnOperation() override {
    SmallVector<graph::LinearOp> work;
    getOperation().walk([&](graph::LinearOp op) {
      if (isFree(op)) {
        work.push_back(op);
      }
    });
    for (graph::LinearOp linear : work) {
      Operation *user = onlyUser(linear);
      bool fits = user && isFree(user) && isa<graph::SiluMulOp, graph::AddOp>(user);
      if (!fits || !makeGroup(isa<graph::AddOp>(user) ? "linear_add" : "gate_up", {linear, user})) {
        remark::missed(linear.getLoc(), remarkOptions("fuse-gemm-epilogue", linear))
            << "no elementwise op that alone reads the product";
        continue;
      }
      remark::passed(linear.getLoc(), remarkOptions("fuse-gemm-epilogue", linear))
          << (isa<graph::AddOp>(user) ? "residual addition in the epilogue"
                                      : "SiLU·mul in the epilogue");
    }
  }
};
} // namespace
} // namespace dsv3
