//===- CubinFolder.h - what a cache of compiled kernels holds ---*- C++ -*-===//
#pragma once

#include "runtime/jit/CubinCache.h"

#include <span>
#include <vector>

namespace dsv3::runtime {

/// A file of a folder of compiled kernels, read whole and checked.
struct KeptCubin {
  std::filesystem::path path;
  uint64_t bytes = 0;
  std::filesystem::file_time_type used; ///< when it was last read or written
  CubinKey key;                         ///< empty where it is damaged
  std::string damage;                   ///< what is wrong with it, or empty
};
/// Those of a folder, which may not be there, by their names.
std::vector<KeptCubin> keptCubins(const std::filesystem::path &folder);

/// Why a cache has no kernels of these keys, which are of one kind, for a line that says what is
/// compiled; what changed is a text, the architecture, or what else is in a key:
/// " (54 are the first for sm_90a)", " (3 have a new text, 51 were compiled with other device
/// headers)". Empty for a cache without kernels of the kind.
std::string whyLacking(const std::filesystem::path &folder, std::span<const CubinKey> keys);

/// Removes files that killed processes have begun to write, and tells how many. Those that are
/// being written, and young ones, are left alone.
size_t removeAbandonedCubins(const std::filesystem::path &folder);

} // namespace dsv3::runtime
