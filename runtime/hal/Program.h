//===- Program.h - an entry, resolved to addresses --------------*- C++ -*-===//
//
// What a device is asked to run: a flat list of launches and observations in
// which every argument is an address and calls of layers are expanded. It knows
// sizes only by index; their values come with each step. Made once per entry by
// runtime/plan, prepared once by a device, run many times.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/Plan.h"

#include <cstdint>
#include <string>
#include <vector>

namespace dsv3::runtime {

/// A place in a device's memory. The host may follow it only where the device
/// says that its buffers are host-visible.
using Address = void *;

/// A kernel as the program uses it.
struct ProgramKernel {
  std::string symbol;
  std::vector<int32_t> sizes; ///< indices into the values of a step
  plan::TileCount tiles;      ///< over the kernel's own sizes
  int64_t scratchBytes = 0;   ///< per thread
};

struct Command {
  enum class Kind : uint8_t { Launch, Observe };
  Kind kind = Kind::Launch;
  int32_t target = 0;    ///< a kernel, or an observation of the entry
  int64_t layer = -1;    ///< of the call that it came from; -1 outside of layers
  uint32_t firstArg = 0; ///< in Program::args; an observation has one
};

/// The shape of what is observed: `rowBytes` for each unit of a size.
struct ProgramObservation {
  int32_t size = 0; ///< index into the values of a step
  int64_t rowBytes = 0;
};

/// Plain data. Indices are in range: programs come from valid plans.
struct Program {
  std::string name;      ///< of the entry, for failures
  int32_t sizeCount = 0; ///< how many values a step brings
  std::vector<ProgramKernel> kernels;
  std::vector<ProgramObservation> observations; ///< of the entry
  std::vector<Command> commands;
  std::vector<Address> args;
};

} // namespace dsv3::runtime
