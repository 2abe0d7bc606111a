//===- DeviceHeaders.h - the device headers as text -------------*- C++ -*-===//
//
// What lies in runtime/kernels/cuda, embedded in the program when it is built, so that
// kernels can be compiled on machines that have neither this tree nor a CUDA toolkit; and
// what lies in runtime/kernels/sim, with which the same kernels are compiled for the host.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <span>
#include <string>
#include <vector>

namespace dsv3::runtime {

struct DeviceHeader {
  const char *name; ///< as include directives write it: runtime/kernels/cuda/…
  const char *text;
};

/// In the order of their names.
std::span<const DeviceHeader> deviceHeaders();
/// A hash of names and texts, in hexadecimal.
const std::string &deviceHeadersHash();

/// The same headers for the host: those of one instruction each are the simulator's.
const std::vector<DeviceHeader> &simulatorHeaders();
const std::string &simulatorHeadersHash();

} // namespace dsv3::runtime
