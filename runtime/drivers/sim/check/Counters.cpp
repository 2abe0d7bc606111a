//===- Counters.cpp - what accesses of a warp cost ------------------------===//

#include "runtime/drivers/sim/check/Counters.h"

#include "runtime/drivers/sim/MappedMemory.h"
#include "runtime/drivers/sim/Warp.h"
#include "runtime/drivers/sim/check/Meetings.h"

#include <algorithm>
#include <array>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::runtime::sim;

static constexpr uintptr_t sectorBytes = 32, wordBytes = 4, bankCount = 32;

Counters::Counters(std::shared_ptr<const MappedMemory> mapped)
    : meetings(std::make_unique<Meetings>()), mapped(std::move(mapped)) {}
Counters::~Counters() = default;

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

Traffic runtime::sim::globalTraffic(std::span<const AccessEntry> lanes) {
  // In units of 2 bytes, the smallest that is counted well enough.
  int64_t bytes = unitsOf(lanes, 2) * 2;
  return {1, unitsOf(lanes, sectorBytes),
          (bytes + int64_t(sectorBytes) - 1) / int64_t(sectorBytes)};
}

/// Wavefronts of lanes that are served at once: the most words that one bank has to give.
static int64_t wavefronts(std::span<const AccessEntry> lanes) {
  std::vector<uintptr_t> words;
  words.reserve(size_t(warpLanes));
  for (const AccessEntry &lane : lanes) {
    for (uintptr_t word = begin(lane) / wordBytes; word * wordBytes < begin(lane) + lane.bytes;
         ++word) {
      words.push_back(word);
    }
  }
  std::ranges::sort(words);
  auto repeated = std::ranges::unique(words);
  words.erase(repeated.begin(), repeated.end());
  std::array<int64_t, bankCount> wanted{};
  for (uintptr_t word : words) {
    ++wanted[word % bankCount];
  }
  return std::ranges::max(wanted);
}

Traffic runtime::sim::sharedTraffic(std::span<const AccessEntry> lanes,
                                    std::span<const int> numbers) {
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
  meetings->forEach(lanes, [&](std::span<const AccessEntry> entries, std::span<const int> numbers) {
    KernelCounts::Site &site = current->sites[entries[0].site];
    site.store = entries[0].store;
    site.shared = entries[0].shared;
    Traffic traffic = site.shared ? sharedTraffic(entries, numbers) : globalTraffic(entries);
    site.traffic.add(traffic);
    current->busSectors += mapped->holds(entries[0].place) ? traffic.actual : 0;
  });
}
