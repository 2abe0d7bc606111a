//===- ScalarBuilder.cpp - elementwise dsv3 ops as scalar regions ---------===//
#include "CoreBuilder.h"

using namespace mlir;

namespace dsv3 {

LogicalResult ScalarBuilder::addInput(Value key, Value view, kern::AccessKind kind) {
  if (!view) {
    return failure();
  }
  keys.push_back({key, static_cast<unsigned>(llvm::count_if(
                           keys, [&](const auto &known) { return known.first == key; }))});
  views.push_back(view);
  kinds.push_back(static_cast<int32_t>(kind));
  return success();
}

LogicalResult ScalarBuilder::discover(Value value, Value root) {
  if (value == root || llvm::any_of(keys, [&](const auto &key) { return key.first == value; })) {
    return success();
  }
  Operation *op = value.getDefiningOp();
  if (auto add = dyn_cast_if_present<graph::AddOp>(op)) {
    return success(succeeded(discover(add.getLhs(), root)) &&
                   succeeded(discover(add.getRhs(), root)));
  }
  if (auto cast = dyn_cast_if_present<graph::CastOp>(op)) {
    return discover(cast.getX(), root);
  }
  if (auto merge = dyn_cast_if_present<graph::MergeHeadsOp>(op); merge && merge.getX() == root) {
    return success();
  }
  if (auto norm = dyn_cast_if_present<graph::RmsNormOp>(op)) {
    if (normOp && normOp != norm) {
      return core.definition.emitError("two norms in one kernel; leave one out of the group");
    }
    normOp = norm;
    if (failed(discover(norm.getX(), root))) {
      return failure();
    }
    return addInput(norm.getWeight(), core.view(norm.getWeight()), kern::AccessKind::Column);
  }
  if (auto silu = dyn_cast_if_present<graph::SiluMulOp>(op)) {
    if (silu.getGateUp() == root) {
      return success();
    }
    int64_t n = cast<RankedTensorType>(silu.getResult().getType()).getShape().back();
    if (failed(addInput(silu.getGateUp(), core.view(silu.getGateUp(), 0, n),
                        kern::AccessKind::Element))) {
      return failure();
    }
    return addInput(silu.getGateUp(), core.view(silu.getGateUp(), n, n), kern::AccessKind::Element);
  }
  return addInput(value, core.view(value), kern::AccessKind::Element);
}

void ScalarBuilder::addArguments(Block &block) {
  arguments.clear();
  for (Value view : views) {
    arguments.push_back(
        block.addArgument(cast<RankedTensorType>(view.getType()).getElementType(), core.loc));
  }
}

Value ScalarBuilder::rounded(OpBuilder &builder, Value scalar, Type element) {
  if (element.isF32()) {
    return scalar;
  }
  Value narrow = arith::TruncFOp::create(builder, core.loc, element, scalar);
  return arith::ExtFOp::create(builder, core.loc, builder.getF32Type(), narrow);
}

Value ScalarBuilder::element(OpBuilder &builder, Value scalar, Type element) {
  auto widened = scalar.getDefiningOp<arith::ExtFOp>();
  if (!widened || widened.getIn().getType() != element) {
    return element.isF32() ? scalar : arith::TruncFOp::create(builder, core.loc, element, scalar);
  }
  Value narrow = widened.getIn();
  if (widened->use_empty()) {
    widened.erase();
  }
  return narrow;
}

Value ScalarBuilder::input(OpBuilder &builder, Value key, unsigned part) {
  auto *found = llvm::find(keys, std::make_pair(key, part));
  assert(found != keys.end() && "a value that discover did not see");
  Value scalar = arguments[found - keys.begin()];
  return scalar.getType().isF32()
             ? scalar
             : arith::ExtFOp::create(builder, core.loc, builder.getF32Type(), scalar);
}

/// gate / (1 + exp(-gate)) * up
static Value siluMul(OpBuilder &builder, Location loc, Value gate, Value up) {
  Value one = arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(1.0F));
  Value power = math::ExpOp::create(builder, loc, arith::NegFOp::create(builder, loc, gate));
  Value silu =
      arith::DivFOp::create(builder, loc, gate, arith::AddFOp::create(builder, loc, one, power));
  return arith::MulFOp::create(builder, loc, silu, up);
}

Value ScalarBuilder::emit(OpBuilder &builder, Value value, Value root, ValueRange accumulators,
                          Value scale) {
  Location loc = core.loc;
  Type type = cast<RankedTensorType>(value.getType()).getElementType();
  if (value == root) {
    return rounded(builder, accumulators[0], type);
  }
  Operation *op = value.getDefiningOp();
  auto recurse = [&](Value operand) { return emit(builder, operand, root, accumulators, scale); };
  if (auto add = dyn_cast_if_present<graph::AddOp>(op)) {
    Value lhs = recurse(add.getLhs());
    return rounded(builder, arith::AddFOp::create(builder, loc, lhs, recurse(add.getRhs())), type);
  }
  if (auto cast = dyn_cast_if_present<graph::CastOp>(op)) {
    return rounded(builder, recurse(cast.getX()), type);
  }
  if (auto merge = dyn_cast_if_present<graph::MergeHeadsOp>(op); merge && merge.getX() == root) {
    return recurse(root);
  }
  if (auto norm = dyn_cast_if_present<graph::RmsNormOp>(op)) {
    Value scaled = arith::MulFOp::create(builder, loc, recurse(norm.getX()), scale);
    Value weight = input(builder, norm.getWeight());
    return rounded(builder, arith::MulFOp::create(builder, loc, scaled, weight), type);
  }
  if (auto silu = dyn_cast_if_present<graph::SiluMulOp>(op)) {
    Value source = silu.getGateUp();
    if (source == root) {
      Type element = cast<RankedTensorType>(source.getType()).getElementType();
      Value gate = rounded(builder, accumulators[0], element);
      Value up = rounded(builder, accumulators[1], element);
      return rounded(builder, siluMul(builder, loc, gate, up), type);
    }
    Value gate = input(builder, source, 0);
    return rounded(builder, siluMul(builder, loc, gate, input(builder, source, 1)), type);
  }
  return input(builder, value);
}

} // namespace dsv3
