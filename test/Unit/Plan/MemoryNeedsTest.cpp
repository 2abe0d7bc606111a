//===- MemoryNeedsTest.cpp - the bytes that running a plan takes ----------===//

#include "dsv3/Plan/MemoryNeeds.h"
#include "SmallPlan.h"

#include <gtest/gtest.h>

using namespace dsv3;
using namespace dsv3::plan;

TEST(MemoryNeeds, OfTheSmallPlan) {
  Plan plan = test::smallPlan();
  // Row-major: 32 x 8 bf16, and for 2 layers 3 x 256 x 8 f8 with 3 x 2 x 1 scales, which
  // end at a border of 64 bytes.
  MemoryNeeds needs = memoryNeeds(plan, 0);
  EXPECT_EQ(needs.weights, 512U + 2 * (6144 + 64));
  EXPECT_EQ(needs.experts, 2U * (6144 + 64)) << "whose segments name an expert";
  EXPECT_EQ(needs.arena, 4096U);
  // ids of 16 tokens, rows of 4, logits [4, 32].
  EXPECT_EQ(needs.ports, (16U + 4 + 4 * 32) * 4);
  EXPECT_EQ(needs.scratch, 4096U); // 128 bytes in a page of the thread's own
  EXPECT_EQ(needs.withoutCache(3), needs.weights + 4096 + needs.ports + 3 * 4096);
  // Panels of 32 rows have a scale for each row.
  EXPECT_EQ(memoryNeeds(plan, 1).weights, 512U + 2 * (6144 + 3 * 256 * 4));
  EXPECT_EQ(plan.cache.pageBytes(), 2 * (4 + 2) * 4 * 64);
  EXPECT_EQ(plan.cache.pagesFor(65), 2);
}

TEST(MemoryNeeds, EntriesShareArenaAndPorts) {
  Plan plan = test::smallPlan();
  Entry &more = plan.entries.emplace_back(plan.entries[0]);
  more.arenaBytes = 8192, more.maxima = {8, 8};
  more.inputs.push_back({"hidden", DType::F32, 0, 8});
  MemoryNeeds needs = memoryNeeds(plan, 0);
  EXPECT_EQ(needs.arena, 8192U);
  // ids of 16 (the first), rows of 8, hidden [8, 8] and logits [8, 32] (the second).
  EXPECT_EQ(needs.ports, (16U + 8 + 8 * 8 + 8 * 32) * 4);
}

TEST(MemoryNeeds, MoreThanFitsIn64BitsIsTheMost) {
  Plan plan = test::smallPlan();
  plan.parameters[0].rows = int64_t(1) << 48;
  for (int64_t layer = 0; layer < 1 << 14; ++layer) {
    plan.parameters[0].layers.push_back(layer);
  }
  EXPECT_EQ(memoryNeeds(plan, 0).weights, UINT64_MAX);
  EXPECT_EQ(memoryNeeds(plan, 0).withoutCache(1), UINT64_MAX);
}

TEST(MemoryNeeds, TheCacheTakesWhatIsLeft) {
  Plan plan = test::smallPlan();
  plan.cache.maxContext = 65, plan.cache.maxRequests = 3;
  MemoryNeeds needs = memoryNeeds(plan, 0);
  auto page = uint64_t(plan.cache.pageBytes());
  EXPECT_EQ(fullCacheBytes(plan.cache), 6 * page);
  EXPECT_EQ(needs.total(2, plan.cache), needs.withoutCache(2) + 6 * page);
  EXPECT_EQ(needs.pagesWithin(needs.withoutCache(2) + 6 * page - 1, 2, plan.cache), 5U);
  EXPECT_EQ(needs.pagesWithin(needs.withoutCache(2) - 1, 2, plan.cache), 0U);
}
