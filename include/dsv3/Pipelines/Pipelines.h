//===- Pipelines.h - the phases of compilation ------------------*- C++ -*-===//
//
// The story of a compilation, told once: which passes lead from one phase to the next,
// and what is verified at each border.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Transforms/Phases.h"

#include "mlir/Pass/PassManager.h"

#include <string>
#include <vector>

namespace dsv3 {

/// What passes are told.
struct PipelineOptions {
  std::string policy = "f32";
  std::string cacheType;           ///< elements of the cache; empty: what the policy says
  std::string activations = "f32"; ///< rows of products under policy f32
  /// Encodings of the products' weights and of the head; empty: as stored.
  std::string weights, head;
  bool observeInputs = false; ///< of products, for a calibration
  /// Most tokens of a step with absorbed attention, and of any step.
  int64_t rows = 16, chunk = 512;
  /// Variants to make kernels for; empty: CPUs, as suits the activations.
  std::vector<std::string> variants;
  std::string tensorCores = "wgmma"; ///< instructions of tiles on sm_90a: wgmma or mma
  /// Products whose bf16 weights CPUs read where the checkpoint has them (plan::inPlaceNames): an
  /// expert meets few rows, for which its rows are as good as panels.
  std::string weightsInPlace = "experts";
};

/// Adds the passes that lead to `phase` from the one before it, and the verifier of its
/// border. Import has the verifier alone; planned and emitted have neither, being no modules.
void addPhase(mlir::OpPassManager &manager, Phase phase, const PipelineOptions &options);

} // namespace dsv3
