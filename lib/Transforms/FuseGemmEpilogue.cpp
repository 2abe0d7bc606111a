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
      fuse(linear);
    }
  }

  void fuse(graph::LinearOp linear) {
    auto options = remarkOptions("fuse-gemm-epilogue", linear);
    Operation *user = onlyUser(linear);
    bool adds = isa_and_present<graph::AddOp>(user);
    if (!user || !isFree(user) || !(adds || isa<graph::SiluMulOp>(user))) {
      remark::missed(linear.getLoc(), options) << "no elementwise op that alone reads the product";
      return;
    }
    if (auto quantise = adds ? graph::QuantiseOp() : onlyQuantise(user);
        quantise && makeGroup("gate_up_quantise", {linear, user, quantise})) {
      remark::passed(linear.getLoc(), options) << "SiLU·mul and its codes in the epilogue";
      return;
    }
    makeGroup(adds ? "linear_add" : "gate_up", {linear, user}); // the user alone reads it
    remark::passed(linear.getLoc(), options)
        << (adds ? "residual addition in the epilogue" : "SiLU·mul in the epilogue");
  }
};
} // namespace
} // namespace dsv3
