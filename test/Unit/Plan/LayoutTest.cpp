//===- LayoutTest.cpp - where elements of panels lie ----------------------===//
#include "dsv3/Plan/Layout.h"

#include <gtest/gtest.h>

#include <set>

using namespace dsv3;
using namespace dsv3::plan;

static PackedShape panelsOf(DType type, int64_t width) {
  Parameter parameter;
  parameter.type = type, parameter.groups = 1, parameter.rows = width, parameter.columns = 3;
  parameter.parts = 1;
  return {parameter, {LayoutKind::Panels, width}};
}

TEST(Layout, EveryRowHasAPlaceOfItsOwn) {
  for (DType type : {DType::F32, DType::F16, DType::F8E4M3, DType::I8}) {
    for (int64_t width : {16, 32, 64}) {
      PackedShape shape = panelsOf(type, width);
      std::set<int64_t> places;
      for (int64_t j = 0; j < width; ++j) {
        places.insert(shape.lane(j));
      }
      EXPECT_EQ(places.size(), size_t(width));
      EXPECT_EQ(*places.begin(), 0);
      EXPECT_EQ(*places.rbegin(), width - 1);
    }
  }
}

/// Row 0 of each of the four vectors of a panel of codes, and what comes after the four
/// rows that a lane of 128 bits holds of each.
TEST(Layout, VectorsOfCodesShareLanes) {
  PackedShape shape = panelsOf(DType::F8E4M3, 64);
  EXPECT_EQ(shape.lane(0), 0);
  EXPECT_EQ(shape.lane(16), 1);
  EXPECT_EQ(shape.lane(32), 8);
  EXPECT_EQ(shape.lane(48), 9);
  EXPECT_EQ(shape.lane(3), 6);
  EXPECT_EQ(shape.lane(4), 16);
  EXPECT_EQ(shape.dataIndex(0, 4, 2), 2 * 64 + 16);
}

TEST(Layout, RowsOfI8LieInOrder) {
  PackedShape shape = panelsOf(DType::I8, 64);
  EXPECT_EQ(shape.lane(33), 33);
  EXPECT_EQ(shape.dataIndex(0, 4, 2), 2 * 64 + 4);
  EXPECT_EQ(shape.dataBytes(), 3U * 64);
}

/// The places of i4 are those of half bytes; three columns lie in two pairs.
TEST(Layout, WordsOfI4HoldTwoColumnsOfFourVectors) {
  PackedShape shape = panelsOf(DType::I4, 64);
  EXPECT_EQ(shape.dataIndex(0, 0, 0), 0);
  EXPECT_EQ(shape.dataIndex(0, 1, 0), 8);
  EXPECT_EQ(shape.dataIndex(0, 16, 0), 1);
  EXPECT_EQ(shape.dataIndex(0, 48, 1), 7);
  EXPECT_EQ(shape.dataIndex(0, 63, 2), 2 * 64 + 15 * 8 + 3);
  EXPECT_EQ(shape.dataBytes(), 4U * 64 / 2);
  std::set<int64_t> places;
  for (int64_t row = 0; row < 64; ++row) {
    for (int64_t column = 0; column < 3; ++column) {
      places.insert(shape.dataIndex(0, row, column));
    }
  }
  EXPECT_EQ(places.size(), 64U * 3);
}

TEST(Layout, RowsOfI4HoldTwoColumnsInAByte) {
  Parameter parameter;
  parameter.type = DType::I4, parameter.groups = 2, parameter.rows = 5, parameter.columns = 35;
  parameter.scaleRows = 1, parameter.scaleColumns = 32;
  PackedShape shape(parameter, {});
  EXPECT_EQ(shape.dataIndex(0, 0, 1), 1) << "the upper half of the first byte";
  EXPECT_EQ(shape.dataIndex(1, 2, 3), (5 + 2) * 36 + 3) << "a row ends with a whole byte";
  EXPECT_EQ(shape.dataBytes(), 2U * 5 * 18);
  EXPECT_EQ(shape.scaleIndex(1, 2, 33, 0), ((5 + 2) * 2 + 1) * 2);
  EXPECT_EQ(shape.scaleIndex(1, 2, 33, 1), ((5 + 2) * 2 + 1) * 2 + 1) << "its offset";
  EXPECT_EQ(shape.scaleBytes(), 2U * 5 * 2 * 2 * 2);
}

