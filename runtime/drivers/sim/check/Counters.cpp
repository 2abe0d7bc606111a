//===- Counters.cpp - what accesses of a warp cost ------------------------===//

#include "runtime/drivers/sim/check/Counters.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

using namespace dsv3::runtime;
using namespace dsv3::runtime::sim;

static constexpr uintptr_t sectorBytes = 32, wordBytes = 4, bankCount = 32;
static constexpr int warpLanes = 32;

static uintptr_t begin(const AccessEntry &access) {
  return reinterpret_cast<uintptr_t>(access.place);
}

/// How many different units of `size` bytes the accesses touch.
static int64_t unitsOf(std::span<const AccessEntry> lanes, uintptr_t size) {
  std::vector<uintptr_t> units;
  for (const AccessEntry &lane : lanes) {
    for (uintptr_t unit = begin(lane) / size; unit * size < begin(lane) + lane.bytes; ++unit) {
      units.push_back(unit);
    }
  }
  std::ranges::sort(units);
  auto repeated = std::ranges::unique(units);
  return int64_t(units.size() - repeated.size());
}

Traffic sim::globalTraffic(std::span<const AccessEntry> lanes) {
  // In units of 2 bytes, the smallest that is counted well enough.
  int64_t bytes = unitsOf(lanes, 2) * 2;
  return {1, unitsOf(lanes, sectorBytes),
          (bytes + int64_t(sectorBytes) - 1) / int64_t(sectorBytes)};
}

/// Wavefronts of lanes that are served at once: the most words that one bank has to give.
static int64_t wavefronts(std::span<const AccessEntry> lanes) {
  std::array<std::vector<uintptr_t>, bankCount> wanted;
  for (const AccessEntry &lane : lanes) {
    for (uintptr_t word = begin(lane) / wordBytes; word * wordBytes < begin(lane) + lane.bytes;
         ++word) {
      std::vector<uintptr_t> &words = wanted[word % bankCount];
      if (std::ranges::find(words, word) == words.end()) {
        words.push_back(word);
      }
    }
  }
  size_t most = 0;
  for (const std::vector<uintptr_t> &words : wanted) {
    most = std::max(most, words.size());
  }
  return int64_t(most);
}

Traffic sim::sharedTraffic(std::span<const AccessEntry> lanes, std::span<const int> numbers) {
  Traffic traffic{1, 0, 0};
  // Lanes that are served together: all for 4 bytes, half of them for 8, a quarter for 16.
  uint32_t width = std::max<uint32_t>(lanes[0].bytes, 4);
  int together = std::max(8, warpLanes * 4 / int(width));
  for (int first = 0; first < warpLanes; first += together) {
    std::vector<AccessEntry> part;
    for (size_t i = 0; i < lanes.size(); ++i) {
      if (numbers[i] >= first && numbers[i] < first + together) {
        part.push_back(lanes[i]);
      }
    }
    traffic.actual += part.empty() ? 0 : wavefronts(part);
    traffic.least += part.empty() ? 0 : 1;
  }
  return traffic;
}

Traffic KernelCounts::total(bool shared) const {
  Traffic sum;
  for (const auto &[place, site] : sites) {
    if (site.shared == shared) {
      sum.add(site.traffic);
    }
  }
  return sum;
}

void Counters::beginLaunch(const std::string &kernel, int64_t blocks) {
  current = &counts[kernel];
  ++current->launches;
  current->blocks += blocks;
}

void Counters::flush(std::span<std::vector<AccessEntry>> lanes) {
  // The n-th time that a lane comes to an instruction it meets the other lanes' n-th time.
  using Meeting = std::pair<const void *, int>;
  std::map<Meeting, std::pair<std::vector<AccessEntry>, std::vector<int>>> meetings;
  for (size_t lane = 0; lane < lanes.size(); ++lane) {
    std::unordered_map<const void *, int> times;
    for (const AccessEntry &access : lanes[lane]) {
      auto &[entries, numbers] = meetings[{access.site, times[access.site]++}];
      entries.push_back(access);
      numbers.push_back(int(lane));
    }
    lanes[lane].clear();
  }
  for (const auto &[meeting, who] : meetings) {
    const auto &[entries, numbers] = who;
    KernelCounts::Site &site = current->sites[meeting.first];
    site.store = entries[0].store;
    site.shared = entries[0].shared;
    site.traffic.add(site.shared ? sharedTraffic(entries, numbers) : globalTraffic(entries));
  }
}
