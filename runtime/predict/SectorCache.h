//===- SectorCache.h - a cache of a GPU -------------------------*- C++ -*-===//
//
// Lines of 128 bytes in sectors of 32: a line has a place as a whole, its sectors come one
// by one. The line of a set that was not used for longest goes first. Stores leave what
// they write in the cache; it goes to memory when its line does.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>
#include <vector>

namespace dsv3::runtime {

inline constexpr int64_t sectorBytes = 32, lineBytes = 128;

/// What threads of a warp do with a line at once.
struct LineAccess {
  uint64_t line = 0;   ///< address / lineBytes
  uint8_t sectors = 0; ///< a bit for each of four
  bool store = false;
  const void *site = nullptr; ///< in the code, where that is of interest
};

/// In sectors.
struct CacheTraffic {
  int64_t hits = 0;
  int64_t missed = 0;  ///< loads that memory had to serve
  int64_t written = 0; ///< to memory, since their line went
};

class SectorCache {
public:
  /// `ways` lines a set; at least one set.
  SectorCache(int64_t bytes, int ways);

  /// Adds what the access does to `traffic`; the sectors that missed.
  uint8_t access(const LineAccess &access, CacheTraffic &traffic);
  /// Forgets all, without writing.
  void clear();

private:
  struct Line {
    uint64_t number = 0, used = 0; ///< used 0: empty
    uint8_t present = 0, dirty = 0;
  };

  int ways;
  std::vector<Line> lines; ///< set by set
  uint64_t now = 0;
};

} // namespace dsv3::runtime
