//===- DeviceHeaders.h - the device headers as text -------------*- C++ -*-===//
//
// What lies in runtime/kernels/cuda, embedded in the program when it is built, so that
// kernels can be compiled on machines that have neither this tree nor a CUDA toolkit.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <span>
#include <string>

namespace dsv3::runtime {

struct DeviceHeader {
  const char *name; ///< as include directives write it: runtime/kernels/cuda/…
  const char *text;
};

/// In the order of their names.
std::span<const DeviceHeader> deviceHeaders();
/// A hash of names and texts, in hexadecimal.
const std::string &deviceHeadersHash();

} // namespace dsv3::runtime
