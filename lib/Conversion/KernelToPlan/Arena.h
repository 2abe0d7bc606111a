//===- Arena.h - offsets for buffers that live at different times -*- C++ -*-===//
#pragma once

#include <cstdint>
#include <vector>

namespace dsv3 {

/// A buffer that is used from step `begin` to step `end`, both included.
struct LiveRange {
  int64_t bytes = 0;
  int64_t begin = 0;
  int64_t end = 0;
};

/// Where each buffer goes, and how much there is in all.
struct ArenaLayout {
  std::vector<int64_t> offsets;
  int64_t bytes = 0;
  int64_t separateBytes = 0; ///< what it would be if no two buffers shared bytes
};

/// Alignment of every buffer: a cache line, and the widest vector.
inline constexpr int64_t arenaAlignment = 64;

/// Gives every buffer an offset such that buffers in use at the same time do not
/// overlap: largest first, each at the lowest place that is free while it lives.
ArenaLayout layOutArena(const std::vector<LiveRange> &ranges);

} // namespace dsv3
