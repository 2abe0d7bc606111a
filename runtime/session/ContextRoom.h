//===- ContextRoom.h - how much text a model has room for -------*- C++ -*-===//
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace dsv3::runtime {

/// Each at most the next.
struct ContextRoom {
  int64_t tokens = 0;   ///< that the cache holds
  int64_t compiled = 0; ///< that --context could make of them
  /// That the model was trained for, which dsv3-compile could be asked for; none if unknown.
  std::optional<int64_t> positions;

  /// What to do about more than that: `remedy`, or whatever gives more room.
  std::string hint(const std::string &remedy) const;
};

} // namespace dsv3::runtime
