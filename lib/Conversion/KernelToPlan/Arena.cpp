//===- Arena.cpp - offsets for buffers that live at different times -------===//
#include "Arena.h"

#include <algorithm>
#include <numeric>

namespace dsv3 {

static int64_t aligned(int64_t bytes) {
  return (bytes + arenaAlignment - 1) / arenaAlignment * arenaAlignment;
}

ArenaLayout layOutArena(const std::vector<LiveRange> &ranges) {
  std::vector<size_t> order(ranges.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return ranges[a].bytes > ranges[b].bytes; });
  ArenaLayout layout;
  layout.offsets.assign(ranges.size(), 0);
  std::vector<size_t> placed;
  for (size_t index : order) {
    const LiveRange &range = ranges[index];
    std::vector<size_t> neighbours;
    for (size_t other : placed) {
      if (ranges[other].begin <= range.end && range.begin <= ranges[other].end) {
        neighbours.push_back(other);
      }
    }
    std::sort(neighbours.begin(), neighbours.end(),
              [&](size_t a, size_t b) { return layout.offsets[a] < layout.offsets[b]; });
    int64_t offset = 0;
    for (size_t other : neighbours) {
      if (offset + aligned(range.bytes) <= layout.offsets[other]) {
        break;
      }
      offset = std::max(offset, layout.offsets[other] + aligned(ranges[other].bytes));
    }
    layout.offsets[index] = offset;
    layout.separateBytes += aligned(range.bytes);
    layout.bytes = std::max(layout.bytes, offset + aligned(range.bytes));
    placed.push_back(index);
  }
  return layout;
}

} // namespace dsv3
