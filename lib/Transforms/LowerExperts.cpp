//===- LowerExperts.cpp - experts as dispatch, products and combine -------===//
#include "Common.h"

using namespace mlir;

namespace dsv3 {
#define GEN_PASS_DEF_LOWEREXPERTS
#include "dsv3/Transforms/Passes.h.inc"

namespace {
struct LowerExperts : impl::LowerExpertsBase<LowerExperts> {
  void runOnOperation() override {
    SmallVector<graph::ExpertsOp> work;
    getOperation().walk([&](graph::ExpertsOp op) { work.push_back(op); });
    for (graph::ExpertsOp op : work) {
      OpBuilder builder(op);
      Location loc = op.getLoc();
      auto gateUp = cast<RankedTensorType>(op.getGateUp().getType());
      auto down = cast<RankedTensorType>(op.getDown().getType());
      auto chosen = cast<RankedTensorType>(op.getExperts().getType());
      Type element = cast<RankedTensorType>(op.getX().getType()).getElementType();
      int64_t experts = gateUp.getDimSize(0);
      graph::Extent entries = graph::scaled(graph::extentOf(chosen, 0), chosen.getDimSize(1));
      auto dispatch = graph::DispatchOp::create(builder, loc, op.getExperts(), experts);
      Value hidden = graph::GroupedLinearOp::create(
          builder, loc, graph::tensorOf({entries, gateUp.getDimSize(1)}, element), op.getX(),
          Value(), dispatch.getOffsets(), dispatch.getRows(), op.getGateUp(), op.getGateUpScales(),
          op.getGateUpBlockAttr());
      Value active = graph::SiluMulOp::create(builder, loc, hidden);
      Value out = graph::GroupedLinearOp::create(
          builder, loc, graph::tensorOf({entries, down.getDimSize(1)}, element), active, Value(),
          dispatch.getOffsets(), Value(), op.getDown(), op.getDownScales(), op.getDownBlockAttr());
      Value result =
          graph::CombineOp::create(builder, loc, out, dispatch.getSlots(), op.getWeights());
      remark::passed(loc, remarkOptions("lower-experts", op))
          << sentence("{0} experts as two grouped products", experts);
      op.getResult().replaceAllUsesWith(result);
      op.erase();
    }
  }
};
} // namespace
} // namespace dsv3
