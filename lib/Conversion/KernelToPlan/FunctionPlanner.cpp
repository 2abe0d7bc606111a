//===- FunctionPlanner.cpp - one function as a straight program -----------===//
//
// Liveness is by position: kernels are opaque, and a buffer is in use from the launch
// that first writes it to the last op that reads it.
//
//===----------------------------------------------------------------------===//
#include "FunctionPlanner.h"

#include "Graph/Extent.h"
#include "Plan/Plan.h"

using namespace mlir;

namespace dsv3 {

FailureOr<DType> planType(Type element, Operation *where) {
  std::optional<DType> type = planir::dtypeOf(element);
  if (!type) {
    return where->emitError("plans have no element type ") << element;
  }
  return *type;
}

int64_t columnsOf(RankedTensorType type) {
  int64_t columns = 1;
  for (int64_t dim = 1; dim < type.getRank(); ++dim) {
    columns *= type.getDimSize(dim);
  }
  return columns;
}

FailureOr<RowCount> rowsOf(RankedTensorType type, const PlanTables &tables, Operation *where) {
  SmallVector<graph::Extent> extents = graph::extentsOf(type);
  graph::Extent rows = extents.empty() ? graph::Extent() : extents[0];
  if ((!rows.isStatic() && !rows.name) ||
      !llvm::all_of(ArrayRef(extents).drop_front(), [](graph::Extent e) { return e.isStatic(); })) {
    return where->emitError("expected rows of a number or a name, and a number of columns, found ")
           << type;
  }
  if (rows.isStatic()) {
    return RowCount{-1, rows.value};
  }
  auto [base, factor] = graph::DimsAttr::split(rows.name);
  auto found = tables.sizes.find(base);
  if (found == tables.sizes.end()) {
    return where->emitError("size '") << base << "' is not one of the entry's; declare it there";
  }
  return RowCount{found->second, factor};
}

FailureOr<int64_t> FunctionPlanner::bytesOf(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  FailureOr<RowCount> rows = rowsOf(type, tables, function);
  if (failed(rows)) {
    return failure();
  }
  int64_t count = rows->factor;
  if (rows->size >= 0) {
    auto base = graph::DimsAttr::split(graph::extentOf(type, 0).name).first;
    count *= tables.maxima.lookup(base);
  }
  FailureOr<DType> element = planType(type.getElementType(), function);
  if (failed(element)) {
    return failure();
  }
  return count * columnsOf(type) * static_cast<int64_t>(byteSize(*element));
}

Value FunctionPlanner::bufferOf(Value value) {
  while (auto launch = value.getDefiningOp<kern::LaunchOp>()) {
    value = launch.getDestinations()[cast<OpResult>(value).getResultNumber()];
  }
  return value;
}

LogicalResult FunctionPlanner::findBuffers() {
  int32_t tensors = 0;
  for (BlockArgument argument : function.getArguments()) {
    if (isa<graph::CacheType>(argument.getType())) {
      places[argument] = {plan::ArgKind::Cache, 0, 0};
    } else {
      places[argument] = {isEntry ? plan::ArgKind::Input : plan::ArgKind::Formal, tensors++, 0};
    }
  }
  Block &body = function.getBody().front();
  int32_t result = isEntry ? 0 : tensors;
  for (Value returned : body.getTerminator()->getOperands()) {
    Value buffer = bufferOf(returned);
    if (!buffer.getDefiningOp() || places.contains(buffer)) {
      return function.emitError("expected each result to be a buffer of its own; a result is an "
                                "argument or is returned twice");
    }
    places[buffer] = {isEntry ? plan::ArgKind::Output : plan::ArgKind::Formal, result++, 0};
  }
  int64_t step = 0;
  for (Operation &op : body) {
    ++step;
    for (Value operand : op.getOperands()) {
      auto known =
          isa<graph::CacheType>(operand.getType()) ? ranges.end() : ranges.find(bufferOf(operand));
      if (known != ranges.end()) {
        // A destination is in use from its launch on, not from where it was declared.
        LiveRange &range = live[known->second];
        range.begin = std::min(range.begin, step);
        range.end = step;
      }
    }
    if (isa<kern::EmptyOp, graph::CallLayerOp>(op)) {
      for (Value value : op.getResults()) {
        if (places.contains(value)) {
          continue;
        }
        FailureOr<int64_t> bytes = bytesOf(value);
        if (failed(bytes)) {
          return failure();
        }
        bool declared = isa<kern::EmptyOp>(op);
        if (declared && !value.use_empty() && !value.hasOneUse()) {
          return op.emitError("expected one launch to write to it, found several uses; give each "
                              "result a kern.empty of its own");
        }
        ranges[value] = live.size();
        live.push_back({*bytes, declared ? INT64_MAX : step, step});
      }
    }
  }
  arena = layOutArena(live);
  for (auto [value, index] : ranges) {
    places[value] = {plan::ArgKind::Arena, 0, arena.offsets[index]};
  }
  return success();
}

plan::Arg FunctionPlanner::argOf(Value value) {
  if (auto weight = value.getDefiningOp<graph::WeightOp>()) {
    bool data = value == weight.getData();
    return {data ? plan::ArgKind::Parameter : plan::ArgKind::Scales,
            tables.parameters.lookup(weight.getParameter()), 0};
  }
  return places.lookup(bufferOf(value));
}

void FunctionPlanner::appendArgs(Value value, std::vector<plan::Arg> &args) {
  if (isa<graph::CacheType>(value.getType())) {
    args.push_back({plan::ArgKind::Cache, 0, 0});
    args.push_back({plan::ArgKind::PageTable, 0, 0});
    return;
  }
  args.push_back(argOf(value));
}

FailureOr<plan::Instruction> FunctionPlanner::observe(graph::ObserveOp op) {
  auto type = cast<RankedTensorType>(op.getValue().getType());
  FailureOr<RowCount> rows = rowsOf(type, tables, op);
  if (failed(rows) || rows->size < 0) {
    return op.emitError("expected a value with rows for each token of the step, found ") << type;
  }
  FailureOr<DType> element = planType(type.getElementType(), op);
  if (failed(element)) {
    return failure();
  }
  plan::Observation observation{op.getName().str(), *element, rows->size,
                                rows->factor * columnsOf(type)};
  auto known = llvm::find(observations, observation);
  plan::Instruction instruction;
  instruction.opcode = plan::Opcode::Observe;
  instruction.target = static_cast<int32_t>(known - observations.begin());
  instruction.layer = op.getLayer() ? static_cast<int64_t>(*op.getLayer()) : -1;
  instruction.args.push_back(argOf(op.getValue()));
  if (known == observations.end()) {
    observations.push_back(observation);
  }
  return instruction;
}

FailureOr<std::vector<plan::Instruction>> FunctionPlanner::plan() {
  if (function.isExternal()) {
    return function.emitError("expected a function with a body");
  }
  if (failed(findBuffers())) {
    return failure();
  }
  std::vector<plan::Instruction> program;
  for (Operation &op : function.getBody().front().without_terminator()) {
    if (isa<kern::EmptyOp, graph::WeightOp>(op)) {
      continue;
    }
    plan::Instruction instruction;
    if (auto launch = dyn_cast<kern::LaunchOp>(op)) {
      instruction.opcode = plan::Opcode::Launch;
      instruction.target = tables.kernels.lookup(launch.getCallee());
      for (Value value : launch->getOperands()) {
        appendArgs(value, instruction.args);
      }
    } else if (auto call = dyn_cast<graph::CallLayerOp>(op)) {
      instruction.opcode = plan::Opcode::Call;
      instruction.target = bodies.lookup(call.getCallee());
      instruction.layer = static_cast<int64_t>(call.getLayer());
      for (Value value : llvm::concat<Value>(SmallVector<Value>(call.getInputs()),
                                             SmallVector<Value>(call.getOutputs()))) {
        if (!isa<graph::CacheType>(value.getType())) {
          instruction.args.push_back(argOf(value));
        }
      }
    } else if (auto observed = dyn_cast<graph::ObserveOp>(op)) {
      FailureOr<plan::Instruction> made = observe(observed);
      if (failed(made)) {
        return failure();
      }
      instruction = *made;
    } else {
      return op.emitError("'") << op.getName()
                               << "' cannot be planned; expected launches and calls of layers";
    }
    program.push_back(std::move(instruction));
  }
  return program;
}

} // namespace dsv3
