//===- Operands.cpp - what ops read and give ------------------------------===//
//
// The interpreter runs modules that people write: an op must not be able to read what
// nothing computed, or rows that are not there. Formulas (Math.h) rely on these checks.
//
//===----------------------------------------------------------------------===//
#include "Frame.h"
#include "Graph/Extent.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace dsv3::reference {

bool isDestination(OpOperand &operand) {
  unsigned number = operand.getOperandNumber();
  return llvm::TypeSwitch<Operation *, bool>(operand.getOwner())
      .Case<kern::LaunchOp, kern::RowwiseOp>([&](auto op) {
        unsigned begin = op.getDestinations().getBeginOperandIndex();
        return number >= begin && number < begin + op.getDestinations().size();
      })
      .Case<kern::GemmOp, kern::GroupedGemmOp>([&](auto op) {
        return operand.get() == op.getScalesDestination() ||
               number == op.getDestinationMutable().getOperandNumber();
      })
      .Case<kern::CombineOp, kern::GatherOp, kern::ConcatOp, kern::RopeAppendOp,
            kern::LatentAttentionOp, kern::AttentionCombineOp, kern::ExpandedAttentionOp,
            kern::PrefillAttentionOp, kern::SampleOp>(
          [&](auto op) { return number == op.getDestinationMutable().getOperandNumber(); })
      .Case([&](kern::RopeTableOp op) {
        return number == op.getCosDestinationMutable().getOperandNumber() ||
               number == op.getSinDestinationMutable().getOperandNumber();
      })
      .Case([&](kern::ExpandLatentsOp op) {
        return number == op.getKeysDestinationMutable().getOperandNumber() ||
               number == op.getRopeKeysDestinationMutable().getOperandNumber() ||
               number == op.getValuesDestinationMutable().getOperandNumber();
      })
      .Case([&](kern::RouterOp op) {
        return number == op.getExpertsDestinationMutable().getOperandNumber() ||
               number == op.getWeightsDestinationMutable().getOperandNumber();
      })
      .Case([&](kern::DispatchOp op) {
        return number == op.getOffsetsDestinationMutable().getOperandNumber() ||
               number == op.getRowsDestinationMutable().getOperandNumber() ||
               number == op.getSlotsDestinationMutable().getOperandNumber();
      })
      .Default(false);
}

LogicalResult Frame::checkOperands(Operation &op) const {
  for (OpOperand &operand : op.getOpOperands()) {
    if (isa<RankedTensorType>(operand.get().getType()) && !values.contains(operand.get()) &&
        !isDestination(operand)) {
      return op.emitError("operand ")
             << operand.getOperandNumber() << " has no value: it is a destination that nothing "
             << "has written" << graph::modelPath(&op);
    }
  }
  return success();
}

bool Frame::fits(RankedTensorType type, const Tensor &tensor) {
  if (tensor.shape().size() != static_cast<size_t>(type.getRank())) {
    return false;
  }
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    int64_t found = tensor.dim(static_cast<size_t>(dim));
    graph::Extent wanted = graph::extentOf(type, dim);
    if (wanted.isStatic() && wanted.value != found) {
      return false;
    }
    if (!wanted.name) {
      continue;
    }
    auto [base, factor] = graph::DimsAttr::split(wanted.name);
    if (found % factor != 0 ||
        sizes.try_emplace(base, found / factor).first->second * factor != found) {
      return false;
    }
  }
  return true;
}

LogicalResult Frame::checkResults(Operation &op) {
  for (Value result : op.getResults()) {
    auto type = dyn_cast<RankedTensorType>(result.getType());
    auto found = values.find(result);
    if (!type || found == values.end() || fits(type, found->second)) {
      continue;
    }
    InFlightDiagnostic diagnostic = op.emitError("expected a result of sizes ")
                                    << graph::spell(graph::extentsOf(type));
    for (const auto &size : sizes) {
      diagnostic << ", with " << size.getKey() << " = " << size.getValue();
    }
    diagnostic << ", found [" << ArrayRef<int64_t>(found->second.shape()) << "]"
               << graph::modelPath(&op);
    return failure();
  }
  return success();
}

LogicalResult Frame::checkGroups(Operation &op, Value x, Value offsets, Value rows) const {
  const Tensor &bounds = get(offsets);
  int64_t sources = get(x).rows(), entries = rows ? get(rows).size() : sources;
  double last = 0;
  for (int64_t e = 0; e < bounds.size(); ++e) {
    if (bounds[e] < last || (e == 0 && bounds[e] != 0)) {
      return op.emitError("expected offsets that ascend from 0, found ")
             << static_cast<int64_t>(bounds[e]) << " at " << e << graph::modelPath(&op);
    }
    last = bounds[e];
  }
  if (last != static_cast<double>(entries)) {
    return op.emitError("expected the last offset to be the number of entries, ")
           << entries << ", found " << static_cast<int64_t>(last) << graph::modelPath(&op);
  }
  return rows ? checkSlots(op, x, rows) : success();
}

LogicalResult Frame::checkCounts(Operation &op, Value counts, int64_t capacity) const {
  const Tensor &of = get(counts);
  for (int64_t e = 0; e < of.size(); ++e) {
    if (of[e] < 0 || of[e] > static_cast<double>(capacity)) {
      return op.emitError("expected from 0 to ")
             << capacity << " entries of an expert, found " << static_cast<int64_t>(of[e]) << " at "
             << e << graph::modelPath(&op);
    }
  }
  return success();
}

LogicalResult Frame::checkSlots(Operation &op, Value x, Value slots) const {
  const Tensor &which = get(slots);
  for (int64_t i = 0; i < which.size(); ++i) {
    if (which[i] < 0 || which[i] >= static_cast<double>(get(x).rows())) {
      return op.emitError("expected rows below ")
             << get(x).rows() << ", found " << static_cast<int64_t>(which[i])
             << graph::modelPath(&op);
    }
  }
  return success();
}

} // namespace dsv3::reference
