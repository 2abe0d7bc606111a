//===- ArenaTest.cpp - offsets for buffers that live at different times ---===//
#include "Arena.h"

#include <gtest/gtest.h>

#include <random>

using namespace dsv3;

TEST(Arena, WithoutBuffersIsEmpty) {
  ArenaLayout layout = layOutArena({});
  EXPECT_TRUE(layout.offsets.empty());
  EXPECT_EQ(layout.bytes, 0);
  EXPECT_EQ(layout.separateBytes, 0);
}

/// The step at which one is read for the last time counts: a launch reads it and writes the
/// other.
TEST(Arena, BuffersOfTheSameStepShareNoBytes) {
  ArenaLayout layout = layOutArena({{128, 1, 2}, {64, 2, 3}});
  EXPECT_EQ(layout.offsets, (std::vector<int64_t>{0, 128}));
  EXPECT_EQ(layout.bytes, 192);
}

TEST(Arena, BytesAreUsedAgain) {
  ArenaLayout layout = layOutArena({{128, 1, 2}, {64, 3, 4}, {128, 5, 6}});
  EXPECT_EQ(layout.offsets, (std::vector<int64_t>{0, 0, 0}));
  EXPECT_EQ(layout.bytes, 128);
  EXPECT_EQ(layout.separateBytes, 320);
}

TEST(Arena, BuffersBeginAtCacheLines) {
  ArenaLayout layout = layOutArena({{1, 1, 3}, {65, 1, 3}, {63, 1, 3}});
  EXPECT_EQ(layout.offsets, (std::vector<int64_t>{192, 0, 128}));
  EXPECT_EQ(layout.bytes, 256);
}

/// The second and the fourth leave a gap between them while the last one lives.
TEST(Arena, GapsAreFilledWhereTheyAreLargeEnough) {
  const std::vector<LiveRange> first{{512, 1, 1}, {256, 1, 9}, {192, 2, 2}, {128, 1, 9}};
  ArenaLayout layout = layOutArena(first);
  ASSERT_EQ(layout.offsets, (std::vector<int64_t>{0, 512, 0, 768}));
  std::vector<LiveRange> more = first;
  more.push_back({64, 2, 9});
  layout = layOutArena(more);
  EXPECT_EQ(layout.offsets.back(), 192);
  EXPECT_EQ(layout.bytes, 896);
}

/// A destination that no launch writes is declared and never in use.
TEST(Arena, WhatIsNeverUsedDisturbsNobody) {
  ArenaLayout layout = layOutArena({{64, 1, 9}, {128, INT64_MAX, 4}, {64, 4, 4}});
  EXPECT_EQ(layout.offsets, (std::vector<int64_t>{0, 0, 64}));
}

/// Of many made up lists: what lives at the same time shares no bytes, all of it lies in the
/// arena, and the arena is between the most that lives at once and all side by side.
TEST(Arena, HoldsOfAnyList) {
  std::mt19937 random(1);
  for (int list = 0; list < 200; ++list) {
    std::vector<LiveRange> ranges(random() % 20);
    for (LiveRange &range : ranges) {
      range.bytes = 1 + random() % 1000;
      range.begin = random() % 30;
      range.end = range.begin + random() % 10;
    }
    ArenaLayout layout = layOutArena(ranges);
    ASSERT_EQ(layout.offsets.size(), ranges.size());
    for (size_t a = 0; a < ranges.size(); ++a) {
      int64_t begin = layout.offsets[a], end = begin + ranges[a].bytes;
      EXPECT_EQ(begin % arenaAlignment, 0);
      EXPECT_GE(begin, 0);
      EXPECT_LE(end, layout.bytes);
      for (size_t b = 0; b < a; ++b) {
        bool together = ranges[a].begin <= ranges[b].end && ranges[b].begin <= ranges[a].end;
        bool apart = end <= layout.offsets[b] || layout.offsets[b] + ranges[b].bytes <= begin;
        EXPECT_TRUE(apart || !together) << "buffers " << b << " and " << a << " of list " << list;
      }
    }
    for (int64_t step = 0; step < 40; ++step) {
      int64_t alive = 0;
      for (const LiveRange &range : ranges) {
        alive += range.begin <= step && step <= range.end ? range.bytes : 0;
      }
      EXPECT_LE(alive, layout.bytes);
    }
    EXPECT_LE(layout.bytes, layout.separateBytes);
  }
}
