//===- ObserveInputs.cpp - what weights are multiplied with ---------------===//
#include "Common.h"
#include "dsv3/Plan/Names.h"

using namespace mlir;

namespace dsv3 {
#define GEN_PASS_DEF_OBSERVEINPUTS
#include "dsv3/Transforms/Passes.h.inc"

namespace {
struct ObserveInputs : impl::ObserveInputsBase<ObserveInputs> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function->hasAttr(graph::layersAttrName)) {
        observeIn(function);
      }
    }
  }

  void observeIn(func::FuncOp layer) {
    layer.walk([&](Operation *op) {
      if (auto linear = dyn_cast<graph::LinearOp>(op)) {
        if (llvm::none_of(op->getUsers(), llvm::IsaPred<graph::RouterOp>)) {
          observe(op, linear.getX(), linear.getWeight(), plan::observedInput);
        }
      } else if (auto grouped = dyn_cast<graph::GroupedLinearOp>(op)) {
        observe(op, grouped.getX(), grouped.getWeight(),
                grouped.getRows() ? plan::observedInput : plan::observedEntries);
      }
    });
  }

  void observe(Operation *product, Value x, Value weight, StringRef prefix) {
    auto read = weight.getDefiningOp<graph::WeightOp>();
    if (!read) {
      return;
    }
    // The verifier of dsv3.weight knows that there is one.
    auto parameter = getOperation().lookupSymbol<graph::ParameterOp>(read.getParameter());
    // A view is no value of its own once kernels are made.
    if (auto heads = x.getDefiningOp<graph::MergeHeadsOp>()) {
      x = heads.getX();
    }
    OpBuilder builder(product);
    for (auto segment : parameter.getSegments().getAsRange<graph::SegmentAttr>()) {
      graph::ObserveOp::create(builder, product->getLoc(),
                               (prefix + segment.getKey().getValue()).str(), x, IntegerAttr());
    }
    remark::passed(product->getLoc(), remarkOptions("observe-inputs", product))
        << sentence("what @{0} is multiplied with", parameter.getSymName());
  }
};
} // namespace
} // namespace dsv3
