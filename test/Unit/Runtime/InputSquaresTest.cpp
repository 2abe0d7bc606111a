//===- InputSquaresTest.cpp - what weights are multiplied with ------------===//

#include "runtime/cli/InputSquares.h"

#include <gtest/gtest.h>

#include <numeric>

using namespace dsv3;
using namespace dsv3::cli;

template <typename T>
static void show(InputSquares &squares, std::string_view name, int64_t layer, int64_t rows,
                 const std::vector<T> &values) {
  squares.value({.name = name,
                 .layer = layer,
                 .type = std::is_same_v<T, float> ? DType::F32 : DType::I32,
                 .rows = rows,
                 .columns = int64_t(values.size()) / rows,
                 .data = values.data()});
}

/// The mean squares, with the rows that are added.
static std::vector<float> pulled(const std::vector<float> &squares, float rows) {
  float mean = std::accumulate(squares.begin(), squares.end(), 0.0F) / float(squares.size()) / rows;
  std::vector<float> result;
  for (float square : squares) {
    auto prior = float(InputSquares::priorRows);
    result.push_back((square + prior * mean) / (rows + prior));
  }
  return result;
}

static void expectNear(std::span<const float> found, const std::vector<float> &expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_FLOAT_EQ(found[i], expected[i]) << i;
  }
}

TEST(InputSquares, OfALayerAreThoseOfAllItsRows) {
  InputSquares squares;
  show<float>(squares, "input.layers.{layer}.o", 3, 2, {1, 2, 3, 4});
  show<float>(squares, "input.layers.{layer}.o", 3, 1, {0, 2});
  show<float>(squares, "input.layers.{layer}.o", 4, 1, {5, 5});
  show<float>(squares, "hidden", 3, 1, {9, 9});
  runtime::WeightImportance found = squares.importance();
  EXPECT_EQ(found.size(), 2U);
  expectNear(found.of("layers.3.o"), pulled({10, 24}, 3));
  expectNear(found.of("layers.4.o"), {25, 25});
  EXPECT_TRUE(found.of("layers.5.o").empty());
}

TEST(InputSquares, OfAnExpertAreThoseOfItsTokens) {
  InputSquares squares;
  show<int32_t>(squares, "router.experts", 1, 3, {2, 0, 0, 5, 2, 5});
  show<float>(squares, "input.layers.{layer}.{expert}.up", 1, 3, {1, 2, 3, 4, 5, 6});
  // Sorted by expert: 0 twice, 2 twice, 5 twice. A token's row holds two.
  show<float>(squares, "entries.layers.{layer}.{expert}.down", 1, 3,
              {1, 0, 2, 0, 3, 1, 4, 1, 5, 2, 6, 2});
  runtime::WeightImportance found = squares.importance();
  EXPECT_EQ(found.size(), 6U);
  expectNear(found.of("layers.1.0.up"), pulled({1 + 9, 4 + 16}, 2));
  expectNear(found.of("layers.1.2.up"), pulled({1 + 25, 4 + 36}, 2));
  expectNear(found.of("layers.1.5.up"), pulled({9 + 25, 16 + 36}, 2));
  expectNear(found.of("layers.1.0.down"), pulled({1 + 4, 0}, 2));
  expectNear(found.of("layers.1.2.down"), pulled({9 + 16, 2}, 2));
  expectNear(found.of("layers.1.5.down"), pulled({25 + 36, 8}, 2));
  EXPECT_TRUE(found.of("layers.1.1.up").empty());
}
