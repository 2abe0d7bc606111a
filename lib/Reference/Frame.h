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
#include "llvm/ADT/StringMap.h"

namespace dsv3::reference {

class Frame {
public:
  Frame(Interpreter &machine, int64_t layer, const Observer &observer)
      : machine(machine), layer(layer), observer(observer) {}

  /// A callee's or kernel's frame, whose named sizes are those of `outer`.
  Frame(const Frame &outer, int64_t layer)
      : machine(outer.machine), layer(layer), observer(outer.observer), sizes(outer.sizes) {}

  /// Runs the ops of `block`; the values of its terminator's operands.
  mlir::FailureOr<std::vector<Tensor>> run(mlir::Block &block);

  void bind(mlir::Value value, Tensor tensor) { values[value] = std::move(tensor); }
  /// Precondition: the value is bound; of an op that runs every operand that it reads is.
  const Tensor &get(mlir::Value value) const { return values.find(value)->second; }
  /// Whether `tensor` is of `type`. A named size is what it was where it was first seen.
  bool fits(mlir::RankedTensorType type, const Tensor &tensor);
  /// Binds after rounding to the value's element type.
  void define(mlir::Value value, Tensor tensor);
  /// Binds codes and scales of `x`.
  void defineQuantised(mlir::Value codes, mlir::Value scales, const Tensor &x, int64_t group,
                       bool ue8m0);

  WeightView weight(mlir::Value data, mlir::Value scales,
                    std::optional<llvm::ArrayRef<int64_t>> block) const;
  /// The weight's values: code × scale where it is FP8.
  Tensor expanded(mlir::Value data, mlir::Value scales,
                  std::optional<llvm::ArrayRef<int64_t>> block) const;

  /// The rows that a product multiplies: code × scale, a scale for each block of columns,
  /// where they are codes.
  Tensor activations(mlir::Value rows, mlir::Value scales,
                     std::optional<llvm::ArrayRef<int64_t>> block) const;

  /// Whose threads compute.
  mlir::MLIRContext *context() const { return machine.module.getContext(); }

  Interpreter &machine;
  int64_t layer;
  const Observer &observer;

private:
  mlir::LogicalResult runOp(mlir::Operation &op);
  /// Fails if `op` reads a value that nothing has computed.
  mlir::LogicalResult checkOperands(mlir::Operation &op) const;
  /// Fails if a result is not of its type.
  mlir::LogicalResult checkResults(mlir::Operation &op);
  mlir::LogicalResult runDense(mlir::Operation &op, bool &known);
  mlir::LogicalResult runRows(mlir::Operation &op, bool &known);
  mlir::LogicalResult runAttention(mlir::Operation &op, bool &known);
  mlir::LogicalResult runExperts(mlir::Operation &op, bool &known);
  mlir::LogicalResult runStructure(mlir::Operation &op, bool &known);
  mlir::LogicalResult runCheck(mlir::Operation &op, bool &known);
  mlir::LogicalResult runCore(mlir::Operation &op, bool &known);
  mlir::LogicalResult append(mlir::Operation &op, const Tensor &latent, const Tensor &key,
                             const Tensor &positions, const Tensor &requests,
                             graph::CacheType type);
  Tensor view(kern::ViewOp op) const;
  mlir::LogicalResult rowwise(kern::RowwiseOp op);
  mlir::LogicalResult gemm(kern::GemmOp op);
  mlir::LogicalResult groupedGemm(kern::GroupedGemmOp op);
  /// Binds what a product gives: its values, or their codes and scales.
  template <typename OpT>
  mlir::LogicalResult finishProduct(OpT op, mlir::FailureOr<Tensor> result);
  /// A weight after its region `prologue`; as it is where there is none.
  mlir::FailureOr<Tensor> prologued(mlir::Region &region, Tensor weight);
  mlir::LogicalResult cacheRead(graph::CacheReadOp read);
  mlir::LogicalResult ropeAppend(kern::RopeAppendOp write);
  mlir::LogicalResult mixture(graph::ExpertsOp op);
  /// Fails if groups of entries read what is not there, or more than there is.
  mlir::LogicalResult checkGroups(mlir::Operation &op, mlir::Value x, mlir::Value offsets,
                                  mlir::Value rows) const;
  /// Fails if an expert has more entries than there is room for.
  mlir::LogicalResult checkCounts(mlir::Operation &op, mlir::Value counts, int64_t capacity) const;
  /// Fails if a slot is no row of `x`.
  mlir::LogicalResult checkSlots(mlir::Operation &op, mlir::Value x, mlir::Value slots) const;
  /// out[i] = epilogue(accumulators of i, inputs at i) for an accumulator tensor whose
  /// columns are `parts` side by side. groupOf(t) is the expert of row t, where there are
  /// experts.
  mlir::FailureOr<Tensor> epilogue(mlir::Region &region, const Tensor &accumulators, int64_t parts,
                                   mlir::OperandRange inputs, llvm::ArrayRef<int32_t> access,
                                   llvm::function_ref<int64_t(int64_t)> groupOf = nullptr);

  llvm::DenseMap<mlir::Value, Tensor> values;
  llvm::StringMap<int64_t> sizes;
};

/// Whether `operand` is a destination, which its op does not read.
bool isDestination(mlir::OpOperand &operand);

} // namespace dsv3::reference
