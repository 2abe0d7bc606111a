//===- CoreBuilder.h - one kern.def from dsv3 ops to a core op --*- C++ -*-===//
//
// Private to GraphToKernel. A CoreBuilder holds the definition under conversion;
// each core op has a function that builds it from the dsv3 op it stands for.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "Graph/Extent.h"
#include "Graph/Graph.h"
#include "Kernel/Kernel.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/SmallVector.h"

namespace dsv3 {

/// A value as a part of a buffer of the definition: element (t, h, i) is column
/// `offset + h * stride + i` of row t of `source`.
struct BufferPart {
  mlir::Value source;
  int64_t offset = 0;
  int64_t stride = 0; ///< 0 without heads
};

class CoreBuilder {
public:
  CoreBuilder(kern::DefOp definition, mlir::OpBuilder &builder)
      : definition(definition), builder(builder), loc(definition.getLoc()) {}

  /// The values that the definition yields.
  mlir::ValueRange yielded();
  mlir::BlockArgument destination(unsigned index) { return definition.getDestinations()[index]; }

  /// The quantise stage, whose codes and scales are yielded last, or null.
  graph::QuantiseOp stage() const { return quantise; }
  mlir::IntegerAttr stageGroup() { return quantise ? quantise.getGroupAttr() : nullptr; }
  mlir::UnitAttr stageUe8m0() { return quantise ? quantise.getUe8m0Attr() : nullptr; }
  /// What regions compute: the yielded values, the last being what the stage quantises in
  /// the place of its codes and scales.
  llvm::SmallVector<mlir::Value> computed();

  /// `value` as an argument of the definition or a kern.view of one. Null, with a
  /// diagnostic, if it is neither.
  mlir::Value view(mlir::Value value);
  /// Columns [offset, offset + size) of the last dimension of `value`, likewise.
  mlir::Value view(mlir::Value value, int64_t offset, int64_t size);
  std::optional<BufferPart> partOf(mlir::Value value);

  /// The weight that a product reads through dsv3.dequantise or dsv3.cast, as it is stored.
  struct Weight {
    mlir::Value data, scales;
    mlir::DenseI64ArrayAttr block;
    mlir::Type rounded; ///< what a region `prologue` rounds its elements to, or null
  };
  Weight weight(mlir::Value value, mlir::Value scales, mlir::DenseI64ArrayAttr block);
  /// Writes the prologue of a weight, if it has one.
  void fillPrologue(const Weight &weight, mlir::Region &region);

  /// Builds the core op of the definition. The results replace what it yields.
  mlir::FailureOr<llvm::SmallVector<mlir::Value>> build();

  kern::DefOp definition;
  mlir::OpBuilder &builder;
  mlir::Location loc;

private:
  mlir::Value makeView(BufferPart part, mlir::RankedTensorType type);
  mlir::LogicalResult findStage();

  graph::QuantiseOp quantise;
};

using CoreResults = mlir::FailureOr<llvm::SmallVector<mlir::Value>>;

/// Collects the inputs of a scalar region and writes it. A `root` is a value that the region gets
/// as f32 arguments: a product's accumulators.
class ScalarBuilder {
public:
  explicit ScalarBuilder(CoreBuilder &core) : core(core) {}

  /// Finds what the region that computes `value` reads, down to `root`.
  mlir::LogicalResult discover(mlir::Value value, mlir::Value root);

  /// Appends to `block` an argument for each input found.
  void addArguments(mlir::Block &block);

  /// The scalar of `value`, in f32, rounded wherever a tensor on the way would have been.
  /// `accumulators` are those of the root; `scale` is 1 / rms for a norm on the way.
  mlir::Value emit(mlir::OpBuilder &builder, mlir::Value value, mlir::Value root,
                   mlir::ValueRange accumulators, mlir::Value scale);

  /// An f32 scalar as an element of a tensor: what a region yields.
  mlir::Value element(mlir::OpBuilder &builder, mlir::Value scalar, mlir::Type element);

  llvm::ArrayRef<mlir::Value> inputs() const { return views; }
  llvm::ArrayRef<int32_t> access() const { return kinds; }
  /// The norm found on the way, or null.
  graph::RmsNormOp norm() const { return normOp; }

private:
  mlir::LogicalResult addInput(mlir::Value key, mlir::Value view, kern::AccessKind kind);
  mlir::Value input(mlir::OpBuilder &builder, mlir::Value key, unsigned part = 0);
  /// An f32 scalar as `element` keeps it.
  mlir::Value rounded(mlir::OpBuilder &builder, mlir::Value scalar, mlir::Type element);

  CoreBuilder &core;
  /// The value an input stands for; gate and up of one value are two parts.
  llvm::SmallVector<std::pair<mlir::Value, unsigned>> keys;
  llvm::SmallVector<mlir::Value> views;
  llvm::SmallVector<int32_t> kinds;
  llvm::SmallVector<mlir::Value> arguments;
  graph::RmsNormOp normOp;
};

CoreResults buildRowwise(CoreBuilder &core);
CoreResults buildProduct(CoreBuilder &core, mlir::Operation *product);
CoreResults buildCombine(CoreBuilder &core, graph::CombineOp op);
/// Attention, router, dispatch, gather, rope table, rope and append, concat, sample. Fails, with
/// a diagnostic, if `op` is none of these.
CoreResults buildStep(CoreBuilder &core, mlir::Operation *op);

} // namespace dsv3
