//===- SimClusterTest.cpp - clusters and tensor stores on the simulated GPU ===//
//
// Two small kernels, one of blocks that share what they load, one that stores tiles by stmatrix
// and TMA: right under every schedule; and mistakes in them, each of which is found.
//
//===----------------------------------------------------------------------===//
#include "SimPlanted.h"
#include "SimWarpGroup.h"

#include <numeric>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::test;

/// Two blocks of 64 threads. In each of two rounds each brings half of 64 rows of 64 columns to
/// both, which write them to `out`; then each gives the other its threads' numbers.
static const char *const sharing = R"(
SharedArrays shared;
bf16 *tile = shared.take<bf16>(64 * 64);
int *given = shared.take<int>(64);
Barrier *full = shared.take<Barrier>(1), *empty = shared.take<Barrier>(1);
int rank = clusterRank(), other = rank ^ 1;
if (threadIndex() == 0) {
  initBarrier(full, 1);
  initBarrier(empty, 4);
  fenceBarrierInit();
}
arriveCluster(); waitForCluster(); // all barriers are there
for (int round = 0; round < 2; ++round) {
  if (threadIndex() == 0) {
    if (round > 0) {
      while (!tryWait(empty, 0)) {}
    }
    arriveExpecting(full, 64 * 128);
    copyTensorToBlocks(tile + rank * 32 * 64, &map, 0, round * 64 + rank * 32, full, 3);
  }
  while (!tryWait(full, round)) {}
  for (int i = threadIndex(); i < 64 * 64; i += 64) {
    int row = i / 64, column = i % 64;
    out[(rank * 2 + round) * 64 * 64 + i] =
        tile[row * 64 + (column / 8 ^ row % 8) * 8 + column % 8];
  }
  syncWarp();
  if (laneIndex() == 0) {
    arrive(empty);
    arriveWhere(true, barrierOfBlock(empty, other), 0);
  }
}
ofBlock(given, other)[threadIndex()] = rank * 64 + threadIndex();
arriveCluster(); waitForCluster(); // all is given
numbers[rank * 64 + threadIndex()] = given[threadIndex()];
)";

/// A block of 64 threads stores two tiles of 16 rows, each element its place in the matrix, of
/// which the second tile lies half outside.
static const char *const storing = R"(
SharedArrays shared;
bf16 *tile = shared.take<bf16>(16 * 64);
for (int round = 0; round < 2; ++round) {
  for (int i = 0; i < 2; ++i) {
    int firstChunk = warpIndex() * 4 + i * 2;
    uint32 fragment[4];
    for (int m = 0; m < 4; ++m) {
      int row = m % 2 * 8 + laneIndex() / 4;
      int column = (firstChunk + m / 2) * 8 + laneIndex() % 4 * 2;
      uint32 place = (round * 16 + row) * 64 + column;
      fragment[m] = place | (place + 1) << 16;
    }
    int row = laneIndex() / 8 % 2 * 8 + laneIndex() % 8, chunk = firstChunk + laneIndex() / 16;
    storeMatrices(tile + row * 64 + (chunk ^ row % 8) * 8, fragment);
  }
  fenceProxy();
  syncBlock(); // the tile is whole
  if (threadIndex() == 0) {
    storeTensor(tile, &map, 0, round * 16);
    commitStores();
    waitForStores<0>();
  }
  syncBlock(); // the tile may be written again
}
)";

static Status share(SimRun &sim, const char *right = "", const char *wrong = "") {
  Status loaded = sim.load("const bf16 *matrix, bf16 *out, int *numbers", 64,
                           changed(sharing, right, wrong), {"0, 128, -1, 128, 32"}, 2);
  if (!loaded) {
    return loaded;
  }
  sim.add(integers(128, 64, 5));
  sim.add(std::vector<uint16_t>(size_t(2) * 128 * 64));
  sim.add(std::vector<int>(128));
  return sim.launch({2, 64 * 128 + 64 * 4 + 16});
}

/// The rows of the matrix that there are.
static constexpr size_t storedRows = 24;

