//===- ScratchTest.cpp - how kernels divide their scratch memory ----------===//
#include "dsv3/Plan/Scratch.h"

#include <gtest/gtest.h>

using namespace dsv3;
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

  LatentScratch latent(3, 64, 40, widenedPage(DType::BF16, 64, 50));
  EXPECT_EQ(latent.values, 3 * 80);
  EXPECT_EQ(latent.largest, 3 * 80 + 3 * 64);
  EXPECT_EQ(latent.sums, latent.largest + 16);
  EXPECT_EQ(latent.page, latent.sums + 16);
  EXPECT_EQ(latent.bytes, (latent.page + 64 * 50) * 4);
  EXPECT_EQ(widenedPage(DType::F32, 64, 50), 0);
}

/// A panel is whole even where its last columns have no row; tokens come last.
TEST(Scratch, ExpandedRowsArePanels) {
  ExpandedScratch scratch(64, 66, 16, 24, 32, 128, 8, widenedPage(DType::BF16, 64, 50));
  EXPECT_EQ(scratch.expandedRow, 64);
  EXPECT_EQ(scratch.product, 66 * 64);
  EXPECT_EQ(scratch.page, scratch.product + 66 * 144 + 128 * 32);
  EXPECT_EQ(scratch.scores, scratch.page + 64 * 50);
  EXPECT_EQ(scratch.tokens, scratch.scores + 8 * 80);
  EXPECT_EQ(scratch.bytes(5), (scratch.tokens + 5 * (16 + 32)) * 4);
}

/// Rows beyond those that there are belong to the last tile.
TEST(Scratch, RowsArePaddedToPartsOfATile) {
  EXPECT_EQ(tileUnit(12), 4);
  EXPECT_EQ(tileUnit(6), 2);
  EXPECT_EQ(tileUnit(4), 2);
  EXPECT_EQ(tileUnit(1), 1);
  EXPECT_EQ(paddedRows(37, 12), 40);
  EXPECT_EQ(paddedRows(40, 12), 40);
  EXPECT_EQ(paddedRows(7, 1), 7);
}

/// Rows do not lie a power of two apart; a single row needs no block of its own, but room for what
/// it is scaled to where it meets codes of e4m3.
TEST(Scratch, ProductOfOneRowNeedsItsSumsAlone) {
  EXPECT_EQ(ProductScratch(96, 128, 32).rowStride, 144);
  TileRows one{1, 1, 1};
  EXPECT_EQ(GemmScratch(one, 4, 2, 128, 32, DType::BF16, 2048).bytes, 4 * 2 * 32 * 4);
  EXPECT_EQ(GemmScratch(one, 4, 2, 128, 32, DType::F8E4M3, 2048).bytes, (4 * 2 * 32 + 2048) * 4);
  GemmScratch many({2, 1, 0}, 4, 1, 128, 32, DType::F8E4M3, 2048);
  EXPECT_EQ(many.product, 2 * 4 * 32);
  EXPECT_EQ(many.bytes, (many.product + 2 * 144 + 128 * 32) * 4);
}
