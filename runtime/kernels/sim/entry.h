//===- entry.h - how the simulator calls a kernel ---------------*- C++ -*-===//
//
// DSV3_SIM_ENTRY(kernel), after the text of a kernel: the one symbol of its shared object.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/sim/machine.h"

namespace dsv3::sim {

/// Of a kernel, whose parameters are passed as cuLaunchKernel wants them: by their places.
struct Entry {
  int revision;
  int parameters;
  void (*call)(void *const *places);
};

/// A list of initialisers is evaluated in its order.
template <typename... Parameters>
struct Call {
  DSV3_UNSEEN Call(void (*kernel)(Parameters...), Parameters... parameters) {
    kernel(parameters...);
  }
};

template <auto kernel>
struct EntryOf;
template <typename... Parameters, void (*kernel)(Parameters...)>
struct EntryOf<kernel> {
  DSV3_UNSEEN static void call(void *const *places) {
    Call<Parameters...>{kernel, *static_cast<Parameters *>(*places++)...};
  }
  static constexpr Entry entry{machineRevision, sizeof...(Parameters), call};
};

} // namespace dsv3::sim

#define DSV3_SIM_ENTRY(KERNEL)                                                                     \
  extern "C" __attribute__((visibility("default"))) const dsv3::sim::Entry dsv3SimEntry;           \
  const dsv3::sim::Entry dsv3SimEntry = dsv3::sim::EntryOf<&(KERNEL)>::entry;