static Status store(SimRun &sim, const char *right = "", const char *wrong = "",
                    const std::string &map = "0, 24, -1, 128, 16") {
  Status loaded = sim.load("bf16 *out", 64, changed(storing, right, wrong), {map});
  if (!loaded) {
    return loaded;
  }
  sim.add(std::vector<uint16_t>(storedRows * 64));
  sim.device->forget(*sim.buffers[0]);
  return sim.launch({1, int64_t(16) * 128});
}

TEST(SimCluster, IsRightUnderEverySchedule) {
  std::vector<uint16_t> twice = integers(128, 64, 5);
  twice.insert(twice.end(), twice.begin(), twice.begin() + ptrdiff_t(128) * 64);
  std::vector<int> exchanged(128);
  std::iota(exchanged.begin(), exchanged.begin() + 64, 64);
  std::iota(exchanged.begin() + 64, exchanged.end(), 0);
  for (uint64_t seed = 0; seed < 6; ++seed) {
    SimRun sim(options(seed % 2 == 1, seed));
    Status status = share(sim);
    if (lacksClang(status)) {
      continue;
    }
    ASSERT_TRUE(status) << "seed " << seed << ": " << status.failure().message();
    EXPECT_EQ(sim.values<uint16_t>(1), twice) << "seed " << seed;
    EXPECT_EQ(sim.values<int>(2), exchanged) << "seed " << seed;
  }
}

TEST(SimTensorStore, WritesWhatLiesInTheMatrix) {
  std::vector<uint16_t> places(storedRows * 64);
  std::iota(places.begin(), places.end(), uint16_t(0));
  for (uint64_t seed = 0; seed < 6; ++seed) {
    SimRun sim(options(seed % 2 == 1, seed));
    Status status = store(sim);
    if (lacksClang(status)) {
      continue;
    }
    ASSERT_TRUE(status) << "seed " << seed << ": " << status.failure().message();
    EXPECT_EQ(sim.values<uint16_t>(0), places) << "seed " << seed;
  }
}

TEST(SimCluster, HasWholeClustersAlone) {
  SimRun sim(options(false));
  SUCCEED_OR_FAIL(sim.load("int *out", 32, "out[threadIndex()] = clusterRank();", {}, 2));
  sim.add(std::vector<int>(32));
  Status status = sim.launch({3, 0});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.failure().what, "expected whole clusters of 2 blocks, found a launch of 3");
}

class ClusterMistakes : public testing::TestWithParam<Planted> {};
TEST_P(ClusterMistakes, AreFound) {
  for (uint64_t seed = 1; seed < 4; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimRun sim(options(true, seed));
    Status status = share(sim, GetParam().right, GetParam().wrong);
    if (lacksClang(status)) {
      GTEST_SKIP() << status.failure().message();
    }
    expectFound(status, GetParam());
  }
}

