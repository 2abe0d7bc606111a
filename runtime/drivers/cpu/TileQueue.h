//===- TileQueue.h - deals the tiles of launches to threads -----*- C++ -*-===//
//
// The launches of a program come one after the other: the tiles of the next are there once
// all of the one before are done. A launch ends with its tiles, not with its threads: who
// has no CPU and holds no tile is not waited for, and goes on with the launch that the
// others have come to. Launches are numbered in turn.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/drivers/cpu/Waiting.h"

#include <atomic>
#include <cstdint>

namespace dsv3::runtime {

/// Shared by the threads of a team.
class TileQueue {
public:
  struct Tiles {
    uint32_t begin = 0, end = 0;
    bool empty() const { return begin == end; }
  };

  /// At the start, before others take tiles.
  void restart(uint32_t turn) {
    finished.store(0, std::memory_order_relaxed);
    ticket.change(uint64_t(turn) << 32);
  }
  /// The launch that tiles are dealt of.
  uint32_t turn() const { return uint32_t(ticket.value.load(std::memory_order_acquire) >> 32); }

  /// One of `shares` parts of what is left of the `all` tiles of launch `turn`, or one tile; none
  /// if all are dealt. So a thread reads long stretches of a weight first, and all end together.
  Tiles take(uint32_t turn, uint32_t all, uint32_t shares) {
    uint64_t seen = ticket.value.load(std::memory_order_acquire);
    while (seen >> 32 == turn && uint32_t(seen) < all) {
      uint32_t begin = uint32_t(seen), end = begin + std::max((all - begin) / shares, 1U);
      uint64_t next = uint64_t(turn) << 32 | end;
      if (ticket.value.compare_exchange_weak(seen, next, std::memory_order_acq_rel,
                                             std::memory_order_acquire)) {
        return {begin, end};
      }
    }
    return {};
  }
  /// Says that `count` tiles are done, one or more that this thread took. Whether they were
  /// the last of `all`: that thread calls restart() for the next launch.
  bool finish(uint32_t count, uint32_t all) {
    return finished.fetch_add(count, std::memory_order_acq_rel) + count == all;
  }
  /// Returns once more tiles of launch `turn` are dealt or another one has come.
  void wait(Waiter &waiter, uint32_t turn, int64_t mostPauses) {
    uint64_t seen = ticket.value.load(std::memory_order_acquire);
    if (seen >> 32 == turn) {
      waiter.wait(ticket, seen, mostPauses);
    }
  }

private:
  Signal<uint64_t> ticket; ///< launch, and the first of its tiles that is not dealt
  alignas(cacheLine) std::atomic<uint32_t> finished{0};
};

} // namespace dsv3::runtime
