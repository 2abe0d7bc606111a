//===- WeightReads.h - weights that products read ---------------*- C++ -*-===//
//
// A product reads a parameter as it is stored, or through an expansion: dsv3.dequantise or
// dsv3.cast of the stored weight, which the precision policy wrote. An expansion is no kernel
// of its own: it happens where the weight is read.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "Common.h"

namespace dsv3 {

/// Whether `op` is an expansion of a weight.
bool isExpansion(mlir::Operation *op);

/// The stored weight that `value` is, or is expanded from; null if it is something else.
graph::WeightOp storedWeight(mlir::Value value);

/// What a product reads of the stored weight `weight`: itself, or `element` values made of it
/// where that is given. `scales` and `block` are null with an expansion.
struct WeightRead {
  mlir::Value data, scales;
  mlir::DenseI64ArrayAttr block;
};
WeightRead readWeight(mlir::OpBuilder &builder, graph::WeightOp weight,
                      mlir::DenseI64ArrayAttr block, mlir::Type element);

/// Puts the detached parameter `wanted` behind `place`, under its name or, where something else
/// has that, under one of its own. Where it is declared already, returns that instead.
graph::ParameterOp declareOnce(graph::ParameterOp place, graph::ParameterOp wanted);

} // namespace dsv3
