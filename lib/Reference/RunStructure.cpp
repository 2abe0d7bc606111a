//===- RunStructure.cpp - weights, calls, groups and launches -------------===//
#include "Frame.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace dsv3::reference {

Tensor Frame::view(kern::ViewOp op) const {
  const Tensor &source = get(op.getSource());
  auto type = cast<RankedTensorType>(op.getResult().getType());
  bool heads = type.getRank() == 3;
  int64_t count = heads ? type.getDimSize(1) : 1, width = type.getShape().back();
  std::vector<int64_t> shape{source.rows()};
  if (heads) {
    shape.push_back(count);
  }
  shape.push_back(width);
  Tensor result(shape);
  for (int64_t t = 0; t < source.rows(); ++t) {
    for (int64_t h = 0; h < count; ++h) {
      const double *from = source.row(t) + h * static_cast<int64_t>(op.getStride()) +
                           static_cast<int64_t>(op.getOffset());
      std::copy(from, from + width, result.row(t) + h * width);
    }
  }
  return result;
}

LogicalResult Frame::runStructure(Operation &op, bool &known) {
  // Binds the results of a block that ran in `inner`.
  auto finish = [&](FailureOr<std::vector<Tensor>> results) -> LogicalResult {
    if (failed(results)) {
      return failure();
    }
    for (auto [value, tensor] : llvm::zip_equal(op.getResults(), *results)) {
      bind(value, tensor);
    }
    return success();
  };
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
      .Case([&](graph::WeightOp weight) -> LogicalResult {
        FailureOr<ParameterValue> value = machine.parameter(weight.getParameter(), layer);
        if (failed(value)) {
          return failure();
        }
        bind(weight.getData(), value->data);
        if (weight.getScales()) {
          bind(weight.getScales(), value->scales);
        }
        return success();
      })
      .Case([&](graph::CallLayerOp call) -> LogicalResult {
        auto function = machine.module.lookupSymbol<func::FuncOp>(call.getCallee());
        if (!function || function.isExternal()) {
          return op.emitError("no function @") << call.getCallee() << " with a body";
        }
        Frame inner(*this, static_cast<int64_t>(call.getLayer()));
        for (auto [argument, input] : llvm::zip_equal(function.getArguments(), call.getInputs())) {
          if (isa<RankedTensorType>(input.getType())) {
            inner.bind(argument, get(input));
          }
        }
        return finish(inner.run(function.getBody().front()));
      })
      .Case([&](graph::ObserveOp observe) {
        if (observer) {
          observer(observe.getName(),
                   observe.getLayer() ? static_cast<int64_t>(*observe.getLayer()) : layer,
                   get(observe.getValue()));
        }
        return success();
      })
      .Case([&](kern::GroupOp group) { return finish(run(group.getBody().front())); })
      .Case([&](kern::LaunchOp launch) -> LogicalResult {
        auto definition = machine.module.lookupSymbol<kern::DefOp>(launch.getCallee());
        Frame inner(*this, layer);
        for (auto [argument, input] : llvm::zip_equal(definition.getInputs(), launch.getInputs())) {
          if (isa<RankedTensorType>(input.getType())) {
            inner.bind(argument, get(input));
          }
        }
        return finish(inner.run(definition.getBody().front()));
      })
      .Case([&](kern::EmptyOp) { return success(); })
      .Case([&](kern::ViewOp viewed) {
        bind(viewed.getResult(), view(viewed));
        return success();
      })
      .Default([&](Operation *) {
        known = false;
        return failure();
      });
}

} // namespace dsv3::reference
