//===- PredictTest.cpp - caches, chips and times of launches --------------===//
//
// Cases that were computed by hand.
//
//===----------------------------------------------------------------------===//
#include "runtime/predict/LaunchModel.h"
#include "runtime/predict/SectorCache.h"
#include "runtime/predict/UnionEstimate.h"

#include <gtest/gtest.h>

using namespace dsv3;
using namespace dsv3::runtime;

static uint8_t load(SectorCache &cache, uint64_t line, uint8_t sectors, CacheTraffic &traffic) {
  return cache.access({line, sectors, false}, traffic);
}

TEST(SectorCache, SectorsOfALineComeOneByOne) {
  SectorCache cache(4 * lineBytes, 4);
  CacheTraffic traffic;
  EXPECT_EQ(load(cache, 7, 0b0011, traffic), 0b0011);
  EXPECT_EQ(load(cache, 7, 0b0110, traffic), 0b0100) << "the second is there";
  EXPECT_EQ(load(cache, 7, 0b0111, traffic), 0);
  EXPECT_EQ(traffic.missed, 3);
  EXPECT_EQ(traffic.hits, 4);
}

TEST(SectorCache, TheLineNotUsedForLongestGoes) {
  SectorCache cache(2 * lineBytes, 2); // one set of two lines
  CacheTraffic traffic;
  load(cache, 1, 1, traffic);
  load(cache, 2, 1, traffic);
  load(cache, 1, 1, traffic);
  load(cache, 3, 1, traffic); // in the place of 2
  EXPECT_EQ(load(cache, 1, 1, traffic), 0);
  EXPECT_EQ(load(cache, 2, 1, traffic), 1);
}

TEST(SectorCache, WhatFitsIsReadOnceAndWhatDoesNotEachTime) {
  for (uint64_t lines : {64, 65}) {
    SectorCache cache(64 * lineBytes, 64);
    CacheTraffic traffic;
    for (int round = 0; round < 3; ++round) {
      for (uint64_t line = 0; line < lines; ++line) {
        load(cache, line, 0b1111, traffic);
      }
    }
    // With one line too many the next one needed has always just gone.
    EXPECT_EQ(traffic.missed, int64_t(lines) * 4 * (lines == 64 ? 1 : 3));
  }
}

TEST(SectorCache, LinesAPowerOfTwoApartDoNotMeetInOneSet) {
  SectorCache cache(1024 * lineBytes, 16);
  CacheTraffic traffic;
  for (int round = 0; round < 2; ++round) {
    for (uint64_t line = 0; line < 256; ++line) {
      load(cache, line * 1024, 1, traffic);
    }
  }
  EXPECT_EQ(traffic.missed, 256) << "a quarter of the cache is used";
}

TEST(SectorCache, StoresAreWrittenWhenTheirLineGoes) {
  SectorCache cache(lineBytes, 1);
  CacheTraffic traffic;
  EXPECT_EQ(cache.access({1, 0b1100, true}, traffic), 0) << "nothing is read for a store";
  EXPECT_EQ(load(cache, 1, 0b0100, traffic), 0) << "what was stored is there";
  EXPECT_EQ(traffic.written, 0);
  load(cache, 2, 1, traffic);
  EXPECT_EQ(traffic.written, 2);
  load(cache, 3, 1, traffic);
  EXPECT_EQ(traffic.written, 2) << "what was read alone is not";
  cache.access({3, 1, true}, traffic);
  cache.clear();
  EXPECT_EQ(load(cache, 3, 1, traffic), 1);
  EXPECT_EQ(traffic.written, 2);
}

TEST(UnionEstimate, ExactAtBothEnds) {
  // Ten lines each, no two blocks share any: 100 blocks have 1000.
  EXPECT_DOUBLE_EQ(estimateUnion({80, 80, 0}, 8, 100), 1000);
  // All blocks read the same ten.
  EXPECT_DOUBLE_EQ(estimateUnion({10, 0, 0}, 8, 100), 10);
  // All were seen.
  EXPECT_DOUBLE_EQ(estimateUnion({33, 20, 5}, 100, 100), 33);
}

TEST(UnionEstimate, IsBetweenThemOtherwise) {
  double estimate = estimateUnion({60, 20, 30}, 8, 16);
  EXPECT_GT(estimate, 60);
  EXPECT_LT(estimate, 120);
}

/// Round figures: a second is 1e9 clocks.
static plan::Chip roundChip() {
  plan::Chip chip;
  chip.multiprocessors = 10;
  chip.clock = 1e9;
  chip.memoryBandwidth = 2e12;
  chip.copyFraction = 0.5;
  chip.busBandwidth = 1e11;
  chip.l2Bandwidth = 1e13;
  chip.firstLevelBytes = 256 << 10;
  chip.sharedBytes = 200 << 10;
  chip.threads = 1024;
  chip.blocks = 8;
  chip.multiplyAdds = 64;
  chip.tensorBf16 = 4096;
  chip.tensorFp8 = 8192;
  chip.warpMmaFraction = 0.5;
  chip.memoryLatency = 500;
  chip.l2Latency = 200;
  chip.firstLevelLatency = 30;
  chip.launchSeconds = 1e-6;
  return chip;
}

