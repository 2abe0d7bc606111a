//===- CacheEntries.h - what dsv3-run has compiled and kept -----*- C++ -*-===//
//
// The cache has compiled models (runtime/bundle/CompileCache.h) and, in a folder of
// its own, compiled kernels of GPUs (runtime/jit/CubinCache.h). Others may compile into it
// and read from it meanwhile.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace dsv3::cli {

struct CacheEntry {
  std::filesystem::path path;
  std::string what; ///< "/models/a, policy f32, for x86-64-v3", "kernel for sm_90a, NVRTC 13.0"
  bool model = false;
  uint64_t bytes = 0;
  std::filesystem::file_time_type used; ///< last
  std::string problem;                  ///< why it cannot be used, or empty
};

/// All of them, read and checked, the least recently used first. A folder that is not there has
/// none. What has not a name of ours is none.
std::vector<CacheEntry> cacheEntries(const std::filesystem::path &cache);

/// The bundle, which a person made, and the kernels of GPUs that were compiled into it, likewise.
std::vector<CacheEntry> bundleEntries(const std::filesystem::path &bundle);

/// What is to be kept, at most; the least recently used goes first.
struct CacheLimits {
  std::optional<std::chrono::seconds> age;
  std::optional<uint64_t> bytes;
};
/// The entries that go, in their order.
std::vector<CacheEntry> beyondLimits(const std::vector<CacheEntry> &entries,
                                     const CacheLimits &limits,
                                     std::filesystem::file_time_type now);

/// In one step for whoever reads it. One that is no longer there is no failure.
Status removeEntry(const std::filesystem::path &cache, const CacheEntry &entry);
/// What killed processes left half written. How many.
size_t removeAbandoned(const std::filesystem::path &cache);

} // namespace dsv3::cli
