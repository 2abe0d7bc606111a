//===- TakenParamsTest.cpp - weights that go elsewhere as they get ready --===//

#include "SmallCheckpoint.h"

#include "dsv3/Plan/MemoryNeeds.h"
#include "runtime/params/ParameterStore.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::test;

/// Weights of some megabytes in three layers, with scales, and a norm.
static plan::Plan planOfLayers(int64_t rows = 1000, int64_t columns = 1030) {
  plan::Parameter weight, norm;
  weight.name = "weight", weight.type = DType::F8E4M3;
  weight.rows = rows, weight.columns = columns, weight.layers = {0, 2, 3};
  weight.scaleRows = weight.scaleColumns = 128;
  weight.segments = {{"w.{layer}", "s.{layer}", rows, columns, 0, 0, rows, false}};
  norm.name = "norm", norm.type = DType::BF16, norm.rows = 1, norm.columns = 9;
  norm.segments = {{"n", "", 9, 0, 0, 0, 1, false}};
  return planOf({weight, norm}, 16);
}

static bool isZero(std::span<const std::byte> bytes) {
  return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte(0); });
}

TEST(TakenParams, AreThoseThatWouldStay) {
  plan::Plan plan = planOfLayers();
  ParameterStore stayed = *ParameterStore::dummy(plan, 1, 5);
  for (int threads : {1, 3}) {
    std::vector<std::byte> taken(stayed.bytes().size());
    std::vector<bool> covered(taken.size());
    LoadOptions options;
    options.threads = threads;
    options.take = [&, taker = std::this_thread::get_id()](WeightPlace place,
                                                           std::span<const std::byte> bytes) {
      EXPECT_EQ(std::this_thread::get_id(), taker);
      EXPECT_FALSE(place.ofExperts);
      EXPECT_LE(place.offset + bytes.size(), taken.size());
      std::ranges::copy(bytes, taken.begin() + int64_t(place.offset));
      auto begin = covered.begin() + int64_t(place.offset), end = begin + int64_t(bytes.size());
      EXPECT_EQ(std::find(begin, end, true), end) << "twice";
      std::fill(begin, end, true);
      return Status();
    };
    auto store = ParameterStore::dummy(plan, 1, 5, options);
    ASSERT_TRUE(store) << store.failure().message();
    EXPECT_TRUE(std::ranges::equal(taken, stayed.bytes()));
    constexpr size_t page = 4096;
    EXPECT_TRUE(isZero(store->bytes().subspan(page, page))) << "memory was given back";
  }
}

TEST(TakenParams, AFailureOfWhoTakesThemEndsLoading) {
  LoadOptions options;
  int calls = 0;
  options.take = [&](WeightPlace, std::span<const std::byte>) -> Status {
    ++calls;
    return Failure{"the device is full"};
  };
  auto store = ParameterStore::dummy(planOfLayers(), 1, 5, options);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.failure().what, "the device is full");
  EXPECT_EQ(calls, 1);
}

TEST(TakenParams, AFewAreUnderWayAtATime) {
  plan::Plan small = planOfLayers();
  EXPECT_EQ(mostBytesUnderWay(small, 1, false), plan::weightBytes(small, 1));
  constexpr int64_t side = int64_t(1) << 16;
  plan::Plan large = planOfLayers(side, side);
  large.parameters[0].layers.resize(20);
  uint64_t ofLayer =
      plan::parameterBytes(large.parameters[0], large.parameters[0].layouts[1]).stride();
  EXPECT_EQ(mostBytesUnderWay(large, 1, false), mostReadyBytes + 3 * ofLayer);
  // Experts that stay are on no way.
  large.parameters[0].segments[0].key = "w.{layer}.{expert}";
  EXPECT_EQ(mostBytesUnderWay(large, 1, true),
            plan::weightBytes(large, 1) - plan::expertBytes(large, 1));
}
