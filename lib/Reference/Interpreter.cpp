//===- Interpreter.cpp - entries, parameters and rounding -----------------===//
#include "dsv3/Reference/Interpreter.h"

#include "Frame.h"
#include "Graph/Extent.h"
#include "dsv3/Support/Float.h"
#include "dsv3/Support/WeightEncoding.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace dsv3::reference {

double roundTo(Type element, double value, Precision precision) {
  if (element.isF32()) {
    return precision == Precision::F32 ? static_cast<double>(static_cast<float>(value)) : value;
  }
  if (element.isBF16()) {
    return bf16ToFloat(floatToBf16(static_cast<float>(value)));
  }
  if (isa<Float8E4M3FNType>(element)) {
    return f8e4m3ToFloat(floatToF8E4M3(static_cast<float>(value)));
  }
  if (element.isF16()) {
    return static_cast<double>(static_cast<_Float16>(value));
  }
  return value;
}

Interpreter::Interpreter(ModuleOp module, ParameterSource parameters, Precision precision)
    : module(module), source(std::move(parameters)), precision(precision) {}

FailureOr<ParameterValue> Interpreter::parameter(StringRef name, int64_t layer) {
  auto op = module.lookupSymbol<graph::ParameterOp>(name);
  assert(op && "verified by dsv3.weight");
  auto key = std::make_pair(name.str(), op.getLayers() ? layer : int64_t(-1));
  auto found = known.find(key);
  if (found != known.end()) {
    return found->second;
  }
  FailureOr<ParameterValue> value = source(op, key.second);
  if (failed(value)) {
    return failure();
  }
  return known[key] = *value;
}

FailureOr<std::map<std::string, Tensor>>
Interpreter::run(StringRef entry, const std::map<std::string, Tensor> &inputs,
                 const Observer &observer) {
  auto function = module.lookupSymbol<func::FuncOp>(entry);
  if (!function || function.isExternal() || !function->hasAttr(graph::entryAttrName)) {
    return module.emitError("no entry @") << entry << "; run an earlier or later phase";
  }
  Frame frame(*this, /*layer=*/-1, observer);
  for (auto [index, argument] : llvm::enumerate(function.getArguments())) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!type) {
      continue;
    }
    auto name = function.getArgAttrOfType<StringAttr>(index, graph::nameAttrName);
    auto found = name ? inputs.find(name.str()) : inputs.end();
    if (found == inputs.end() || !frame.fits(type, found->second)) {
      return function.emitError("expected an input ") << name << " of type " << type;
    }
    frame.bind(argument, found->second);
  }
  FailureOr<std::vector<Tensor>> results = frame.run(function.getBody().front());
  if (failed(results)) {
    return failure();
  }
  std::map<std::string, Tensor> outputs;
  for (auto [index, tensor] : llvm::enumerate(*results)) {
    if (auto name = function.getResultAttrOfType<StringAttr>(index, graph::nameAttrName)) {
      outputs[name.str()] = tensor;
    }
  }
  return outputs;
}

void Frame::define(Value value, Tensor tensor) {
  Type element = cast<RankedTensorType>(value.getType()).getElementType();
  for (int64_t i = 0; i < tensor.size(); ++i) {
    tensor[i] = roundTo(element, tensor[i], machine.precision);
  }
  bind(value, std::move(tensor));
}

static Type elementOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getElementType();
}

void Frame::defineQuantised(Value codes, Value scales, const Tensor &x, int64_t group, bool ue8m0) {
  auto made = elementOf(codes).isInteger(8) ? quantiseI8(x, group) : quantiseF8(x, group, ue8m0);
  define(codes, made.first);
  define(scales, made.second);
}

WeightView Frame::weight(Value data, Value scales, std::optional<ArrayRef<int64_t>> block) const {
  WeightView view{&get(data)};
  if (scales) {
    view.scales = &get(scales);
    view.blockRows = (*block)[0];
    view.blockColumns = (*block)[1];
    view.scaleNumbers = scaleForm(*graph::codesOf(elementOf(data)))->numbers;
  }
  return view;
}

Tensor Frame::expanded(Value data, Value scales, std::optional<ArrayRef<int64_t>> block) const {
  return expandWeight(weight(data, scales, block), machine.precision);
}

Tensor Frame::activations(Value rows, Value scales, std::optional<ArrayRef<int64_t>> block) const {
  if (!scales) {
    return get(rows);
  }
  return expandWeight({&get(rows), &get(scales), 1, (*block)[1]}, machine.precision);
}

FailureOr<std::vector<Tensor>> Frame::run(Block &block) {
  for (Operation &op : block.without_terminator()) {
    if (failed(runOp(op))) {
      return failure();
    }
  }
  if (failed(checkOperands(*block.getTerminator()))) {
    return failure();
  }
  std::vector<Tensor> results;
  for (Value value : block.getTerminator()->getOperands()) {
    results.push_back(get(value));
  }
  return results;
}

LogicalResult Frame::runOp(Operation &op) {
  if (failed(checkOperands(op))) {
    return failure();
  }
  bool known = true;
  for (auto family : {&Frame::runStructure, &Frame::runDense, &Frame::runRows, &Frame::runAttention,
                      &Frame::runExperts, &Frame::runCore, &Frame::runCheck}) {
    known = true;
    LogicalResult result = (this->*family)(op, known);
    if (known) {
      return success(succeeded(result) && succeeded(checkResults(op)));
    }
  }
  return op.emitError("'") << op.getName() << "' has no meaning for the interpreter"
                           << graph::modelPath(&op);
}

} // namespace dsv3::reference
