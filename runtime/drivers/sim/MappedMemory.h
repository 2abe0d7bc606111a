//===- MappedMemory.h - memory of the host that a GPU reaches ---*- C++ -*-===//
//
// On a simulated GPU all memory is the host's. Which of it kernels of a GPU would reach over
// the bus is known here.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/hal/Device.h"

#include <map>
#include <memory>
#include <utility>

namespace dsv3::runtime::sim {

/// Buffers of such memory, by their first byte. Used by one thread at a time, but that several
/// may ask while none is added.
class MappedMemory {
public:
  bool holds(const void *place) const {
    const auto *at = static_cast<const std::byte *>(place);
    auto above = buffers.upper_bound(at);
    return above != buffers.begin() && at < std::prev(above)->second;
  }

private:
  friend class MappedBuffer;
  std::map<const std::byte *, const std::byte *> buffers; ///< to their ends
};

/// A buffer that is such memory.
class MappedBuffer final : public Buffer {
public:
  MappedBuffer(std::unique_ptr<Buffer> memory, std::shared_ptr<MappedMemory> all)
      : Buffer(memory->address(), memory->bytes(), static_cast<std::byte *>(memory->address())),
        memory(std::move(memory)), all(std::move(all)) {
    this->all->buffers[hostAddress()] = hostAddress() + bytes();
  }
  ~MappedBuffer() override { all->buffers.erase(hostAddress()); }

private:
  std::unique_ptr<Buffer> memory;
  std::shared_ptr<MappedMemory> all;
};

} // namespace dsv3::runtime::sim
