//===- FuseGemmEpilogue.cpp - products with what reads them ---------------===//
#include "Grouping.h"

using namespace mlir;

namespace dsv3 {
#define GEN_PASS_DEF_FUSEGEMMEPILOGUE
#include "dsv3/Transforms/Passes.h.inc"

namespace {
struct FuseGemmEpilogue : impl::FuseGemmEpilogueBase<FuseGemmEpilogue> {
  void runOnOperation() override {
    SmallVector<Operation *> work;
    getOperation().walk([&](Operation *op) {
      if (isFree(op) && isa<graph::LinearOp, graph::HeadLinearOp>(op)) {
        work.push_back(op);
      }
    });
    for (Operation *op : work) {
      if (auto linear = dyn_cast<graph::LinearOp>(op)) {
        fuse(linear);
      } else {
        fuseCodes(cast<graph::HeadLinearOp>(op));
      }
    }
  }

  /// FP8 codes of heads that are merged to the rows of the next product, if each has whole groups.
  void fuseCodes(graph::HeadLinearOp product) {
    auto merge = dyn_cast_if_present<graph::MergeHeadsOp>(onlyUser(product));
    auto quantise = merge && isFree(merge) ? onlyQuantise(merge, product, "fuse-gemm-epilogue")
                                           : graph::QuantiseOp();
    if (!quantise || !makesFp8(quantise)) {
      return;
    }
    auto options = remarkOptions("fuse-gemm-epilogue", product);
    int64_t columns = cast<RankedTensorType>(product.getResult().getType()).getDimSize(2);
    if (columns % static_cast<int64_t>(quantise.getGroup()) != 0) {
      remark::missed(product.getLoc(), options) << sentence(
          "the {0} columns of a head are no whole groups of {1}", columns, quantise.getGroup());
      return;
    }
    if (makeGroup("head_linear_quantise", {product, merge, quantise})) {
      remark::passed(product.getLoc(), options) << "the codes of the heads in the epilogue";
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
    if (auto quantise =
            adds ? graph::QuantiseOp() : onlyQuantise(user, linear, "fuse-gemm-epilogue");
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
