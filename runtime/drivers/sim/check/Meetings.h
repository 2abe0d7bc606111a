//===- Meetings.h - which lanes access memory together ----------*- C++ -*-===//
#pragma once

#include "runtime/drivers/sim/check/Counters.h"

#include <map>
#include <span>
#include <utility>
#include <vector>

namespace dsv3::runtime::sim {

/// The accesses of the lanes of a warp since they were last in step, by instruction: the n-th time
/// that a lane comes to one it meets the other lanes' n-th time. Used by one thread at a time.
class Meetings {
public:
  /// Calls visit(accesses, numbers of their lanes) for each, in the order in which the first lane
  /// that takes part comes to them. Empties the lists.
  template <typename Visit>
  void forEach(std::span<std::vector<AccessEntry>> lanes, Visit visit) {
    if (inStep(lanes)) {
      for (size_t i = 0; i < lanes[0].size(); ++i) {
        entries.clear();
        for (const std::vector<AccessEntry> &lane : lanes) {
          entries.push_back(lane[i]);
        }
        visit(std::span<const AccessEntry>(entries), std::span<const int>(all));
      }
    } else {
      group(lanes);
      for (size_t i = 0; i < count; ++i) {
        visit(std::span<const AccessEntry>(meetings[i].entries),
              std::span<const int>(meetings[i].numbers));
      }
    }
    for (std::vector<AccessEntry> &lane : lanes) {
      lane.clear();
    }
  }

private:
  struct Meeting {
    std::vector<AccessEntry> entries;
    std::vector<int> numbers;
  };
  /// Whether all lanes came to the same instructions; then `all` has their numbers.
  bool inStep(std::span<const std::vector<AccessEntry>> lanes);
  void group(std::span<const std::vector<AccessEntry>> lanes);

  std::vector<AccessEntry> entries;
  std::vector<int> all;
  std::vector<Meeting> meetings; ///< the first `count` are of now
  size_t count = 0;
  std::map<std::pair<const void *, int>, size_t> places; ///< in meetings
};

} // namespace dsv3::runtime::sim