static PackedShape dotsOf(DType type) {
  Parameter parameter;
  parameter.type = type, parameter.rows = 64, parameter.columns = 35;
  return {parameter, {LayoutKind::Dots, 64}};
}

/// Columns are filled up to whole blocks of 32; a word of 32 bits has those of one row.
TEST(Layout, WordsOfDotsHoldNeighbouringColumns) {
  EXPECT_EQ(dotsOf(DType::BF16).dataIndex(0, 5, 3), 1 * 2 * 64 + 5 * 2 + 1);
  EXPECT_EQ(dotsOf(DType::I8).dataIndex(0, 5, 6), 1 * 4 * 64 + 5 * 4 + 2);
  EXPECT_EQ(dotsOf(DType::I8).dataBytes(), 64U * 64);
  // Half bytes: column 8 + 6 is the upper half of byte 2.
  EXPECT_EQ(dotsOf(DType::I4).dataIndex(0, 5, 14), 1 * 8 * 64 + 5 * 8 + 5);
  EXPECT_EQ(dotsOf(DType::I4).dataIndex(0, 5, 10), 1 * 8 * 64 + 5 * 8 + 4);
  EXPECT_EQ(dotsOf(DType::I4).dataBytes(), 64U * 64 / 2);
  for (DType type : {DType::BF16, DType::I8, DType::I4}) {
    std::set<int64_t> places;
    for (int64_t row = 0; row < 64; ++row) {
      for (int64_t column = 0; column < 35; ++column) {
        places.insert(dotsOf(type).dataIndex(0, row, column));
      }
    }
    EXPECT_EQ(places.size(), 64U * 35);
  }
}

TEST(Layout, OffsetsOfI4FollowTheScalesOfTheirBlock) {
  Parameter parameter;
  parameter.type = DType::I4, parameter.rows = 32, parameter.columns = 40;
  parameter.scaleRows = 1, parameter.scaleColumns = 32;
  PackedShape shape(parameter, {LayoutKind::Panels, 32});
  EXPECT_EQ(shape.scaleIndex(0, 5, 31), 5);
  EXPECT_EQ(shape.scaleIndex(0, 5, 31, 1), 32 + 5);
  EXPECT_EQ(shape.scaleIndex(0, 5, 32), 64 + 5);
  EXPECT_EQ(shape.scaleBytes(), 2U * 2 * 32 * 2);
}

/// Panels of each part and group in turn; in place there is an address for each.
TEST(Layout, PanelsBeginAtRowsOfTheirGroup) {
  Parameter parameter;
  parameter.type = DType::BF16, parameter.groups = 2, parameter.parts = 2;
  parameter.rows = 128, parameter.columns = 32;
  PackedShape shape(parameter, {LayoutKind::InPlace, 32});
  EXPECT_EQ(shape.panelCount(), 8);
  EXPECT_EQ(shape.dataBytes(), 8U * 8);
  EXPECT_EQ(shape.scaleBytes(), 0U);
  EXPECT_EQ(shape.panelBegin(1), std::pair(int64_t(0), int64_t(32)));
  EXPECT_EQ(shape.panelBegin(2), std::pair(int64_t(0), int64_t(64)));
  EXPECT_EQ(shape.panelBegin(7), std::pair(int64_t(1), int64_t(96)));
  parameter.rows = 120; // parts of 60 rows, whose second panel is not whole
  EXPECT_EQ(PackedShape(parameter, {LayoutKind::Panels, 32}).panelBegin(3),
            std::pair(int64_t(0), int64_t(92)));
}

TEST(Layout, CodesExchangeTheirNibbles) {
  EXPECT_EQ(panelCode(0x7E), 0xE7);
  EXPECT_EQ(panelCode(0x38), 0x83);
}
