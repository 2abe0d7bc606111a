//===- Pipelines.h - the phases of compilation ------------------*- C++ -*-===//
//
// The story of a compilation, told once: which phases there are, which passes lead
// from one to the next, and what is verified at each border.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "mlir/Pass/PassManager.h"

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace dsv3 {

/// The names that --stop-after, --dump-phases, documentation and tests use.
enum class Phase { Import, Graph, Sharded, Fused, Kernels, Configured, Planned, Emitted };

inline constexpr std::array<llvm::StringLiteral, 8> phaseNames{
    "import", "graph", "sharded", "fused", "kernels", "configured", "planned", "emitted"};

inline llvm::StringRef name(Phase phase) { return phaseNames[static_cast<size_t>(phase)]; }
std::optional<Phase> phaseFromName(llvm::StringRef name);
/// "import, graph, sharded": the names of the phases up to `last`, for --help.
std::string phaseList(Phase last);

/// What passes are told.
struct PipelineOptions {
  std::string policy = "f32";
  /// Most tokens of a step with absorbed attention, and of any step.
  int64_t rows = 16, chunk = 512;
  /// CPU variants to make kernels for; empty: all.
  std::vector<std::string> variants;
};

/// Adds the passes that lead to `phase` from the one before it, and the verifier of its
/// border. Import has the verifier alone; planned and emitted have neither, being no modules.
void addPhase(mlir::OpPassManager &manager, Phase phase, const PipelineOptions &options);

} // namespace dsv3
