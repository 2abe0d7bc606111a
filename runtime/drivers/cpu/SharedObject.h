//===- SharedObject.h - compiled kernels from a file ------------*- C++ -*-===//
//
// Opens a variant's shared object after its checksum has been verified and finds
// kernels by symbol.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/Kernel.h"
#include "runtime/hal/Device.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace dsv3::runtime {

/// Unloads the file when destroyed.
class SharedObject : public Object {
public:
  /// Fails if the file cannot be read, is not the one of the checksum, cannot be
  /// loaded or lacks a symbol.
  static Expected<std::unique_ptr<SharedObject>> open(const ObjectFile &file,
                                                      std::span<const std::string> symbols);
  ~SharedObject() override;
  SharedObject(const SharedObject &) = delete;
  SharedObject &operator=(const SharedObject &) = delete;

  /// In the order of the symbols.
  std::span<const plan::KernelFunction> kernels() const { return functions; }

private:
  SharedObject() = default;

  void *handle = nullptr;
  std::vector<plan::KernelFunction> functions;
};

} // namespace dsv3::runtime
