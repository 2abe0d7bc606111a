//===- ControlGroup.h - what control groups grant ---------------*- C++ -*-===//
//
// Containers and services limit what lies in them by Linux control groups (version 2): a
// tree of folders under /sys/fs/cgroup. A limit of a group holds for all groups below it.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace dsv3 {

/// The least that a group of this process grants; nothing where none sets a limit.
struct GroupLimits {
  std::optional<double> cpus;     ///< CPUs' worth of time
  std::optional<uint64_t> memory; ///< bytes that can be taken still; the file cache is given back
};

/// Those of the group that this process is in and of the groups above it, up to the one that
/// is mounted. `root`: where /proc and /sys are.
GroupLimits groupLimits(const std::filesystem::path &root = "/");

} // namespace dsv3
