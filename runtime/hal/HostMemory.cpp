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
      : Buffer(memory.data(), int64_t(memory.size()), visible), memory(std::move(memory)) {}

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

/// Fails unless [offset, offset + bytes) lies in `buffer`.
static Status checkRange(const Buffer &buffer, int64_t offset, size_t bytes) {
  if (offset < 0 || offset > buffer.bytes() || bytes > size_t(buffer.bytes() - offset)) {
    return Failure{"expected a range inside of a buffer of " + std::to_string(buffer.bytes()) +
                   " bytes, found " + std::to_string(bytes) + " bytes at " +
                   std::to_string(offset)};
  }
  return {};
}

Status runtime::uploadToHost(Buffer &to, int64_t offset, std::span<const std::byte> from) {
  Status status = checkRange(to, offset, from.size());
  if (status && !from.empty()) {
    std::memcpy(static_cast<std::byte *>(to.address()) + offset, from.data(), from.size());
  }
  return status;
}

Status runtime::downloadFromHost(std::span<std::byte> to, const Buffer &from, int64_t offset) {
  Status status = checkRange(from, offset, to.size());
  if (status && !to.empty()) {
    std::memcpy(to.data(), static_cast<const std::byte *>(from.address()) + offset, to.size());
  }
  return status;
}
