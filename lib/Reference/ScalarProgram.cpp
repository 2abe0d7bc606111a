//===- ScalarProgram.cpp - a scalar region, ready to run ------------------===//
#include "ScalarProgram.h"

#include "Frame.h"

#include "llvm/ADT/DenseMap.h"

#include <cmath>

using namespace mlir;

namespace dsv3::reference {

using ScalarFunction = double (*)(double a, double b);

/// One op of the scalar table; null if it is not in it.
static ScalarFunction scalarFunction(StringRef name) {
  using Float = double;
#define DSV3_SCALAR_OP(NAME, ARITY, VALUE, CPU, CUDA)                                              \
  if (name == (NAME)) {                                                                            \
    return [](double a, [[maybe_unused]] double b) -> double { return VALUE; };                    \
  }
#include "dsv3/Support/ScalarOps.def"
  return nullptr;
}

FailureOr<ScalarProgram> ScalarProgram::make(Region &region, Precision precision) {
  ScalarProgram program;
  program.precision = precision;
  Block &block = region.front();
  llvm::SmallDenseMap<Value, unsigned, 16> indices;
  auto add = [&](Value value) { indices.try_emplace(value, unsigned(indices.size())); };
  llvm::for_each(block.getArguments(), add);
  for (auto constant : block.getOps<arith::ConstantOp>()) {
    add(constant.getResult());
    program.constants.push_back(cast<FloatAttr>(constant.getValue()).getValue().convertToDouble());
  }
  for (Operation &op : block.without_terminator()) {
    if (isa<arith::ConstantOp>(op)) {
      continue;
    }
    ScalarFunction value = scalarFunction(op.getName().getStringRef());
    if (!value) {
      return op.emitError("'") << op.getName() << "' is not in the table of scalar operations";
    }
    unsigned a = indices.lookup(op.getOperand(0));
    unsigned b = op.getNumOperands() > 1 ? indices.lookup(op.getOperand(1)) : a;
    program.steps.push_back({value, a, b, op.getResult(0).getType()});
    add(op.getResult(0));
  }
  for (Value value : block.getTerminator()->getOperands()) {
    program.yielded.push_back(indices.lookup(value));
  }
  return program;
}

void ScalarProgram::run(ArrayRef<double> arguments, MutableArrayRef<double> results) const {
  SmallVector<double, 32> values(arguments);
  values.append(constants.begin(), constants.end());
  for (const Step &step : steps) {
    values.push_back(roundTo(step.element, step.value(values[step.a], values[step.b]), precision));
  }
  for (auto [result, index] : llvm::zip_equal(results, yielded)) {
    result = values[index];
  }
}

} // namespace dsv3::reference
