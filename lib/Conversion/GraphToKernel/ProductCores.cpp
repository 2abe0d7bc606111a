//===- ProductCores.cpp - gemm, grouped_gemm and combine ------------------===//
#include "CoreBuilder.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace dsv3 {

/// Writes the epilogue that computes `result` from `root`.
static void fillEpilogue(CoreBuilder &core, ScalarBuilder &scalars, Value root, Value result,
                         Region &region, int64_t parts) {
  Block &block = region.emplaceBlock();
  OpBuilder builder(core.definition.getContext());
  for (int64_t part = 0; part < parts; ++part) {
    block.addArgument(builder.getF32Type(), core.loc);
  }
  SmallVector<Value> accumulators(block.getArguments());
  scalars.addArguments(block);
  builder.setInsertionPointToEnd(&block);
  Value scalar = scalars.emit(builder, result, root, accumulators, Value());
  Type element = cast<RankedTensorType>(result.getType()).getElementType();
  kern::YieldOp::create(builder, core.loc, scalars.element(builder, scalar, element));
}

CoreBuilder::Weight CoreBuilder::weight(Value value, Value scales, DenseI64ArrayAttr block) {
  Operation *op = value.getDefiningOp();
  if (auto expanded = dyn_cast_if_present<graph::DequantiseOp>(op)) {
    return {expanded.getWeight(), expanded.getScales(), expanded.getBlockAttr(),
            expanded.getType().getElementType()};
  }
  if (auto cast = dyn_cast_if_present<graph::CastOp>(op)) {
    return {cast.getX(), Value(), DenseI64ArrayAttr(), cast.getType().getElementType()};
  }
  return {value, scales, block, Type()};
}

void CoreBuilder::fillPrologue(const Weight &weight, Region &region) {
  if (!weight.rounded) {
    return;
  }
  Block &body = region.emplaceBlock();
  OpBuilder inner = OpBuilder::atBlockBegin(&body);
  Value element = body.addArgument(inner.getF32Type(), loc);
  if (!weight.rounded.isF32()) {
    element = arith::TruncFOp::create(inner, loc, weight.rounded, element);
  }
  kern::YieldOp::create(inner, loc, element);
}

/// 2 if the product's columns are gate and up of a dsv3.silu_mul, else 1.
static int64_t partsOf(Value product) {
  return llvm::any_of(product.getUsers(), [](Operation *op) { return isa<graph::SiluMulOp>(op); })
             ? 2
             : 1;
}

namespace {
/// What the ops of dsv3 that are products have in common.
struct Product {
  Value x, xScales;
  CoreBuilder::Weight weight;
};
} // namespace

static Product productOf(CoreBuilder &core, Operation *op) {
  return llvm::TypeSwitch<Operation *, Product>(op)
      .Case<graph::LinearOp, graph::GroupedLinearOp>([&](auto linear) {
        return Product{linear.getX(), linear.getXScales(),
                       core.weight(linear.getWeight(), linear.getScales(), linear.getBlockAttr())};
      })
      .Case<graph::HeadLinearOp, graph::LmHeadOp>([&](auto head) {
        return Product{head.getX(), Value(),
                       core.weight(head.getWeight(), head.getScales(), head.getBlockAttr())};
      });
}

CoreResults buildProduct(CoreBuilder &core, Operation *op) {
  SmallVector<Value> computed = core.computed();
  Value root = op->getResult(0);
  ScalarBuilder scalars(core);
  if (computed.size() != 1 || failed(scalars.discover(computed[0], root))) {
    return core.definition.emitError("expected one result of a product, found ")
           << computed.size() << "; leave other ops out of the group";
  }
  Product product = productOf(core, op);
  Value a = core.view(product.x);
  if (!a) {
    return failure();
  }
  int64_t parts = partsOf(root);
  ValueRange destinations = core.definition.getDestinations();
  Value scalesDestination = core.stage() ? destinations[1] : Value();
  Type scalesType = core.stage() ? scalesDestination.getType() : Type();
  auto access = core.builder.getDenseI32ArrayAttr(scalars.access());
  auto partsAttr = core.builder.getI64IntegerAttr(parts);
  auto finish = [&](auto made) {
    core.fillPrologue(product.weight, made.getPrologue());
    fillEpilogue(core, scalars, root, computed[0], made.getEpilogue(), parts);
    return SmallVector<Value>(made->getResults());
  };
  if (auto grouped = dyn_cast<graph::GroupedLinearOp>(op)) {
    return finish(kern::GroupedGemmOp::create(
        core.builder, core.loc, destinations[0].getType(), scalesType, a, product.xScales,
        product.weight.data, product.weight.scales, product.weight.block, grouped.getOffsets(),
        grouped.getRows(), /*capacity=*/IntegerAttr(), destinations[0], scalesDestination,
        partsAttr, core.stageGroup(), core.stageUe8m0(), scalars.inputs(), access));
  }
  return finish(kern::GemmOp::create(core.builder, core.loc, destinations[0].getType(), scalesType,
                                     a, product.xScales, product.weight.data, product.weight.scales,
                                     product.weight.block, destinations[0], scalesDestination,
                                     partsAttr, core.stageGroup(), core.stageUe8m0(),
                                     scalars.inputs(), access));
}

CoreResults buildCombine(CoreBuilder &core, graph::CombineOp combine) {
  Value root = combine.getResult(), result = core.yielded()[0];
  ScalarBuilder scalars(core);
  Value x = core.view(combine.getX());
  if (!x || failed(scalars.discover(result, root))) {
    return failure();
  }
  auto op = kern::CombineOp::create(core.builder, core.loc, result.getType(), x, combine.getSlots(),
                                    combine.getWeights(), core.destination(0), scalars.inputs(),
                                    core.builder.getDenseI32ArrayAttr(scalars.access()));
  fillEpilogue(core, scalars, root, result, op.getEpilogue(), 1);
  return SmallVector<Value>{op.getResult()};
}

} // namespace dsv3
