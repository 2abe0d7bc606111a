//===- WeightReads.cpp - weights that products read -----------------------===//
#include "WeightReads.h"

using namespace mlir;

namespace dsv3 {

bool isExpansion(Operation *op) {
  if (auto cast = dyn_cast_if_present<graph::CastOp>(op)) {
    return cast.getX().getDefiningOp<graph::WeightOp>() != nullptr;
  }
  return isa_and_present<graph::DequantiseOp>(op);
}

graph::WeightOp storedWeight(Value value) {
  Operation *op = value.getDefiningOp();
  if (isExpansion(op)) {
    op = op->getOperand(0).getDefiningOp();
  }
  return dyn_cast_if_present<graph::WeightOp>(op);
}

WeightRead readWeight(OpBuilder &builder, graph::WeightOp weight, DenseI64ArrayAttr block,
                      Type element) {
  if (!element) {
    return {weight.getData(), weight.getScales(), block};
  }
  auto stored = cast<RankedTensorType>(weight.getData().getType());
  auto type = RankedTensorType::get(stored.getShape(), element);
  if (weight.getScales()) {
    return {graph::DequantiseOp::create(builder, weight.getLoc(), type, weight.getData(),
                                        weight.getScales(), block),
            Value(), DenseI64ArrayAttr()};
  }
  return {graph::CastOp::create(builder, weight.getLoc(), type, weight.getData()), Value(),
          DenseI64ArrayAttr()};
}

graph::ParameterOp declareOnce(graph::ParameterOp place, graph::ParameterOp wanted) {
  auto module = place->getParentOfType<ModuleOp>();
  std::string name = wanted.getSymName().str();
  for (int64_t next = 2; Operation *known = module.lookupSymbol(wanted.getSymName()); ++next) {
    if (known->getName() == wanted->getName() &&
        known->getAttrDictionary() == wanted->getAttrDictionary()) {
      wanted->destroy();
      return cast<graph::ParameterOp>(known);
    }
    wanted.setSymName(name + "_" + std::to_string(next));
  }
  OpBuilder builder(place->getContext());
  builder.setInsertionPointAfter(place);
  builder.insert(wanted);
  return wanted;
}

} // namespace dsv3
