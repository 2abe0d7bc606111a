//===- Frame.h - one running function or kernel -----------------*- C++ -*-===//
//
// Private to lib/Reference: the values of a block under execution, and the functions
// that run ops, a file for each family.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "Kernel/Kernel.h"
#include "Math.h"

#include "llvm/ADT/DenseMap.h"

namespace dsv3::reference {

class Frame {
public:
  Frame(Interpreter &machine, int64_t layer, const Observer &observer)
      : machine(machine), layer(layer), observer(observer) {}

  /// Runs the ops of `block`; the values of its terminator's operands.
  mlir::FailureOr<std::vector<Tensor>> run(mlir::Block &block);

  void bind(mlir::Value value, Tensor tensor) { values[value] = std::move(tensor); }
  const Tensor &get(mlir::Value value) const { return values.find(value)->second; }
  /// Binds after rounding to the value's element type.
  void define(mlir::Value value, Tensor tensor);

  WeightView weight(mlir::Value data, mlir::Value scales,
                    std::optional<llvm::ArrayRef<int64_t>> block) const;
  /// The expanded weight; that of a parameter is expanded once.
  Tensor expanded(mlir::Value data, mlir::Value scales,
                  std::optional<llvm::ArrayRef<int64_t>> block) const;

  Interpreter &machine;
  int64_t layer;
  const Observer &observer;

private:
  mlir::LogicalResult runOp(mlir::Operation &op);
  mlir::LogicalResult runDense(mlir::Operation &op, bool &known);
  mlir::LogicalResult runModel(mlir::Operation &op, bool &known);
  mlir::LogicalResult runStructure(mlir::Operation &op, bool &known);
  mlir::LogicalResult runCheck(mlir::Operation &op, bool &known);
  mlir::LogicalResult runCore(mlir::Operation &op, bool &known);
  mlir::LogicalResult append(mlir::Operation &op, const Tensor &latent, const Tensor &key,
                             const Tensor &positions, const Tensor &requests,
                             graph::CacheType type);
  Tensor view(kern::ViewOp op) const;
  mlir::LogicalResult rowwise(kern::RowwiseOp op);
  mlir::LogicalResult runExperts(graph::ExpertsOp op);
  /// out[i] = epilogue(accumulators of i, inputs at i) for an accumulator tensor whose
  /// columns are `parts` side by side. groupOf(t) is the expert of row t, where there are
  /// experts.
  mlir::FailureOr<Tensor> epilogue(mlir::Region &region, const Tensor &accumulators, int64_t parts,
                                   mlir::OperandRange inputs, llvm::ArrayRef<int32_t> access,
                                   llvm::function_ref<int64_t(int64_t)> groupOf = nullptr);

  llvm::DenseMap<mlir::Value, Tensor> values;
};

/// Runs a scalar region on scalar arguments.
mlir::FailureOr<std::vector<double>>
runScalars(mlir::Region &region, llvm::ArrayRef<double> arguments, Precision precision);

/// `value` as the element type keeps it.
double roundTo(mlir::Type element, double value, Precision precision);

} // namespace dsv3::reference
