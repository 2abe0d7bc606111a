//===- Chip.h - what GPUs can do, and how long they take --------*- C++ -*-===//
//
// What a chip can do at most, and how long it takes at least. Each figure comes from its
// maker or from a measurement that others published; Chip.cpp says which. The one table of
// chips: the simulator's predictions, bench, profile and dsv3-compile --explain read it.
//
// Standard library only. All functions are pure and thread-safe.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/Families.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace dsv3::plan {

/// Registers of every multiprocessor from sm_80 on, 32 bits each.
inline constexpr int64_t registersOfMultiprocessor = 65536;

/// Plain data. Rates of a multiprocessor are for a clock.
struct Chip {
  std::string_view name;       ///< as flags name it: h100
  std::string_view driverName; ///< part of what the driver calls it: "H100"
  int32_t capability = 0;      ///< as GpuVariant has it
  int multiprocessors = 0;
  double clock = 0; ///< of multiprocessors, in a second

  double memoryBandwidth = 0; ///< bytes a second, of the interface
  double copyFraction = 0;    ///< of it, what reading reaches
  double busBandwidth = 0;    ///< bytes a second from the memory of the host, of the interface

  int64_t l2Bytes = 0;
  double l2Bandwidth = 0; ///< bytes a second that all multiprocessors get from it

  int64_t firstLevelBytes = 0; ///< of a multiprocessor: shared memory and first-level cache
  int64_t sharedBytes = 0;     ///< of them, what all of its blocks can have
  int threads = 0;             ///< that a multiprocessor holds
  int blocks = 0;              ///< likewise
  int64_t registers = registersOfMultiprocessor;

  double multiplyAdds = 0;    ///< of f32
  double tensorBf16 = 0;      ///< operations, dense: a multiplication and an addition are two
  double tensorFp8 = 0;       ///< likewise; 0: there are none
  double warpMmaFraction = 0; ///< of tensorBf16, what mma.sync of warps reaches

  // Clocks until a thread has what it waits for.
  double memoryLatency = 0, l2Latency = 0, firstLevelLatency = 0;

  double launchSeconds = 0; ///< from the end of a launch to the begin of the next

  /// Operations a second of all tensor cores.
  double bf16Peak() const { return tensorBf16 * multiprocessors * clock; }
  double fp8Peak() const { return tensorFp8 * multiprocessors * clock; }
  /// f32 operations a second of all multiply-adds.
  double fmaPeak() const { return 2 * multiplyAdds * multiprocessors * clock; }
};

/// Null if there is none of this name.
const Chip *findChip(std::string_view name);
/// "a100, h100, …".
std::string chipNames();
/// The chip of a GPU that its driver names so, for example "NVIDIA H100 80GB HBM3"; null if it is
/// not in the table.
const Chip *chipOfDriver(std::string_view driverName);

/// Whether code that NVRTC made for `variant` runs on a GPU of `capability` (90 for 9.0): "a" code
/// on that GPU alone, other code on those of its generation that are not older.
bool runsOn(const GpuVariant &variant, int32_t capability);
/// Whether the variant's texts do, perhaps compiled for that GPU: those for a newer GPU, or with
/// instructions of another one alone, do not.
bool canRun(const GpuVariant &variant, int32_t capability);
/// What NVRTC is asked for to run the kernels of `variant` on a GPU of `capability`: the variant's
/// own code where that runs, else plain code of that GPU.
std::string architectureFor(std::string_view variant, int32_t capability);
/// The first of the table that runs the variant's own code; null if none does.
const Chip *chipFor(const GpuVariant &variant);

} // namespace dsv3::plan
