//===- Resolve.h - an entry of a plan with addresses ------------*- C++ -*-===//
//
// Turns an entry into a Program: expands the calls of bodies for their layers,
// binds formals, and replaces every argument by its address. Done once per entry
// when a session starts, so that a step looks nothing up.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/Plan.h"
#include "dsv3/Support/Status.h"
#include "runtime/hal/Program.h"

#include <functional>
#include <span>

namespace dsv3::runtime {

/// Where weights lie in the device's memory. `layer` is -1 for a parameter that
/// exists once for the model. Null if it is not there.
struct ParameterAddresses {
  std::function<const void *(int32_t parameter, int64_t layer)> data;
  std::function<const void *(int32_t parameter, int64_t layer)> scales;
};

/// Where everything that an entry names lies in the device's memory.
struct EntryAddresses {
  Address arena = nullptr;
  std::span<const Address> inputs;  ///< per input of the entry
  std::span<const Address> outputs; ///< per output
  Address cache = nullptr;          ///< pages of layer 0; the other layers follow
  int64_t cacheLayerBytes = 0;
  Address pageTable = nullptr;
  ParameterAddresses parameters;
};

/// The program of `entry` for a variant. Preconditions: `plan` is valid, `entry` is
/// one of its entries. Fails, naming it, if a parameter has no address.
Expected<Program> resolve(const plan::Plan &plan, const plan::Entry &entry, size_t variant,
                          const EntryAddresses &addresses);

} // namespace dsv3::runtime
