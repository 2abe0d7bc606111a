//===- Parameters.h - the parameters of an imported module ------*- C++ -*-===//
//
// Private to lib/Import. Declares dsv3.parameter ops for the slots of a layer or of
// the model, and knows the structural signature of a layer.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "Graph/Graph.h"
#include "dsv3/Checkpoint/TensorMap.h"
#include "dsv3/Import/Import.h"

#include <optional>
#include <string>
#include <vector>

namespace dsv3::import {

/// A weight of a layer or of the model before its element type is known.
struct Slot {
  std::string name;
  std::vector<int64_t> shape; ///< [n], [rows, columns] or [groups, rows, columns]
  /// Equal shares of the rows; keys have {layer} and {expert}.
  std::vector<checkpoint::ExpectedTensor> pieces;
  /// Rows of the file from one group to the next; 0: each group has its own file tensor.
  int64_t groupStride = 0;
};

/// What a layer reads, the model outside of its layers, and the MTP module besides a layer.
std::vector<Slot> layerSlots(const checkpoint::ModelConfig &config, bool moe);
std::vector<Slot> modelSlots(const checkpoint::ModelConfig &config);
std::vector<Slot> mtpSlots(const checkpoint::ModelConfig &config);

/// The names and element types of all slots of a layer: layers with the same
/// signature share a function.
std::optional<std::string> signatureOf(const std::vector<Slot> &slots, int64_t layer,
                                       const StoredType &storedType, mlir::Location loc);

/// Declares the parameters of `slots` at the end of the module, named
/// `prefix.slot` (`slot` if the prefix is empty).
void declareParameters(mlir::ModuleOp module, const checkpoint::ModelConfig &config,
                       llvm::StringRef prefix, const std::vector<Slot> &slots,
                       llvm::ArrayRef<int64_t> layers, const StoredType &storedType);

} // namespace dsv3::import
