//===- Phases.h - what the phases of compilation are called -----*- C++ -*-===//
//
// The one list of phases. Pipelines.h says which passes lead from one to the next.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "llvm/ADT/StringRef.h"

#include <array>
#include <optional>
#include <string>

namespace dsv3 {

/// In the order in which they are gone through.
enum class Phase { Import, Graph, Sharded, Fused, Kernels, Configured, Planned, Emitted };

/// The names that --stop-after, --dump-phases, dsv3-verify-phase, documentation and tests use.
inline constexpr std::array<llvm::StringLiteral, 8> phaseNames{
    "import", "graph", "sharded", "fused", "kernels", "configured", "planned", "emitted"};

inline llvm::StringRef name(Phase phase) { return phaseNames[static_cast<size_t>(phase)]; }
std::optional<Phase> phaseFromName(llvm::StringRef name);
/// "import, graph, sharded": the names of the phases up to `last`, for people.
std::string phaseList(Phase last);

} // namespace dsv3
