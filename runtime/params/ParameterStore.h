//===- ParameterStore.h - the weights of a model in memory ------*- C++ -*-===//
//
// All parameters of a plan in the layouts of one variant, in one block of memory: those of
// routed experts behind the others, or apart from them. They come from a checkpoint, every tensor
// of which is checked before the first byte is packed, are made up from a seed, or were packed
// before and are mapped from a file. Those that kernels read in place are in no such block: they
// stay in the checkpoint's mapped files, or are made up as rows in memory of their own.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Checkpoint/Checkpoint.h"
#include "dsv3/Plan/Plan.h"
#include "dsv3/Support/Status.h"
#include "runtime/base/FileMapping.h"
#include "runtime/base/Memory.h"
#include "runtime/params/InPlaceWeights.h"
#include "runtime/params/WeightImportance.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace dsv3::runtime {

/// A place among the weights.
struct WeightPlace {
  bool ofExperts = false; ///< routed ones, which may lie apart
  uint64_t offset = 0;    ///< from their begin, or from that of the others

  /// Where both begin as said.
  template <typename Byte>
  Byte *in(Byte *others, Byte *experts) const {
    return (ofExperts ? experts : others) + offset;
  }
};

struct LoadOptions {
  /// Threads that pack; 0: as many as are useful here.
  int threads = 0;
  /// Called by the calling thread a few times a second with bytes packed and all bytes.
  std::function<void(uint64_t done, uint64_t total)> progress;
  /// Once true, loading stops soon and fails with "interrupted". May be null.
  const std::atomic<bool> *cancel = nullptr;
  /// Of columns of weights that are encoded as int4. May be null: all are alike.
  const WeightImportance *importance = nullptr;
  /// Weights in place are read before load() returns, rather than when they are used.
  bool fetches = true;
  /// Takes packed weights to where they are used, beside packing and in any order, each place once:
  /// called by the thread that loads. The store then has no bytes, but for experts that lie apart,
  /// which are not taken. Empty: all stay.
  std::function<Status(WeightPlace place, std::span<const std::byte> bytes)> take = nullptr;
  /// Zeroed memory for the weights of routed experts, plan::expertBytes of it, that outlives the
  /// store. Empty: they lie behind the others.
  std::span<std::byte> experts = {};
};

/// The most bytes of packed weights that are in memory at once while they are taken
/// (LoadOptions::take). `expertsApart`: those of routed experts are not.
uint64_t mostBytesUnderWay(const plan::Plan &plan, size_t variant, bool expertsApart);
/// Packing waits while more than this waits to be taken (LoadOptions::take).
inline constexpr uint64_t mostReadyBytes = uint64_t(1) << 30;

/// Where parameters lie.
class ParameterOffsets {
public:
  ParameterOffsets(const plan::Plan &plan, size_t variant);

  /// Data of a parameter, on a border of 64 bytes. `layer` must be one of its layers;
  /// ignored if it has none.
  WeightPlace data(size_t parameter, int64_t layer) const;
  /// Scales likewise; nothing if the parameter has none.
  std::optional<WeightPlace> scales(size_t parameter, int64_t layer) const;
  /// Of the weights that are no routed experts'.
  uint64_t othersBytes() const { return others; }

private:
  struct Place {
    std::vector<int64_t> layers; ///< of the parameter
    bool ofExperts = false;
    uint64_t data = 0, scales = 0;
    uint64_t stride = 0; ///< from one layer's to the next
    bool hasScales = false;
  };
  static uint64_t offsetOf(const Place &place, int64_t layer);

  std::vector<Place> places;
  uint64_t others = 0;
};

/// Owns the weights. Immutable once loaded; several threads may read it. Moves, does not
/// copy; addresses stay.
class ParameterStore {
public:
  /// Packs the tensors that `plan` names for `variant` (an index into its variants).
  /// Fails with all tensors that are missing, of another shape or of another type, or
  /// with one that holds NaN codes, impossible scales or values that cannot be encoded. Pages of
  /// the checkpoint's files are given back to the system as soon as they were packed from.
  /// Precondition: the plan is valid. With parameters in place the checkpoint must outlive the
  /// store.
  static Expected<ParameterStore> load(const plan::Plan &plan, size_t variant,
                                       checkpoint::Checkpoint &checkpoint,
                                       const LoadOptions &options = {});
  /// Makes weights up. They depend on the seed and the plan's parameters only.
  static Expected<ParameterStore> dummy(const plan::Plan &plan, size_t variant, uint64_t seed,
                                        const LoadOptions &options = {});

  /// Weights that a store of the same plan and variant had as its parts(), one behind the other,
  /// without those in place. `experts`, if not empty, has a copy of those of routed experts
  /// (LoadOptions::experts).
  static ParameterStore mapped(const plan::Plan &plan, size_t variant, FileMapping mapping,
                               std::span<const std::byte> experts = {});
  /// Adds what is in place to mapped weights, as load() and dummy() do.
  Status addInPlace(const plan::Plan &plan, checkpoint::Checkpoint &checkpoint,
                    const LoadOptions &options = {});
  Status makeInPlace(const plan::Plan &plan, uint64_t seed, const LoadOptions &options = {});

  /// Data of a parameter, 64-byte aligned, or its table where it is in place. `layer` must be one
  /// of its layers; ignored if it has none.
  const std::byte *data(size_t parameter, int64_t layer) const;
  /// Scales likewise; null if the parameter has none.
  const std::byte *scales(size_t parameter, int64_t layer) const;
  /// The block, without what is in place.
  std::span<const std::byte> bytes() const { return block; }
  /// How much of the block was in huge pages once it was loaded. Measured before what is in place
  /// is read: later /proc/self/smaps would walk all its pages.
  uint64_t hugeBytes() const { return huge; }
  /// The block and, where they lie apart, the weights of routed experts.
  std::array<std::span<const std::byte>, 2> parts() const { return {block, apart}; }
  const ParameterOffsets &places() const { return offsets; }

private:
  ParameterStore(const plan::Plan &plan, size_t variant)
      : inPlace(plan, variant), offsets(plan, variant) {}
  static Expected<ParameterStore> reserve(const plan::Plan &plan, size_t variant,
                                          const LoadOptions &options);
  void place(std::span<const std::byte> whole, std::span<const std::byte> elsewhere);
  /// Sets what hugeBytes() says.
  void lookAtPages();

  /// One of both holds the block.
  Memory memory;
  FileMapping mapping;
  InPlaceWeights inPlace;
  Memory madeUp; ///< rows that are read in place
  std::span<const std::byte> block, apart;
  const std::byte *experts = nullptr; ///< in one of them
  uint64_t huge = 0;
  ParameterOffsets offsets;
};

} // namespace dsv3::runtime
