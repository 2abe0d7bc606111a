//===- RowwiseCore.cpp - additions and norms as kern.rowwise --------------===//
#include "CoreBuilder.h"

using namespace mlir;

namespace dsv3 {

/// mean of squares: contribution x², finish 1 / sqrt(r / n + eps).
static void fillReduction(CoreBuilder &core, ScalarBuilder &scalars, kern::RowwiseOp rowwise) {
  graph::RmsNormOp norm = scalars.norm();
  OpBuilder builder(core.definition.getContext());
  Location loc = core.loc;
  Block &contribution = rowwise.getContribution().emplaceBlock();
  scalars.addArguments(contribution);
  builder.setInsertionPointToEnd(&contribution);
  Value x = scalars.emit(builder, norm.getX(), Value(), {}, Value());
  kern::YieldOp::create(builder, loc, Value(arith::MulFOp::create(builder, loc, x, x)));

  Block &finish = rowwise.getFinish().emplaceBlock();
  Value sum = finish.addArgument(builder.getF32Type(), loc);
  builder.setInsertionPointToEnd(&finish);
  int64_t n = cast<RankedTensorType>(norm.getX().getType()).getShape().back();
  auto constant = [&](double value) -> Value {
    return arith::ConstantOp::create(builder, loc,
                                     builder.getF32FloatAttr(static_cast<float>(value)));
  };
  Value mean = arith::DivFOp::create(builder, loc, sum, constant(static_cast<double>(n)));
  Value safe = arith::AddFOp::create(builder, loc, mean, constant(norm.getEps().convertToDouble()));
  kern::YieldOp::create(builder, loc, Value(math::RsqrtOp::create(builder, loc, safe)));
}

CoreResults buildRowwise(CoreBuilder &core) {
  ScalarBuilder scalars(core);
  SmallVector<Value> computed = core.computed();
  for (Value value : computed) {
    if (failed(scalars.discover(value, Value()))) {
      return failure();
    }
  }
  SmallVector<Value> destinations(core.definition.getDestinations());
  bool reduces = scalars.norm() != nullptr;
  auto reduction = kern::ReductionAttr::get(core.builder.getContext(),
                                            reduces ? kern::Reduction::Add : kern::Reduction::None);
  auto rowwise =
      kern::RowwiseOp::create(core.builder, core.loc, core.yielded().getTypes(), scalars.inputs(),
                              core.builder.getDenseI32ArrayAttr(scalars.access()), destinations,
                              reduction, core.stageGroup(), core.stageUe8m0());
  if (reduces) {
    fillReduction(core, scalars, rowwise);
  }
  Block &apply = rowwise.getApply().emplaceBlock();
  scalars.addArguments(apply);
  Value scale;
  if (reduces) {
    scale = apply.addArgument(core.builder.getF32Type(), core.loc);
  }
  OpBuilder builder(core.definition.getContext());
  builder.setInsertionPointToEnd(&apply);
  SmallVector<Value> results;
  for (Value value : computed) {
    Value scalar = scalars.emit(builder, value, Value(), {}, scale);
    results.push_back(
        scalars.element(builder, scalar, cast<RankedTensorType>(value.getType()).getElementType()));
  }
  kern::YieldOp::create(builder, core.loc, results);
  return SmallVector<Value>(rowwise.getResults());
}

} // namespace dsv3
