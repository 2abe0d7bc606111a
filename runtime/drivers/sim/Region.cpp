//===- Region.cpp - the stacks of a worker's fibers -----------------------===//

#include "runtime/drivers/sim/Region.h"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

using namespace dsv3;
using namespace dsv3::runtime::sim;

static constexpr size_t pageBytes = 4096, headerBytes = 4 * pageBytes;
/// A page that nobody may touch, then the stack.
static constexpr size_t strideBytes = 25 * pageBytes;
static_assert(headerBytes + mostThreads * strideBytes <= dsv3::sim::regionBytes, "all have room");

static Failure noStacks() {
  return {"cannot make stacks for the threads of a simulated GPU: " +
          std::string(std::strerror(errno))};
}

Expected<std::unique_ptr<StackRegion>> StackRegion::create() {
  // Twice as much holds a whole region at a multiple of its size, wherever it lies.
  constexpr size_t wanted = dsv3::sim::regionBytes;
  void *mapped =
      mmap(nullptr, 2 * wanted, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) {
    return Failure{"cannot reserve address space for the threads of a simulated GPU: " +
                       std::string(std::strerror(errno)),
                   "", "raise the limit of virtual memory (ulimit -v)"};
  }
  auto *first = static_cast<std::byte *>(mapped);
  size_t skipped = (wanted - reinterpret_cast<uintptr_t>(first) % wanted) % wanted;
  if (skipped > 0) {
    munmap(first, skipped);
  }
  munmap(first + skipped + wanted, wanted - skipped);
  std::unique_ptr<StackRegion> region(new StackRegion());
  region->begin = first + skipped;
  if (mprotect(region->begin, headerBytes, PROT_READ | PROT_WRITE) != 0) {
    return noStacks();
  }
  return region;
}

Status StackRegion::grow(size_t threads) {
  for (; usable < threads; ++usable) {
    std::byte *stack = begin + headerBytes + usable * strideBytes + pageBytes;
    if (mprotect(stack, strideBytes - pageBytes, PROT_READ | PROT_WRITE) != 0) {
      return noStacks();
    }
  }
  return {};
}

StackRegion::~StackRegion() {
#if defined(__SANITIZE_ADDRESS__)
  // Fibers that never returned leave marks, which what is mapped here next would inherit.
  ASAN_UNPOISON_MEMORY_REGION(begin, dsv3::sim::regionBytes);
#endif
  munmap(begin, dsv3::sim::regionBytes);
}

std::span<std::byte> StackRegion::stack(size_t thread) const {
  constexpr size_t places = 32, lineBytes = 64;
  std::byte *lowest = begin + headerBytes + thread * strideBytes + pageBytes;
  return {lowest, strideBytes - pageBytes - thread % places * lineBytes};
}
