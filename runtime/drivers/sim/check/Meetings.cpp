//===- Meetings.cpp - which lanes access memory together ------------------===//

#include "runtime/drivers/sim/check/Meetings.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

using namespace dsv3::runtime;
using namespace dsv3::runtime::sim;

bool Meetings::inStep(std::span<const std::vector<AccessEntry>> lanes) {
  bool same = std::ranges::all_of(lanes, [&](const std::vector<AccessEntry> &lane) {
    return std::ranges::equal(lane, lanes[0], {}, &AccessEntry::site, &AccessEntry::site);
  });
  if (same && all.size() != lanes.size()) {
    all.resize(lanes.size());
    std::iota(all.begin(), all.end(), 0);
  }
  return same;
}

void Meetings::group(std::span<const std::vector<AccessEntry>> lanes) {
  count = 0;
  places.clear();
  std::unordered_map<const void *, int> times;
  for (size_t lane = 0; lane < lanes.size(); ++lane) {
    times.clear();
    for (const AccessEntry &access : lanes[lane]) {
      auto [place, fresh] = places.try_emplace({access.site, times[access.site]++}, count);
      if (fresh) {
        meetings.resize(std::max(meetings.size(), ++count));
        meetings[place->second].entries.clear();
        meetings[place->second].numbers.clear();
      }
      meetings[place->second].entries.push_back(access);
      meetings[place->second].numbers.push_back(int(lane));
    }
  }
}
