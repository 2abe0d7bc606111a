//===- Import.h - from a configuration to a dsv3 module ---------*- C++ -*-===//
//
// Builds the module of phase `import`: parameters by checkpoint key, one function
// for each structural signature of a decoder layer, the entry function of a step
// and, where the checkpoint has one, that of the multi-token prediction module.
// Reads names, shapes and types only; weights never enter the IR.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Checkpoint/ModelConfig.h"
#include "dsv3/Support/DType.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <functional>

namespace dsv3::import {

/// The element type that a checkpoint stores a key with.
using StoredType = std::function<DType(llvm::StringRef key)>;

struct ImportOptions {
  /// Most tokens that a request can have; enters the cache's type.
  int64_t context = 4096;
  /// Most requests at a time; enters the cache's type.
  int64_t requests = 1;
  /// Import the multi-token prediction module too.
  bool mtp = false;
};

/// Precondition: the checkpoint was checked against `config` (checkTensors), so that
/// `storedType` knows every key. Fails, with a diagnostic, where tensors that share
/// a parameter are stored with different types.
mlir::OwningOpRef<mlir::ModuleOp> importModel(mlir::MLIRContext &context,
                                              const checkpoint::ModelConfig &config,
                                              const StoredType &storedType,
                                              const ImportOptions &options);

/// The types that a published checkpoint of this configuration has: FP8 for the
/// projections where `quantization_config` says so, f32 for the router's bias,
/// torch_dtype for the rest.
StoredType publishedTypes(const checkpoint::ModelConfig &config);

} // namespace dsv3::import
