//===- Bundle.h - what dsv3-compile leaves behind ---------------*- C++ -*-===//
//
// A directory with plan.dsv3, one shared object per variant, config.json and, where it
// was compiled from a checkpoint, a file `checkpoint` with that directory's path. Opening
// checks all that can be said without the weights; the driver checks the object that it
// loads. Packed weights may lie there too (runtime/params/PackedFile.h).
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Checkpoint/Checkpoint.h"
#include "dsv3/Plan/Plan.h"
#include "dsv3/Support/Status.h"
#include "runtime/hal/Device.h"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace dsv3::runtime {

/// A value type; immutable once opened.
class Bundle {
public:
  /// Whether there is a plan in `directory`.
  static bool isBundle(const std::filesystem::path &directory);
  /// Reads and validates the plan. Fails, saying what differs and what to run, if
  /// something is missing or damaged, or the bundle is of another version of dsv3.
  static Expected<Bundle> open(const std::filesystem::path &directory);

  const std::filesystem::path &directory() const { return root; }
  const plan::Plan &plan() const { return contents; }
  /// The text of config.json.
  const std::string &configText() const { return config; }
  /// Names the plan: the hash of its file's bytes, in hexadecimal.
  const std::string &planHash() const { return hashOfPlan; }
  /// The checkpoint that it was compiled from; none if it was a config alone.
  const std::optional<std::filesystem::path> &checkpoint() const { return source; }

  /// The index of the variant `wanted`, or, where that is empty, of the best that this machine
  /// runs. Fails if this machine does not run it or the bundle lacks it.
  Expected<size_t> chooseVariant(std::string_view wanted) const;
  /// The index of the variant that `device` prefers. Fails if the bundle has none for it.
  Expected<size_t> chooseVariant(const Device &device) const;
  /// The shared object of a variant.
  std::filesystem::path objectPath(size_t variant) const;
  /// Where weights in the layouts of a variant may be kept, once they are packed.
  std::filesystem::path packedPath(size_t variant) const;
  /// Fails if the bundle was compiled from another checkpoint.
  Status checkIdentity(const checkpoint::Checkpoint &checkpoint) const;

private:
  std::filesystem::path root;
  plan::Plan contents;
  std::string config, hashOfPlan;
  std::optional<std::filesystem::path> source;
};

} // namespace dsv3::runtime
