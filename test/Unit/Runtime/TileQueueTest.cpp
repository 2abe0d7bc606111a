//===- TileQueueTest.cpp - tiles of launches, to threads that come and go -===//

#include "runtime/drivers/cpu/TileQueue.h"

#include <gtest/gtest.h>

#include <limits>
#include <thread>
#include <vector>

using namespace dsv3::runtime;

/// Longer than any test.
static constexpr int64_t never = std::numeric_limits<int64_t>::max();

TEST(TileQueue, DealsEachTileOnce) {
  TileQueue queue;
  queue.restart(3);
  EXPECT_EQ(queue.turn(), 3U);
  uint32_t next = 0;
  std::vector<uint32_t> stretches;
  for (auto tiles = queue.take(3, 20, 4); !tiles.empty(); tiles = queue.take(3, 20, 4)) {
    EXPECT_EQ(tiles.begin, next);
    stretches.push_back(tiles.end - tiles.begin);
    next = tiles.end;
  }
  // A quarter of what is left each time, at last one by one.
  EXPECT_EQ(stretches, (std::vector<uint32_t>{5, 3, 3, 2, 1, 1, 1, 1, 1, 1, 1}));
  EXPECT_FALSE(queue.finish(19, 20));
  EXPECT_TRUE(queue.finish(1, 20));
}

TEST(TileQueue, AThreadThatIsLateIsNotWaitedFor) {
  TileQueue queue;
  queue.restart(0);
  // Another thread of the team has looked at launch 0, and has had no CPU since.
  uint32_t seenByLate = queue.turn();
  Waiter waiter(0);
  for (uint32_t turn = 0; turn < 5; ++turn) {
    auto tiles = queue.take(turn, 2, 1);
    ASSERT_EQ(tiles.end - tiles.begin, 2U);
    ASSERT_TRUE(queue.finish(2, 2));
    queue.restart(turn + 1);
  }
  // It gets no tile of what is over, does not wait for it, and goes on with the others.
  EXPECT_TRUE(queue.take(seenByLate, 2, 1).empty());
  queue.wait(waiter, seenByLate, never);
  EXPECT_EQ(queue.turn(), 5U);
  EXPECT_FALSE(queue.take(queue.turn(), 2, 1).empty());
}

TEST(TileQueue, ATileThatIsHeldIsWaitedFor) {
  // Threads that spin, yield and park, as the pauses allow.
  for (int64_t mostPauses : {int64_t(0), int64_t(1000), never}) {
    TileQueue queue;
    queue.restart(0);
    ASSERT_FALSE(queue.take(0, 2, 2).empty());
    int written = 0, seen = -1;
    std::thread other([&] {
      Waiter waiter(0);
      bool last = !queue.take(0, 2, 2).empty() && queue.finish(1, 2);
      while (!last && queue.turn() == 0) {
        queue.wait(waiter, 0, mostPauses);
      }
      seen = written;
    });
    written = 7;
    if (queue.finish(1, 2)) {
      queue.restart(1);
    }
    other.join();
    EXPECT_EQ(seen, 7);
  }
}

TEST(TileQueue, ThreadsShareManyLaunches) {
  constexpr uint32_t launches = 2000, all = 7;
  TileQueue queue;
  std::vector<int> done(size_t(launches) * all);
  queue.restart(0);
  auto work = [&] {
    Waiter waiter(0);
    for (uint32_t turn = queue.turn(); turn < launches; turn = queue.turn()) {
      uint32_t count = 0;
      for (auto tiles = queue.take(turn, all, 2); !tiles.empty();
           tiles = queue.take(turn, all, 2)) {
        for (uint32_t tile = tiles.begin; tile < tiles.end; ++tile) {
          // Each reads what the launch before wrote, whoever did it.
          size_t at = size_t(turn) * all + tile;
          done[at] = turn == 0 ? 1 : done[at - all] + 1;
          ++count;
        }
      }
      if (count > 0 && queue.finish(count, all)) {
        queue.restart(turn + 1);
      } else {
        queue.wait(waiter, turn, 100);
      }
    }
  };
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 3; ++thread) {
    threads.emplace_back(work);
  }
  for (std::thread &thread : threads) {
    thread.join();
  }
  for (size_t at = 0; at < done.size(); ++at) {
    ASSERT_EQ(done[at], int(at / all) + 1) << at;
  }
}
