//===- ParameterStore.h - the weights of a model in memory ------*- C++ -*-===//
//
// All parameters of a plan in the layouts of one variant, in one block of memory. They
// come from a checkpoint, every tensor of which is checked before the first byte is
// packed, are made up from a seed, or were packed before and are mapped from a file.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Checkpoint/Checkpoint.h"
#include "dsv3/Plan/Plan.h"
#include "dsv3/Support/Status.h"
#include "runtime/base/FileMapping.h"
#include "runtime/base/Memory.h"
#include "runtime/params/WeightImportance.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace dsv3::runtime {

struct LoadOptions {
  /// Threads that pack; 0: as many as are useful here.
  int threads = 0;
  /// Called by the calling thread a few times a second with bytes packed and all bytes.
  std::function<void(uint64_t done, uint64_t total)> progress;
  /// Once true, loading stops soon and fails with "interrupted". May be null.
  const std::atomic<bool> *cancel = nullptr;
  /// Of columns of weights that are encoded as int4. May be null: all are alike.
  const WeightImportance *importance = nullptr;
};

/// Where parameters lie in the block.
class ParameterOffsets {
public:
  ParameterOffsets() = default;
  ParameterOffsets(const plan::Plan &plan, size_t variant);

  /// Data of a parameter, on a border of 64 bytes. `layer` must be one of its layers;
  /// ignored if it has none.
  uint64_t data(size_t parameter, int64_t layer) const;
  /// Scales likewise; nothing if the parameter has none.
  std::optional<uint64_t> scales(size_t parameter, int64_t layer) const;

private:
  struct Place {
    std::vector<int64_t> layers; ///< of the parameter
    uint64_t data = 0, scales = 0;
    uint64_t stride = 0; ///< from one layer's to the next
    bool hasScales = false;
  };
  static uint64_t offsetOf(const Place &place, int64_t layer);

  std::vector<Place> places;
};

/// Owns the weights. Immutable once loaded; several threads may read it. Moves, does not
/// copy; addresses stay.
class ParameterStore {
public:
  /// Packs the tensors that `plan` names for `variant` (an index into its variants).
  /// Fails with all tensors that are missing, of another shape or of another type, or
  /// with one that holds NaN codes, impossible scales or values that cannot be encoded. Pages of
  /// the checkpoint's files are given back to the system as soon as they were read. Precondition:
  /// the plan is valid.
  static Expected<ParameterStore> load(const plan::Plan &plan, size_t variant,
                                       checkpoint::Checkpoint &checkpoint,
                                       const LoadOptions &options = {});
  /// Makes weights up. They depend on the seed and the plan's parameters only.
  static Expected<ParameterStore> dummy(const plan::Plan &plan, size_t variant, uint64_t seed,
                                        const LoadOptions &options = {});

  /// Weights that a store of the same plan and variant had as its bytes().
  static ParameterStore mapped(const plan::Plan &plan, size_t variant, FileMapping mapping);

  /// Data of a parameter, 64-byte aligned. `layer` must be one of its layers; ignored if
  /// it has none.
  const std::byte *data(size_t parameter, int64_t layer) const;
  /// Scales likewise; null if the parameter has none.
  const std::byte *scales(size_t parameter, int64_t layer) const;
  /// The whole block.
  std::span<const std::byte> bytes() const;

private:
  static Expected<ParameterStore> reserve(const plan::Plan &plan, size_t variant);

  /// One of both holds the block.
  Memory memory;
  FileMapping mapping;
  ParameterOffsets offsets;
};

} // namespace dsv3::runtime
