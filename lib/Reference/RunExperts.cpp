//===- RunExperts.cpp - router, dispatch and products of experts ----------===//
//
// Ops of dsv3 and the core ops of kern that mean the same, side by side.
//
//===----------------------------------------------------------------------===//
#include "Frame.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace dsv3::reference {

/// As its lowering does: dispatch, two grouped products, combine.
LogicalResult Frame::mixture(graph::ExpertsOp op) {
  Tensor gateUp = expanded(op.getGateUp(), op.getGateUpScales(), op.getGateUpBlock());
  Tensor down = expanded(op.getDown(), op.getDownScales(), op.getDownBlock());
  std::optional<Dispatched> sorted = dispatch(get(op.getExperts()), gateUp.dim(0));
  if (!sorted) {
    return op.emitError("expected experts below ") << gateUp.dim(0);
  }
  Type element = cast<RankedTensorType>(op.getX().getType()).getElementType();
  auto rounded = [&](Tensor tensor) {
    for (int64_t i = 0; i < tensor.size(); ++i) {
      tensor[i] = roundTo(element, tensor[i], machine.precision);
    }
    return tensor;
  };
  int64_t entries = sorted->rows.size();
  Tensor hidden = rounded(
      groupedProduct(context(), get(op.getX()), sorted->offsets, &sorted->rows, gateUp, entries));
  Tensor active = rounded(siluMul(hidden));
  Tensor out = rounded(groupedProduct(context(), active, sorted->offsets, nullptr, down, entries));
  define(op.getResult(), combine(out, sorted->slots, get(op.getWeights())));
  return success();
}

LogicalResult Frame::runExperts(Operation &op, bool &known) {
  auto routed = [&](Value experts, Value weights, Value logits, Value bias, RouterChoice choice) {
    auto [chosen, heavy] = route(get(logits), get(bias), choice, machine.precision);
    bind(experts, chosen);
    define(weights, heavy);
    return success();
  };
  auto dispatched = [&](Value experts, int64_t count, ValueRange results) -> LogicalResult {
    std::optional<Dispatched> sorted = dispatch(get(experts), count);
    if (!sorted) {
      return op.emitError("expected experts below ") << count;
    }
    bind(results[0], sorted->offsets);
    bind(results[1], sorted->rows);
    bind(results[2], sorted->slots);
    return success();
  };
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
      .Case([&](graph::RouterOp router) {
        return routed(
            router.getExperts(), router.getWeights(), router.getLogits(), router.getBias(),
            {static_cast<int64_t>(router.getGroups()), static_cast<int64_t>(router.getTopGroups()),
             static_cast<int64_t>(router.getTopK()), router.getScale().convertToDouble(),
             router.getNormalise()});
      })
      .Case([&](kern::RouterOp router) {
        return routed(
            router.getExperts(), router.getWeights(), router.getLogits(), router.getBias(),
            {static_cast<int64_t>(router.getGroups()), static_cast<int64_t>(router.getTopGroups()),
             cast<RankedTensorType>(router.getExperts().getType()).getDimSize(1),
             router.getScale().convertToDouble(), router.getNormalise()});
      })
      .Case([&](graph::DispatchOp sorted) {
        return dispatched(sorted.getExperts(), static_cast<int64_t>(sorted.getNumExperts()),
                          sorted->getResults());
      })
      .Case([&](kern::DispatchOp sorted) {
        auto offsets = cast<RankedTensorType>(sorted.getOffsets().getType());
        return dispatched(sorted.getExperts(), offsets.getDimSize(0) - 1, sorted->getResults());
      })
      .Case([&](graph::GroupedLinearOp linear) -> LogicalResult {
        if (failed(checkGroups(op, linear.getX(), linear.getOffsets(), linear.getRows()))) {
          return failure();
        }
        const Tensor &offsets = get(linear.getOffsets());
        Tensor x = activations(linear.getX(), linear.getXScales(), linear.getBlock());
        auto entries = static_cast<int64_t>(offsets[offsets.size() - 1]);
        define(linear.getResult(),
               groupedProduct(
                   context(), x, offsets, linear.getRows() ? &get(linear.getRows()) : nullptr,
                   expanded(linear.getWeight(), linear.getScales(), linear.getBlock()), entries));
        return success();
      })
      .Case([&](graph::ExpertsOp experts) { return mixture(experts); })
      .Case([&](graph::CombineOp sum) -> LogicalResult {
        if (failed(checkSlots(op, sum.getX(), sum.getSlots()))) {
          return failure();
        }
        define(sum.getResult(),
               combine(get(sum.getX()), get(sum.getSlots()), get(sum.getWeights())));
        return success();
      })
      .Default([&](Operation *) {
        known = false;
        return failure();
      });
}

} // namespace dsv3::reference
