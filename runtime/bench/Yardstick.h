//===- Yardstick.h - products written by hand -------------------*- C++ -*-===//
//
// The two products that decide a model's speed, in vectors of the compiler: a row times BF16 panels
// from memory, and a block of rows times expanded panels. Generated kernels are judged
// beside them; nothing else uses them.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/base/Memory.h"
#include "runtime/drivers/cpu/ThreadTeam.h"

namespace dsv3::runtime {

/// Weights lie in panels as dsv3/Plan/Layout.h says, 2048 columns of K each.
class Yardstick {
public:
  /// `weights` are read as BF16 panels, whatever they hold; `useWide` means 512-bit vectors.
  Yardstick(ThreadTeam &team, const Memory &weights, bool useWide)
      : team(team), weights(weights), useWide(useWide) {}

  /// Bytes of weights per second that one row meets, each read once from memory.
  double rowBandwidth();
  /// f32 operations per second of 96 rows times panels.
  double blockRate();

private:
  ThreadTeam &team;
  const Memory &weights;
  bool useWide;
};

} // namespace dsv3::runtime
