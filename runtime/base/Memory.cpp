//===- Memory.cpp - large anonymous memory --------------------------------===//

#include "runtime/base/Memory.h"

#include "dsv3/Support/BytesText.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <limits>
#include <sys/mman.h>
#include <utility>

using namespace dsv3;
using namespace dsv3::runtime;

static uint64_t roundUp(uint64_t value, uint64_t unit) { return (value + unit - 1) / unit * unit; }

Memory::Memory(Memory &&other) noexcept
    : begin(std::exchange(other.begin, nullptr)), length(std::exchange(other.length, 0)) {}

Memory &Memory::operator=(Memory &&other) noexcept {
  std::swap(begin, other.begin);
  std::swap(length, other.length);
  return *this;
}

Memory::~Memory() {
  if (begin) {
    munmap(begin, roundUp(length, smallPage));
  }
}

Expected<Memory> Memory::allocate(uint64_t bytes, std::string_view what) {
  Memory memory;
  if (bytes == 0) {
    return memory;
  }
  auto refuse = [&](const char *why) {
    return Failure{"cannot reserve " + bytesText(bytes) + " for " + std::string(what) + ": " + why,
                   "", "a smaller --context or --chunk needs less; see also ulimit -v"};
  };
  if (bytes > uint64_t(std::numeric_limits<int64_t>::max()) - 2 * hugePage) {
    return refuse("no address space has that size");
  }
  bool huge = bytes >= hugePage;
  uint64_t used = roundUp(bytes, smallPage);
  // The kernel aligns to small pages: reserve more and give back both ends.
  uint64_t reserved = used + (huge ? hugePage : 0);
  void *mapped = mmap(nullptr, reserved, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) {
    return refuse(std::strerror(errno));
  }
  auto *first = static_cast<std::byte *>(mapped);
  if (huge) {
    uint64_t before =
        roundUp(reinterpret_cast<uintptr_t>(first), hugePage) - reinterpret_cast<uintptr_t>(first);
    if (before > 0) {
      munmap(first, before);
    }
    if (before < hugePage) {
      munmap(first + before + used, hugePage - before);
    }
    first += before;
    madvise(first, used, MADV_HUGEPAGE); // advice: small pages work as well
  }
  memory.begin = first;
  memory.length = bytes;
  return memory;
}

void runtime::giveBack(std::span<std::byte> block) {
  auto begin = reinterpret_cast<uintptr_t>(block.data());
  uint64_t before = roundUp(begin, smallPage) - begin;
  if (block.size() >= before + smallPage) {
    madvise(block.data() + before, (block.size() - before) / smallPage * smallPage, MADV_DONTNEED);
  }
}

uint64_t runtime::hugePageBytes(std::span<const std::byte> block) {
  auto first = reinterpret_cast<uintptr_t>(block.data());
  uint64_t kilobytes = 0;
  bool inside = false;
  std::ifstream maps("/proc/self/smaps");
  for (std::string line; std::getline(maps, line);) {
    uintptr_t begin = 0, end = 0;
    unsigned long amount = 0;
    if (std::sscanf(line.c_str(), "%zx-%zx ", &begin, &end) == 2) {
      inside = begin < first + block.size() && first < end;
    } else if (inside && (std::sscanf(line.c_str(), "AnonHugePages: %lu kB", &amount) == 1 ||
                          std::sscanf(line.c_str(), "ShmemPmdMapped: %lu kB", &amount) == 1 ||
                          std::sscanf(line.c_str(), "FilePmdMapped: %lu kB", &amount) == 1)) {
      kilobytes += amount;
    }
  }
  return std::min<uint64_t>(kilobytes * 1024, block.size());
}
