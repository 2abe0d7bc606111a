//===- Arena.cpp - device memory that is checked --------------------------===//

#include "runtime/drivers/sim/check/Arena.h"

#include "dsv3/Support/BytesText.h"

#include <cerrno>
#include <cstring>
#include <sys/mman.h>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::runtime::sim;

static constexpr size_t arenaBytes = size_t(1) << 38, alignment = 256;
/// Behind a buffer; an index that is wrong by less is found.
static constexpr size_t gapBytes = size_t(64) << 10;

class Arena::ArenaBuffer final : public Buffer {
public:
  ArenaBuffer(Arena &arena, std::byte *start, int64_t bytes)
      : Buffer(start, bytes, nullptr), arena(arena) {}
  ~ArenaBuffer() override { arena.release(static_cast<const std::byte *>(address())); }

private:
  Arena &arena;
};

Expected<std::unique_ptr<Arena>> Arena::create() {
  void *mapped = mmap(nullptr, arenaBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) {
    return Failure{"cannot reserve address space for checked memory: " +
                       std::string(std::strerror(errno)),
                   "--sim-check", "raise the limit of virtual memory (ulimit -v)"};
  }
  std::unique_ptr<Arena> arena(new Arena());
  arena->begin = static_cast<std::byte *>(mapped);
  arena->next = arena->begin + gapBytes;
  Expected<std::unique_ptr<Shadow>> shadow = Shadow::create(mapped, arenaBytes);
  if (!shadow) {
    return shadow.failure();
  }
  arena->ofAll = *std::move(shadow);
  return arena;
}

Arena::~Arena() { munmap(begin, arenaBytes); }

Expected<std::unique_ptr<Buffer>> Arena::allocate(int64_t bytes, std::string_view what) {
  auto left = size_t(begin + arenaBytes - next);
  if (bytes < 0 || left < 2 * gapBytes || size_t(bytes) > left - 2 * gapBytes) {
    return Failure{"cannot reserve " + bytesText(uint64_t(bytes)) + " for " + std::string(what) +
                       ": checked memory has " + bytesText(left) + " left",
                   "", "a smaller --context needs less; without --sim-check there is more"};
  }
  std::byte *start = next;
  next += (size_t(bytes) + gapBytes + alignment - 1) / alignment * alignment;
  ofAll->set(start, size_t(bytes), ByteState::Written); // with zeros
  known[start] = {size_t(bytes), std::string(what), false};
  return std::unique_ptr<Buffer>(new ArenaBuffer(*this, start, bytes));
}

void Arena::forget(const Buffer &buffer) const {
  ofAll->set(buffer.address(), size_t(buffer.bytes()), ByteState::Empty);
}

void Arena::release(const std::byte *start) {
  Known &buffer = known.at(start);
  buffer.freed = true;
  ofAll->set(start, buffer.bytes, ByteState::Outside);
}

std::string Arena::describe(const void *place) const {
  const auto *at = static_cast<const std::byte *>(place);
  auto above = known.upper_bound(at);
  if (above == known.begin()) {
    return "before all buffers";
  }
  const auto &[start, buffer] = *std::prev(above);
  auto offset = size_t(at - start);
  if (offset < buffer.bytes) {
    return "in " + buffer.what + (buffer.freed ? ", which were freed" : "");
  }
  return std::to_string(offset - buffer.bytes) + " bytes behind the end of the buffer of " +
         buffer.what + ", which has " + std::to_string(buffer.bytes);
}
