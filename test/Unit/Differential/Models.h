//===- Models.h - models that the differential tests compile ----*- C++ -*-===//
#pragma once

#include "dsv3/Support/DType.h"

#include "mlir/IR/BuiltinOps.h"

#include <string>
#include <vector>

namespace dsv3::differential {

/// A model to take kernels from.
struct Case {
  std::string name;
  std::string config;         ///< path of a config.json
  int64_t divisor = 1;        ///< sizes are divided by it, or left alone with 1
  int64_t ragged = 0;         ///< added to sizes that need not be round
  DType stored = DType::BF16; ///< what the checkpoint stores, where it is not FP8
  bool fp8 = true;            ///< false: not even where the configuration says so
  int64_t mostTokens = 0;     ///< of a step, besides a few
  std::string weights = {};   ///< encodings; empty: as stored
  std::string head = {};
  std::string cache = {};
  std::string activations = "f32";
  std::string policy = "f32";
  std::string tensorCores = "wgmma";
  bool inPlace = false;
  int64_t vHeadDim = 0; ///< above 0 instead of what the configuration says
};

/// Those of the tree, and the oracles' where they are at hand.
const std::vector<Case> &allCases();

/// Configured for the variants that are given, or all CPUs.
mlir::OwningOpRef<mlir::ModuleOp> compileCase(const Case &one, mlir::MLIRContext &context,
                                              const std::vector<std::string> &variants = {});

/// The module of `text`, which has no functions, likewise configured.
mlir::OwningOpRef<mlir::ModuleOp> configured(const std::string &text, mlir::MLIRContext &context,
                                             const std::vector<std::string> &variants = {},
                                             const std::string &tensorCores = "wgmma");

/// kern.sample of rows of one column up to thousands, with and without whole vectors and blocks,
/// likewise configured.
mlir::OwningOpRef<mlir::ModuleOp> sampleKernels(mlir::MLIRContext &context,
                                                const std::vector<std::string> &variants = {});

} // namespace dsv3::differential