TEST(LaunchModel, BlocksThatFitAMultiprocessor) {
  plan::Chip chip = roundChip();
  EXPECT_EQ(blocksAtOnce(chip, {64, 0}), 8) << "the most there are";
  EXPECT_EQ(blocksAtOnce(chip, {256, 0}), 4) << "threads";
  EXPECT_EQ(blocksAtOnce(chip, {256, 0, 128}), 2) << "registers";
  EXPECT_EQ(blocksAtOnce(chip, {1024, 1 << 30}), 1) << "none fits, and one is told a time";
  EXPECT_EQ(cacheOfBlock(chip, {256, 15 << 10}), (64 - 16) << 10);
  EXPECT_EQ(cacheOfBlock(chip, {256, 15 << 10, 128}), (128 - 16) << 10) << "two blocks share it";
}

TEST(LaunchModel, EachLimitByHand) {
  plan::Chip chip = roundChip();
  LaunchWork work;
  work.blocks = 25; // three for the busiest multiprocessor: 3 / 25 of what is per multiprocessor
  work.block.threads = 256;
  work.memorySectors = 25000;
  work.l2Sectors = 50000;
  work.storedSectors = 25000;
  work.sharedWavefronts = 20000;
  work.lineWavefronts = 5000;
  work.products = 5000;
  work.groupProducts = 2000;
  work.groupCodes = 1000;
  work.multiplyAdds = 1e5;
  work.instructions = 4e5;
  work.mean = {10, 0, 0};
  work.longest = {10, 5, 4};
  LaunchTime time = timeOf(chip, work);
  auto part = [&](Limit limit) { return time.parts[size_t(limit)]; };
  EXPECT_DOUBLE_EQ(part(Limit::Memory), 25000 * 32 / 1e12);
  EXPECT_DOUBLE_EQ(part(Limit::L2), 100000.0 * 32 * 3 / 25 / 64 / 1e9) << "64 bytes a clock to one";
  EXPECT_DOUBLE_EQ(part(Limit::FirstLevel), 25000.0 * 3 / 25 / 1e9);
  EXPECT_DOUBLE_EQ(part(Limit::TensorCores),
                   (5000.0 / 2048 + 2000.0 / 4096 + 1000.0 / 8192) * 4096 * 3 / 25 / 1e9);
  EXPECT_DOUBLE_EQ(part(Limit::MultiplyAdds), 1e5 * 32 * 3 / 25 / 64 / 1e9);
  EXPECT_DOUBLE_EQ(part(Limit::Issue), 4e5 * 3 / 25 / 4 / 1e9);
  // A load takes (50000 * 200 + 25000 * 500) / 75000 = 300 clocks; one wave of 40.
  EXPECT_DOUBLE_EQ(part(Limit::Latency), (10 * 300 + 5 * 24 + 4 * 30) / 1e9);
  EXPECT_EQ(time.limit, Limit::Issue);
  EXPECT_DOUBLE_EQ(time.seconds, 1e-6 + part(Limit::Issue));

  work.busSectors = 25000; // which memory does not give, and the L2 passes on
  time = timeOf(chip, work);
  EXPECT_DOUBLE_EQ(part(Limit::Memory), 25000 * 32 / 1e12);
  EXPECT_DOUBLE_EQ(part(Limit::Bus), 25000 * 32 / 1e11);
  EXPECT_DOUBLE_EQ(part(Limit::L2), 125000.0 * 32 * 3 / 25 / 64 / 1e9);
  work.busSectors = 0;

  work.blocks = 41; // two waves
  EXPECT_DOUBLE_EQ(timeOf(chip, work).parts[size_t(Limit::Latency)], 2 * 10 * 300 / 1e9);
}

// As long as two tiles take, not 1.03.
TEST(LaunchModel, TheLastRoundOfTilesCountsWhole) {
  const plan::Chip &chip = *plan::findChip("h100");
  LaunchWork work;
  work.block.threads = 384;
  work.products = 136e6;
  work.blocks = 136;
  double ofBlocks = timeOf(chip, work).parts[size_t(Limit::TensorCores)];
  work.blocks = 132;
  work.tiles = 136;
  EXPECT_DOUBLE_EQ(timeOf(chip, work).parts[size_t(Limit::TensorCores)], ofBlocks);
}

TEST(LaunchModel, ALaunchOfNothingTakesTheTimeBetweenLaunches) {
  LaunchTime time = timeOf(roundChip(), {});
  EXPECT_DOUBLE_EQ(time.seconds, 1e-6);
  EXPECT_EQ(time.limit, Limit::Launch);
}

TEST(LaunchModel, FlopsAndBytes) {
  LaunchWork work;
  work.products = 3;
  work.groupProducts = 10;
  work.groupCodes = 20;
  work.multiplyAdds = 2;
  work.memorySectors = 5;
  work.writtenSectors = 1;
  EXPECT_DOUBLE_EQ(work.flops(), 33 * 4096 + 2 * 64);
  EXPECT_DOUBLE_EQ(work.memoryBytes(), 192);
}
