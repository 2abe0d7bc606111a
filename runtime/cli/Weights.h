//===- Weights.h - the weights of an open model -----------------*- C++ -*-===//
//
// Weights are mapped where a file of packed ones lies beside the bundle and fits; else
// they are packed from the checkpoint or made up, and kept in that file if --keep-packed
// asks for it.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/cli/Model.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

namespace dsv3::cli {

/// The weights that are kept beside the bundle, with all their bytes checked if the flags ask
/// for that. Says on stderr why not where there are some that do not fit or are damaged. Fails
/// if the user interrupts it.
Expected<std::optional<runtime::FileMapping>> findPacked(const ModelFiles &files,
                                                         const ModelFlags &flags);

/// What loading weights may use.
struct WeightMemory {
  uint64_t available = 0;            ///< bytes of the host
  std::span<std::byte> experts = {}; ///< runtime::LoadOptions::experts
  /// runtime::LoadOptions::take, of weights that are neither mapped nor kept.
  std::function<Status(runtime::WeightPlace, std::span<const std::byte>)> take = nullptr;
};

/// Takes `packed` for the weights, or makes them; progress on stderr. Mapped weights that
/// memory holds are read at once, others when steps want them; those of experts that lie apart
/// are copied.
Expected<LoadedWeights> loadWeights(ModelFiles &files, const ModelFlags &flags,
                                    std::optional<runtime::FileMapping> packed,
                                    const WeightMemory &memory);

} // namespace dsv3::cli
