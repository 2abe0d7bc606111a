//===- SectorCache.cpp - a cache of a GPU ---------------------------------===//

#include "runtime/predict/SectorCache.h"

#include <algorithm>
#include <bit>
#include <span>

using namespace dsv3;
using namespace dsv3::runtime;

SectorCache::SectorCache(int64_t bytes, int ways)
    : ways(ways), lines(size_t(std::max<int64_t>(1, bytes / lineBytes / ways) * ways)) {}

/// Spreads lines that are a power of two apart over the sets, as GPUs do.
static uint64_t spread(uint64_t line) { return line * 0x9E3779B97F4A7C15ULL >> 20; }

uint8_t SectorCache::access(const LineAccess &access, CacheTraffic &traffic) {
  size_t sets = lines.size() / size_t(ways);
  auto set = std::span(lines).subspan(spread(access.line) % sets * size_t(ways), size_t(ways));
  auto found = std::ranges::find_if(
      set, [&](const Line &line) { return line.used != 0 && line.number == access.line; });
  if (found == set.end()) {
    found = std::ranges::min_element(set, {}, &Line::used);
    traffic.written += std::popcount(found->dirty);
    *found = {access.line, 0, 0, 0};
  }
  found->used = ++now;
  auto missing = uint8_t(access.sectors & ~found->present);
  found->present |= access.sectors;
  if (access.store) {
    found->dirty |= access.sectors;
    return 0;
  }
  traffic.hits += std::popcount(uint8_t(access.sectors & ~missing));
  traffic.missed += std::popcount(missing);
  return missing;
}

void SectorCache::clear() { std::ranges::fill(lines, Line()); }
