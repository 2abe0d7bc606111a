//===- MachineProbe.h - what this machine can do at most --------*- C++ -*-===//
//
// The limits that a benchmark compares with, measured beside it: reading memory,
// copying it, and multiplying in registers, by a team of pinned threads. Hand-written
// loops, so that a limit does not depend on our own code generation.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"
#include "runtime/base/Memory.h"
#include "runtime/bench/LimitProbe.h"
#include "runtime/bench/Yardstick.h"
#include "runtime/drivers/cpu/ThreadTeam.h"

#include <memory>
#include <string_view>

namespace dsv3::runtime {

/// Used by one thread. Each measurement takes some tenths of a second.
class MachineProbe final : public LimitProbe {
public:
  /// `variant` says how wide vectors are. `bytes` of memory are read; they should be
  /// many times what the caches hold. Fails if memory or threads are not to be had.
  static Expected<MachineProbe> create(int threads, std::string_view variant, uint64_t bytes);

  /// Of one pass over the memory each: as it is, and with lines asked for before they are read.
  std::vector<double> readRates() override;
  /// Bytes written per second while one half of the memory is copied to the other.
  double copyRate();
  /// f32 operations per second of fused multiply-adds on registers; one is two operations.
  double fmaPeak();
  double peak() override { return fmaPeak(); }
  /// Hand-written products on the same threads and memory. The probe must outlive it.
  Yardstick yardstick() const;

private:
  MachineProbe(std::unique_ptr<ThreadTeam> team, Memory memory, bool useWide)
      : team(std::move(team)), memory(std::move(memory)), useWide(useWide) {}

  std::unique_ptr<ThreadTeam> team;
  Memory memory;
  bool useWide; ///< 512-bit vectors
};

} // namespace dsv3::runtime