static const Planted clusterMistakes[] = {
    {"MulticastToOneBlock",
     "full, 3)",
     "full, uint16(1 << rank))",
     {"which never ends: 0 of 1 arrivals and 4096 bytes"}},
    {"MulticastToABlockThatIsNot",
     "full, 3)",
     "full, 7)",
     {"copies to the blocks of mask 7 of a cluster of 2"}},
    {"BlocksDoNotMeetFirst",
     "arriveCluster(); waitForCluster(); // all barriers are there",
     "syncBlock();",
     {": no barrier says that it has begun", ", which has ended",
      "reads 8 bytes of shared memory outside of all arrays",
      "reads 8 bytes of shared memory that nobody wrote"}},
    {"BlocksDoNotMeetLast",
     "arriveCluster(); waitForCluster(); // all is given",
     "syncBlock();",
     {"reads 4 bytes of shared memory that nobody wrote", "of the cluster reads or writes too",
      ", which has ended"}},
    {"ArrivesAndDoesNotWait",
     "arriveCluster(); waitForCluster(); // all is given",
     "arriveCluster();",
     {"reads 4 bytes of shared memory that nobody wrote", "of the cluster reads or writes too",
      ", which has ended"}},
    {"WaitsAndDoesNotArrive",
     "arriveCluster(); waitForCluster(); // all is given",
     "waitForCluster();",
     {"waits for the barrier of the cluster, at which it has not arrived"}},
    {"ArrivesTwice",
     "arriveCluster(); waitForCluster(); // all is given",
     "arriveCluster(); arriveCluster(); waitForCluster();",
     {"arrives at the barrier of the cluster again, and has not waited for it"}},
    {"OneBlockDoesNotArrive",
     "arriveCluster(); waitForCluster(); // all is given",
     "if (rank == 0 || threadIndex() > 0) { arriveCluster(); waitForCluster(); } else { "
     "syncBlock(); }",
     {"a barrier of the block that not all threads reach",
      "a barrier of the cluster that not all threads reach"}},
    {"TryWaitWithoutALoop",
     "while (!tryWait(full, round)) {}",
     "tryWait(full, round);",
     {"has not waited for the phase of its barrier",
      "to which an asynchronous copy was not waited for"}},
    {"TellsTheOtherBlockTooLittle",
     "arriveWhere(true, barrierOfBlock(empty, other), 0);",
     "if (warpIndex() == 0) { arriveWhere(true, barrierOfBlock(empty, other), 0); }",
     {"phase 0 of barrier 1 in shared memory, which never ends: 1 of 4 arrivals"}},
    {"SecondRoundDoesNotWait",
     "while (!tryWait(empty, 0)) {}",
     "",
     {"reads or writes too", "touches shared memory to which a tensor was copied",
      "to which an asynchronous copy was not waited for"}},
    {"GlobalMemoryForThatOfABlock",
     "ofBlock(given, other)",
     "ofBlock(numbers, other)",
     {"takes a place for one of shared memory that is not"}},
    {"SharedMemoryOfABlockThatIsNot",
     "ofBlock(given, other)",
     "ofBlock(given, other + 1)",
     {"asks for block 2 of a cluster of 2"}},
};
INSTANTIATE_TEST_SUITE_P(SimCluster, ClusterMistakes, testing::ValuesIn(clusterMistakes),
                         [](const auto &info) { return std::string(info.param.name); });

class StoreMistakes : public testing::TestWithParam<Planted> {};
TEST_P(StoreMistakes, AreFound) {
  for (uint64_t seed = 0; seed < 3; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimRun sim(options(true, seed));
    Status status = store(sim, GetParam().right, GetParam().wrong);
    if (lacksClang(status)) {
      GTEST_SKIP() << status.failure().message();
    }
    expectFound(status, GetParam());
  }
}

static const Planted storeMistakes[] = {
    {"NoProxyFence", "fenceProxy();", "", {"no fence.proxy.async of that thread lies between"}},
    {"FenceByTheStoringThreadAlone",
     "fenceProxy();",
     "if (threadIndex() == 0) { fenceProxy(); }",
     {"no fence.proxy.async of that thread lies between"}},
    {"TileIsNotWhole",
     "syncBlock(); // the tile is whole",
     "",
     {"no barrier lies between", "that nobody wrote so far"}},
    {"NoWaitBeforeTheTileIsWrittenAgain",
     "waitForStores<0>();",
     "",
     {"writes shared memory that a tensor store reads: nothing says that it is finished"}},
    {"OneMoreStoreMayBeUnderWay",
     "waitForStores<0>();",
     "waitForStores<1>();",
     {"writes shared memory that a tensor store reads: nothing says that it is finished"}},
    {"NobodyIsToldThatTheStoreIsFinished",
     "syncBlock(); // the tile may be written again",
     "",
     {"writes shared memory that a tensor store reads: nothing says that it is finished",
      "no barrier lies between"}},
    {"NoWaitAtTheEnd",
     "waitForStores<0>();",
     "if (round == 0) { waitForStores<0>(); }",
     {"ends while a tensor store reads its shared memory"}},
};
INSTANTIATE_TEST_SUITE_P(SimTensorStore, StoreMistakes, testing::ValuesIn(storeMistakes),
                         [](const auto &info) { return std::string(info.param.name); });

TEST(SimTensorStore, ATileOutsideOfTheBufferIsFound) {
  SimRun sim(options(true));
  Status status = store(sim, "", "", "0, 32, -1, 128, 16");
  if (lacksClang(status)) {
    GTEST_SKIP() << status.failure().message();
  }
  ASSERT_FALSE(status);
  EXPECT_TRUE(status.failure().what.starts_with(
      "writes 128 bytes of global memory outside of all buffers: 0 bytes behind the end"))
      << status.failure().message();
  EXPECT_NE(status.failure().where.find("block 0, thread 0, at test.cu:"), std::string::npos);
}
