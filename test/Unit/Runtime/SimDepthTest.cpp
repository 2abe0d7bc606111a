//===- SimDepthTest.cpp - clusters that divide a tile, on the simulated GPU -===//
//
// A small kernel of blocks that have the same tile and add up what they have, as tile/depth.cuh
// does: right under every schedule; and mistakes in it, each of which is found.
//
//===----------------------------------------------------------------------===//
#include "SimPlanted.h"
#include "SimWarpGroup.h"

#include <bit>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::test;

/// Clusters of four blocks along y, of 64 threads, which have one tile after the other as
/// tile/depth.cuh does: a box of 16 rows, brought by TMA, times what part the block is, is added up
/// over all of them, four rows by each.
static const char *const dividing = R"(
SharedArrays shared;
bf16 *tile = shared.take<bf16>(16 * 64);
Barrier *full = shared.take<Barrier>(1);
float *sums = reinterpret_cast<float *>(tile);
if (threadIndex() == 0) {
  initBarrier(full, 1);
  fenceBarrierInit();
}
syncBlock(); // the barrier is there
for (int round = 0; round < 2; ++round) {
  int number = int(blockIndex()) * 2 + round;
  if (threadIndex() == 0) {
    arriveExpecting(full, 16 * 128);
    copyTensor(tile, &map, 0, number * 16, full);
  }
  while (!tryWait(full, round)) {}
  float own[8], values[8]; // of a column, every other row
  for (int i = 0; i < 8; ++i) {
    int row = 2 * i + 1, column = threadIndex();
    own[i] = toFloat(tile[row * 64 + (column / 8 ^ row % 8) * 8 + column % 8]) * (blockPart() + 1);
  }
  syncBlock(); // all have read the tile
  for (int i = 0; i < 8; ++i) {
    sums[i * 64 + threadIndex()] = own[i];
  }
  fenceProxy();
  meetCluster(); // sums are there
  for (int i = 0; i < 2; ++i) {
    int at = (blockPart() * 2 + i) * 64 + threadIndex();
    values[i] = own[blockPart() * 2 + i];
    for (int part = 1; part < blockParts(); ++part) {
      values[i] += ofBlock(sums, (blockPart() + part) % blockParts())[at];
    }
  }
  meetCluster(); // sums are read
  for (int i = 0; i < 2; ++i) {
    out[(number * 8 + blockPart() * 2 + i) * 64 + threadIndex()] = values[i];
  }
}
)";

/// Tiles of two clusters.
static constexpr int dividedTiles = 4;

static Status divide(SimRun &sim, const char *right = "", const char *wrong = "") {
  Status loaded = sim.load("const bf16 *matrix, float *out", 64, changed(dividing, right, wrong),
                           {"0, 64, -1, 128, 16"}, 1, false, 4);
  if (!loaded) {
    return loaded;
  }
  sim.add(integers(dividedTiles * 16, 64, 7));
  sim.add(std::vector<float>(size_t(dividedTiles) * 8 * 64));
  return sim.launch({dividedTiles / 2, 16 * 128 + 8});
}

TEST(SimDepth, BlocksAddUpUnderEverySchedule) {
  std::vector<uint16_t> matrix = integers(dividedTiles * 16, 64, 7);
  std::vector<float> expected(size_t(dividedTiles) * 8 * 64);
  for (size_t i = 0; i < expected.size(); ++i) {
    size_t row = i / 64 * 2 + 1; // times 1 + 2 + 3 + 4
    expected[i] = 10 * std::bit_cast<float>(uint32_t(matrix[row * 64 + i % 64]) << 16);
  }
  for (uint64_t seed = 0; seed < 6; ++seed) {
    SimRun sim(options(seed % 2 == 1, seed));
    Status status = divide(sim);
    if (lacksClang(status)) {
      continue;
    }
    ASSERT_TRUE(status) << "seed " << seed << ": " << status.failure().message();
    EXPECT_EQ(sim.values<float>(1), expected) << "seed " << seed;
  }
}

class DivisionMistakes : public testing::TestWithParam<Planted> {};
TEST_P(DivisionMistakes, AreFound) {
  for (uint64_t seed = 1; seed < 4; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimRun sim(options(true, seed));
    Status status = divide(sim, GetParam().right, GetParam().wrong);
    if (lacksClang(status)) {
      GTEST_SKIP() << status.failure().message();
    }
    expectFound(status, GetParam());
  }
}

static const Planted divisionMistakes[] = {
    {"ReadsSumsThatMayNotBeThere",
     "meetCluster(); // sums are there",
     "syncBlock();",
     {": no barrier says that it has begun", "of the cluster reads or writes too",
      "of shared memory that nobody wrote", ", which has ended"}},
    {"DoesNotWaitForOthersSums",
     "meetCluster(); // sums are there",
     "syncWarp(); arriveCluster();",
     {": no barrier says that it has begun", "of the cluster reads or writes too",
      "arrives at the barrier of the cluster again"}},
    {"GoesOnWhileOthersReadItsSums",
     "meetCluster(); // sums are read",
     "syncBlock();",
     {"of the cluster reads or writes too", ", which has ended",
      "to which an asynchronous copy was not waited for"}},
    {"EndsWhileOthersReadItsSums",
     "meetCluster(); // sums are read",
     "if (round == 0) { meetCluster(); }",
     {", which has ended", "a barrier of the cluster that not all threads reach"}},
    {"WritesSumsWhereThePieceIsRead",
     "syncBlock(); // all have read the tile",
     "",
     {"no barrier lies between"}},
    {"OneBlockTooFar", "% blockParts())[at]", ")[at]", {"of a cluster of 4"}},
};
INSTANTIATE_TEST_SUITE_P(SimDepth, DivisionMistakes, testing::ValuesIn(divisionMistakes),
                         [](const auto &info) { return std::string(info.param.name); });
