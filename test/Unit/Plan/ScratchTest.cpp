//===- ScratchTest.cpp - how kernels divide their scratch memory ----------===//
#include "dsv3/Plan/Scratch.h"

#include <gtest/gtest.h>

using namespace dsv3::plan;

TEST(Scratch, ArraysAreCacheLinesOfTheirOwn) {
  ScratchArrays arrays;
  EXPECT_EQ(arrays.take(1), 0);
  EXPECT_EQ(arrays.take(17), 16);
  EXPECT_EQ(arrays.take(16), 48);
  EXPECT_EQ(arrays.bytes(), 64 * 4);
}

TEST(Scratch, ArraysLieBehindEachOther) {
  RouterScratch router(20, 4);
  EXPECT_EQ(router.scores, 0);
  EXPECT_EQ(router.biased, 32);
  EXPECT_EQ(router.groupScores, 64);
  EXPECT_EQ(router.bytes, 80 * 4);

  LatentScratch latent(3, 64, 40);
  EXPECT_EQ(latent.values, 3 * 64);
  EXPECT_EQ(latent.largest, 3 * 64 + 3 * 48);
  EXPECT_EQ(latent.sums, latent.largest + 16);
  EXPECT_EQ(latent.bytes, (latent.sums + 16) * 4);
}

/// A panel is whole even where its last columns have no row; tokens come last.
TEST(Scratch, ExpandedRowsArePanels) {
  ExpandedScratch scratch(64, 16, 24, 32);
  EXPECT_EQ(scratch.expandedRow, 64);
  EXPECT_EQ(scratch.scores, 64 * 64);
  EXPECT_EQ(scratch.values, 64 * 64 + 64 + 2);
  EXPECT_EQ(scratch.bytes(5), (64 * 64 + 64 + wholeLines(5 * 26)) * 4);
}
