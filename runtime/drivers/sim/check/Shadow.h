//===- Shadow.h - what is known of each byte of memory ----------*- C++ -*-===//
//
// Whether a byte may be touched and holds something, and who touched it last, so that an
// access can be told to be wrong or to race with another.
//
// The blocks of a launch run one after the other. A segment is what a block does between two
// of its barriers; segments are numbered throughout, so that a number tells whether an access
// belongs to an earlier launch, to another block, or lies before a barrier.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace dsv3::runtime::sim {

enum class ByteState : uint8_t {
  Outside, ///< of all buffers and arrays
  Empty,   ///< nobody wrote it
  Written,
  Pending, ///< an asynchronous copy to it has not been waited for
};

/// Who accesses memory, and when.
struct Moment {
  uint32_t launch = 1, block = 1; ///< the first segment of each
  uint32_t ordered = 1; ///< the first one that is not known to have ended; none after `launch`
  uint32_t segment = 1;
  uint16_t thread = 0;
  uint16_t warpSync = 0; ///< barriers of its warp so far
  uint32_t epoch = 1;    ///< of the thread, and what it knows of others; null: nothing
  const uint32_t *known = nullptr;
};

/// Who touched a byte last.
struct Cell {
  uint32_t writeSegment = 0, readSegment = 0;
  uint32_t writeEpoch = 0, readEpoch = 0;
  uint16_t writeSync = 0, readSync = 0;
  uint16_t writer = 0, reader = 0;
  uint8_t readers = 0; ///< further ones: bits of Readers
  bool atomic = false; ///< what is noted as reads are atomic sums
};

/// What orders nothing between two accesses.
enum class Race : uint8_t { None, WithinBlock, BetweenBlocks, BetweenLaunches };

/// Whether the last write, and all reads that are known, are ordered before `now`.
Race raceWithWrite(const Cell &cell, const Moment &now, uint16_t &other);
Race raceWithReads(const Cell &cell, const Moment &now, uint16_t &other);
/// Notes an access, unless it races with an earlier one; `other` is that one's thread. Atomic sums
/// are noted as reads, which race with those that are not atomic. Of several readers that nothing
/// but barriers in shared memory orders the last is known.
Race noteRead(Cell &cell, const Moment &now, bool atomic, uint16_t &other);
Race noteWrite(Cell &cell, const Moment &now, uint16_t &other);

/// The shadow of a range of addresses. Takes memory as parts of it are touched.
class Shadow {
public:
  static Expected<std::unique_ptr<Shadow>> create(const void *begin, size_t bytes);
  ~Shadow();
  Shadow(const Shadow &) = delete;
  Shadow &operator=(const Shadow &) = delete;

  bool covers(const void *place) const {
    return size_t(static_cast<const std::byte *>(place) - begin) < bytes;
  }
  /// Of places that are covered.
  ByteState *state(const void *place) const {
    return states + (static_cast<const std::byte *>(place) - begin);
  }
  Cell &cell(const void *place) const {
    return cells[static_cast<const std::byte *>(place) - begin];
  }
  void set(const void *place, size_t count, ByteState state) const;

private:
  Shadow(const std::byte *begin, size_t bytes) : begin(begin), bytes(bytes) {}

  const std::byte *begin;
  size_t bytes;
  ByteState *states = nullptr;
  Cell *cells = nullptr;
};

} // namespace dsv3::runtime::sim
