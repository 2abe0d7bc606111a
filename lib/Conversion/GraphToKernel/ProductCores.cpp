//===- ProductCores.cpp - gemm, grouped_gemm and combine ------------------===//
#include "CoreBuilder.h"

using namespace mlir;

namespace dsv3 {

/// Writes the epilogue of `root`, whose value ends in the definition's only result.
static void fillEpilogue(CoreBuilder &core, ScalarBuilder &scalars, Value root, Region &region,
                         int64_t parts) {
  Block &block = region.emplaceBlock();
  OpBuilder builder(core.definition.getContext());
  for (int64_t part = 0; part < parts; ++part) {
    block.addArgument(builder.getF32Type(), core.loc);
  }
  SmallVector<Value> accumulators(block.getArguments());
  scalars.addArguments(block);
  builder.setInsertionPointToEnd(&block);
  kern::YieldOp::create(builder, core.loc,
                        scalars.emit(builder, core.yielded()[0], root, accumulators, Value()));
}

/// 2 if the product's columns are gate and up of a dsv3.silu_mul, else 1.
static int64_t partsOf(Value product) {
  return llvm::any_of(product.getUsers(), [](Operation *op) { return isa<graph::SiluMulOp>(op); })
             ? 2
             : 1;
}

CoreResults buildProduct(CoreBuilder &core, Operation *product) {
  Value root = product->getResult(0), result = core.yielded()[0];
  ScalarBuilder scalars(core);
  if (core.yielded().size() != 1 || failed(scalars.discover(result, root))) {
    return core.definition.emitError("expected one result of a product, found ")
           << core.yielded().size() << "; leave other ops out of the group";
  }
  int64_t parts = partsOf(root);
  auto access = core.builder.getDenseI32ArrayAttr(scalars.access());
  if (auto grouped = dyn_cast<graph::GroupedLinearOp>(product)) {
    Value a = core.view(grouped.getX());
    if (!a) {
      return failure();
    }
    auto op = kern::GroupedGemmOp::create(
        core.builder, core.loc, result.getType(), a, grouped.getWeight(), grouped.getScales(),
        grouped.getBlockAttr(), grouped.getOffsets(), grouped.getRows(), core.destination(0),
        core.builder.getI64IntegerAttr(parts), scalars.inputs(), access);
    fillEpilogue(core, scalars, root, op.getEpilogue(), parts);
    return SmallVector<Value>{op.getResult()};
  }
  Value x, weight, scales;
  DenseI64ArrayAttr block;
  if (auto linear = dyn_cast<graph::LinearOp>(product)) {
    if (linear.getXScales()) {
      return linear.emitError("no kernel for quantised activations; expected policy f32");
    }
    x = linear.getX(), weight = linear.getWeight(), scales = linear.getScales();
    block = linear.getBlockAttr();
  } else if (auto head = dyn_cast<graph::HeadLinearOp>(product)) {
    x = head.getX(), weight = head.getWeight(), scales = head.getScales();
    block = head.getBlockAttr();
  } else {
    auto logits = cast<graph::LmHeadOp>(product);
    x = logits.getX(), weight = logits.getWeight();
  }
  Value a = core.view(x);
  if (!a) {
    return failure();
  }
  auto op = kern::GemmOp::create(core.builder, core.loc, result.getType(), a, weight, scales, block,
                                 core.destination(0), core.builder.getI64IntegerAttr(parts),
                                 scalars.inputs(), access);
  fillEpilogue(core, scalars, root, op.getEpilogue(), parts);
  return SmallVector<Value>{op.getResult()};
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
  fillEpilogue(core, scalars, root, op.getEpilogue(), 1);
  return SmallVector<Value>{op.getResult()};
}

} // namespace dsv3
