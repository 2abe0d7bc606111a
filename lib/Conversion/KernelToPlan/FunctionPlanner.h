//===- FunctionPlanner.h - one function as a straight program ---*- C++ -*-===//
#pragma once

#include "Arena.h"
#include "Graph/Graph.h"
#include "Kernel/Kernel.h"
#include "dsv3/Plan/Plan.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"

namespace dsv3 {

/// Indices of the plan's tables by name, and the maxima of the entry being planned.
struct PlanTables {
  llvm::StringMap<int32_t> sizes, kernels, parameters;
  llvm::StringMap<int64_t> maxima;
};

/// "T*8" as the size T and the factor 8; a static extent has size -1. Fails for types that
/// plans do not have: other dimensions than the first are numbers.
struct RowCount {
  int32_t size = -1;
  int64_t factor = 1;
};
mlir::FailureOr<RowCount> rowsOf(mlir::RankedTensorType type, const PlanTables &tables,
                                 mlir::Operation *where);
/// Elements of a row.
int64_t columnsOf(mlir::RankedTensorType type);
mlir::FailureOr<DType> planType(mlir::Type element, mlir::Operation *where);

/// Plans one function: an entry, whose arguments and results are ports, or a layer
/// function, whose are formals. Buffers get offsets in a frame of their own.
class FunctionPlanner {
public:
  FunctionPlanner(mlir::func::FuncOp function, const PlanTables &tables,
                  const llvm::StringMap<int32_t> &bodies,
                  std::vector<plan::Observation> &observations, bool isEntry)
      : function(function), tables(tables), bodies(bodies), observations(observations),
        isEntry(isEntry) {}

  /// The instructions, with arena offsets relative to the frame.
  mlir::FailureOr<std::vector<plan::Instruction>> plan();
  int64_t frameBytes() const { return arena.bytes; }
  /// What the frame would be if no two buffers shared bytes.
  int64_t separateBytes() const { return arena.separateBytes; }

private:
  mlir::LogicalResult findBuffers();
  mlir::FailureOr<int64_t> bytesOf(mlir::Value value);
  /// The kern.empty, call result or argument that `value` is stored in.
  mlir::Value bufferOf(mlir::Value value);
  plan::Arg argOf(mlir::Value value);
  void appendArgs(mlir::Value value, std::vector<plan::Arg> &args);
  mlir::FailureOr<plan::Instruction> observe(graph::ObserveOp op);

  mlir::func::FuncOp function;
  const PlanTables &tables;
  const llvm::StringMap<int32_t> &bodies;
  std::vector<plan::Observation> &observations;
  bool isEntry;
  llvm::DenseMap<mlir::Value, plan::Arg> places;
  llvm::DenseMap<mlir::Value, size_t> ranges;
  std::vector<LiveRange> live;
  ArenaLayout arena;
};

} // namespace dsv3
