//===- HostMemory.cpp - buffers in the memory of the host -----------------===//

#include "runtime/hal/HostMemory.h"

#include "runtime/base/Memory.h"

#include <cstring>

using namespace dsv3;
using namespace dsv3::runtime;

namespace {

class HostBuffer final : public Buffer {
public:
  HostBuffer(Memory memory, bool visible)
      : Buffer(memory.data(), int64_t(memory.size()), visible ? memory.data() : nullptr),
        memory(std::move(memory)) {}

private:
  Memory memory;
};

} // namespace

Expected<std::unique_ptr<Buffer>> runtime::allocateOnHost(int64_t bytes, std::string_view what,
                                                          bool visible) {
  // A negative number becomes too large a one, which is refused.
  Expected<Memory> memory = Memory::allocate(uint64_t(bytes), what);
  if (!memory) {
    return memory.failure();
  }
  return std::unique_ptr<Buffer>(new HostBuffer(std::move(*memory), visible));
}

Status runtime::uploadToHost(Buffer &to, int64_t offset, std::span<const std::byte> from) {
  Status status = to.checkRange(offset, from.size());
  if (status && !from.empty()) {
    std::memcpy(static_cast<std::byte *>(to.address()) + offset, from.data(), from.size());
  }
  return status;
}

Status runtime::downloadFromHost(std::span<std::byte> to, const Buffer &from, int64_t offset) {
  Status status = from.checkRange(offset, to.size());
  if (status && !to.empty()) {
    std::memcpy(to.data(), static_cast<const std::byte *>(from.address()) + offset, to.size());
  }
  return status;
}

Status runtime::copyOnHost(Buffer &to, const Buffer &from) {
  Status status = to.checkRange(0, size_t(from.bytes()));
  if (status) {
    std::memcpy(to.address(), from.address(), size_t(from.bytes()));
  }
  return status;
}
