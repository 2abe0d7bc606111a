//===- Memory.h - large anonymous memory ------------------------*- C++ -*-===//
//
// Weights, arenas and caches are reserved as address space and become resident
// page by page when they are first written, so a cache for a long context costs
// what is used of it. Large blocks lie on the border of a huge page and ask the
// kernel for huge pages.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace dsv3::runtime {

/// Bytes of the pages that the kernel has of memory.
inline constexpr uint64_t smallPage = 4096, hugePage = uint64_t(2) << 20;

/// Gives the whole pages of anonymous memory back to the system: they hold zeros from then on.
void giveBack(std::span<std::byte> block);

/// An owned block of zeroed, writable memory, aligned to 4096 bytes or, from
/// 2 MiB on, to 2 MiB. Moves, does not copy.
class Memory {
public:
  Memory() = default;
  Memory(Memory &&other) noexcept;
  Memory &operator=(Memory &&other) noexcept;
  ~Memory();

  /// Reserves `bytes` (0 is allowed and gives an empty block). `what` says in a
  /// failure what the memory was for: "the latent cache".
  static Expected<Memory> allocate(uint64_t bytes, std::string_view what);

  std::byte *data() const { return begin; }
  uint64_t size() const { return length; }
  std::span<std::byte> bytes() const { return {begin, size_t(length)}; }

private:
  std::byte *begin = nullptr;
  uint64_t length = 0;
};

/// How much of `block` lies in huge pages, as far as the system tells: mappings beside it that the
/// system counts with it may add to it, up to its size.
uint64_t hugePageBytes(std::span<const std::byte> block);

} // namespace dsv3::runtime
