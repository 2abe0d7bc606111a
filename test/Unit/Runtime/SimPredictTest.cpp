//===- SimPredictTest.cpp - what is counted to predict a time -------------===//
//
// Kernels of which it is known by hand what they do. Needs clang; skipped without it.
//
//===----------------------------------------------------------------------===//
#include "SimPlanted.h"
#include "SimRun.h"

#include "runtime/drivers/sim/predict/Predictor.h"

#include <algorithm>
#include <numeric>

using namespace dsv3;
using namespace dsv3::runtime;
using dsv3::test::SimLaunch;
using dsv3::test::SimRun;

namespace {
/// What a text has besides its body.
struct Kernel {
  int threads = 64;
  std::vector<std::string> tensorMaps = {};
  int cluster = 1;
  bool mapped = false; ///< x lies on the host
};

class SimPredict : public testing::Test {
protected:
  SimPredict() : simulated(options()) {}
  void SetUp() override {
    Status loaded = simulated.load("const float *x, float *y", 32, "");
    if (dsv3::test::lacksClang(loaded)) {
      GTEST_SKIP() << loaded.failure().message();
    }
  }

  static SimOptions options() {
    SimOptions options;
    options.chip = plan::findChip("h100");
    return options;
  }
  /// Predicts a launch of a kernel on x and y, of `elements` numbers each: x[i] = i.
  void predict(const std::string &body, const SimLaunch &how, size_t elements,
               const Kernel &kernel = {}, LaunchUse use = LaunchUse::Results) {
    Status loaded = simulated.load("const float *x, float *y", kernel.threads, body,
                                   kernel.tensorMaps, kernel.cluster);
    ASSERT_TRUE(loaded) << loaded.failure().message();
    std::vector<float> x(elements);
    std::iota(x.begin(), x.end(), 0.F);
    simulated.add(x, kernel.mapped);
    simulated.add(std::vector<float>(elements));
    LaunchProfile times;
    times.uses = {use};
    Status status = simulated.profile(how, times);
    ASSERT_TRUE(status) << status.failure().message();
    ASSERT_EQ(times.predictions.size(), 1U);
    EXPECT_EQ(times.predictedFor, "h100");
    found = times.predictions[0];
    EXPECT_EQ(times.first[0], found.seconds);
    EXPECT_EQ(found.blocks, use == LaunchUse::Nothing ? 0 : how.blocks);
  }
  double part(std::string_view name) const {
    for (const auto &[known, seconds] : found.parts) {
      if (known == name) {
        return seconds;
      }
    }
    ADD_FAILURE() << "no part " << name;
    return 0;
  }
  /// Clocks of the busiest multiprocessor.
  double clocks(std::string_view name) const { return part(name) * plan::findChip("h100")->clock; }

  SimRun simulated;
  LaunchPrediction found;
};
} // namespace

// 64 threads: 2 warps, each a line of 4 sectors to load and one to store.
TEST_F(SimPredict, AStreamIsCountedAsItIs) {
  predict("  int64 i = blockIndex() * 64 + threadIndex();\n"
          "  y[i] = multiplyAdd(x[i], 2.0f, 1.0f);\n",
          {.blocks = 10}, 640);
  EXPECT_EQ(found.observedBlocks, 10);
  EXPECT_EQ(found.memoryBytes, 640 * 4) << "what is stored stays in the L2";
  EXPECT_EQ(found.l2Bytes, 2 * 640 * 4);
  EXPECT_EQ(found.flops, 2 * 640);
  EXPECT_EQ(simulated.values<float>(1)[639], 2 * 639 + 1);
  // Of a block: two warps with a load, a multiply-add and a store.
  EXPECT_NEAR(clocks("issue"), 2 * 3 / 4.0, 1e-9);
  EXPECT_NEAR(clocks("shared/L1"), 2 * 2, 1e-9);
  EXPECT_NEAR(clocks("latency"), plan::findChip("h100")->memoryLatency, 1e-9)
      << "one load after another";
}

TEST_F(SimPredict, WhatLiesOnTheHostComesOverTheBus) {
  predict("  int64 i = blockIndex() * 64 + threadIndex();\n  y[i] = x[i] + x[threadIndex()];\n",
          {.blocks = 10}, 640, {.mapped = true});
  EXPECT_EQ(found.memoryBytes, 0);
  EXPECT_NEAR(part("bus"), 640 * 4 / plan::findChip("h100")->busBandwidth, 1e-12)
      << "each line once";
  EXPECT_EQ(found.l2Bytes, (2 * 640 + 9 * 64) * 4);
}

// So many blocks that some are observed.
TEST_F(SimPredict, SampledBlocksReadTheHost) {
  constexpr int64_t blocks = 600;
  predict("  float sum = 0.0f;\n"
          "  for (int round = 0; round < 1000; ++round) {\n"
          "    sum += loadVector<1>(x + blockIndex() * 64 + threadIndex()).values[0];\n"
          "  }\n"
          "  y[blockIndex() * 64 + threadIndex()] = sum;\n",
          {.blocks = blocks}, 64 * blocks, {.mapped = true});
  EXPECT_LT(found.observedBlocks, blocks / 2);
  EXPECT_EQ(found.memoryBytes, 0);
  EXPECT_NEAR(part("bus"), 64 * 4.0 * blocks / plan::findChip("h100")->busBandwidth, 1e-12);
}

TEST_F(SimPredict, TheFirstBlockOfAClusterStandsForAll) {
  predict("  int64 i = blockIndex() * 64 + threadIndex();\n"
          "  arriveCluster();\n  waitForCluster();\n"
          "  y[i] = multiplyAdd(x[i], 2.0f, 1.0f);\n",
          {.blocks = 10}, 640, {.cluster = 2});
  EXPECT_EQ(found.observedBlocks, 5);
  EXPECT_EQ(found.memoryBytes, 640 * 4) << "what is stored stays in the L2";
  EXPECT_EQ(found.l2Bytes, 2 * 640 * 4);
  EXPECT_EQ(found.flops, 2 * 640);
  EXPECT_EQ(simulated.values<float>(1)[639], 2 * 639 + 1);
}

// At 12 bytes a clock, and by no cache.
TEST_F(SimPredict, SharedMemoryOfAnotherBlockTakesLonger) {
  predict("  SharedArrays shared;\n"
          "  float *own = shared.take<float>(64);\n"
          "  int64 i = blockIndex() * 64 + threadIndex();\n"
          "  own[threadIndex()] = x[i];\n"
          "  meetCluster();\n"
          "  y[i] = ofBlock(own, clusterRank() ^ 1)[threadIndex()];\n"
          "  meetCluster();\n",
          {.blocks = 10, .sharedBytes = 256}, 640, {.cluster = 2});
  EXPECT_EQ(found.l2Bytes, 2 * 640 * 4);
  double warps = 2, wavefronts = warps * 3; // a line of x and of y, what is own
  EXPECT_NEAR(part("shared/L1"), (wavefronts + 256 / 12.0) / plan::findChip("h100")->clock, 1e-12);
}

TEST_F(SimPredict, WhatABlockReadsAgainIsInItsFirstLevelAndOfOthersInTheL2) {
  predict("  float sum = 0.0f;\n"
          "  for (int round = 0; round < 3; ++round) sum += loadVector<1>(x + "
          "threadIndex()).values[0];\n"
          "  y[blockIndex() * 64 + threadIndex()] = sum;\n",
          {.blocks = 5}, 320);
  EXPECT_EQ(found.memoryBytes, 64 * 4);
  EXPECT_EQ(found.l2Bytes, 5 * 64 * 4 + 320 * 4) << "each block once, and what is stored";
}

TEST_F(SimPredict, BankConflictsTakeTime) {
  // Lanes of a warp 32 words apart: 32 wavefronts to store and one to load, each of two warps.
  predict("  SharedArrays shared;\n"
          "  float *a = shared.take<float>(2048);\n"
          "  a[threadIndex() % 32 * 32 + threadIndex() / 32 * 1024] = 1.0f;\n"
          "  syncBlock();\n"
          "  y[threadIndex()] = a[threadIndex()];\n",
          {.blocks = 1, .sharedBytes = 8192}, 64);
  EXPECT_NEAR(clocks("shared/L1"), 2 * 32 + 2 + 2, 1e-9);
}

TEST_F(SimPredict, ChainsOfLoadsAndShuffles) {
  // Eight iterations of a loop of loads, of which four are on their way at once; then 5 shuffles.
  predict("  float sum = 0.0f;\n"
          "  for (int i = 0; i < 8 + int(number); ++i) sum += loadVector<1>(x + i * 64 + "
          "threadIndex()).values[0];\n"
          "  y[threadIndex()] = warpSum(sum);\n",
          {.blocks = 1}, 512);
  EXPECT_NEAR(clocks("latency"), 2 * plan::findChip("h100")->memoryLatency + 5 * 24, 1e-9);
}

TEST_F(SimPredict, TensorCores) {
  predict("  float sums[4] = {};\n"
          "  uint32 a[4] = {};\n"
          "  for (int i = 0; i < 6; ++i) multiplyMatrices(sums, a, 0u, 0u);\n"
          "  y[threadIndex()] = sums[0];\n",
          {.blocks = 2}, 64);
  EXPECT_EQ(found.flops, 2 * 2 * 6 * 4096);
  EXPECT_NEAR(clocks("tensor cores"), 2 * 6 * 4096 / (4096 * 0.63), 1e-9);
}

/// A warp group that multiplies what lies in its shared memory, by the instruction that is given.
static std::string groupProduct(const std::string &instruction) {
  return "  SharedArrays shared;\n"
         "  uint64 a = matrixDescriptor(shared.take<unsigned char>(128 * 128));\n"
         "  float sums[productSums] = {};\n"
         "  fenceProducts(sums);\n"
         "  for (int i = 0; i < 5; ++i) " +
         instruction +
         ";\n"
         "  commitProducts();\n"
         "  waitForProducts<0>(sums);\n"
         "  y[threadIndex()] = sums[0];\n";
}

// Of each a row of a has 32 bytes: 2 * 64 * 128 operations for each column, of 16 or 32.
TEST_F(SimPredict, ProductsOfWarpGroups) {
  predict(groupProduct("multiplyGroup(sums, a, a)"),
          {.blocks = 3, .sharedBytes = int64_t(128) * 128}, 128, {.threads = 128});
  EXPECT_EQ(found.flops, 3.0 * 5 * 2 * 64 * 128 * 16);
  EXPECT_NEAR(clocks("tensor cores"), 5 * 2 * 64 * 128 * 16 / 4096.0, 1e-9);
  // They read 64 + 128 rows; then a line is stored by each of four warps.
  EXPECT_NEAR(clocks("shared/L1"), 5 * (64 + 128) * 32 / 128.0 + 4, 1e-9);
}
TEST_F(SimPredict, ProductsOfCodesByWarpGroupsHaveFp8sRate) {
  predict(groupProduct("multiplyGroupOfCodes(sums, a, a, true)"),
          {.blocks = 3, .sharedBytes = int64_t(128) * 128}, 128, {.threads = 128});
  EXPECT_EQ(found.flops, 3.0 * 5 * 2 * 64 * 128 * 32);
  EXPECT_NEAR(clocks("tensor cores"), 5 * 2 * 64 * 128 * 32 / 8192.0, 1e-9);
}

// Two blocks copy a box of 8 rows of 128 bytes each, of a matrix with 6 rows of 160 bytes, from
// byte 64 on: 96 bytes of 6 rows, in sectors of 32.
TEST_F(SimPredict, TensorCopiesComeFromTheL2) {
  predict("  SharedArrays shared;\n"
          "  unsigned char *to = shared.take<unsigned char>(8 * 128);\n"
          "  Barrier *full = shared.take<Barrier>(1);\n"
          "  if (threadIndex() == 0) {\n"
          "    initBarrier(full, 1);\n"
          "    fenceBarrierInit();\n"
          "    arriveExpecting(full, 8 * 128);\n"
          "    copyTensor(to, &map, 64, 0, full);\n"
          "  }\n"
          "  syncBlock();\n"
          "  while (!tryWait(full, 0)) {}\n",
          {.blocks = 2, .sharedBytes = 8 * 128 + 8}, 240, {.tensorMaps = {"0, 6, -1, 160, 8"}});
  EXPECT_EQ(found.memoryBytes, 6 * 96) << "once for both";
  EXPECT_EQ(found.l2Bytes, 2 * 6 * 96);
}

// A box of eight rows of 128 bytes, of which the matrix has six of 96.
TEST_F(SimPredict, ATensorStoreGoesToTheL2AsFarAsTheMatrixGoes) {
  predict("  SharedArrays shared;\n"
          "  float *from = shared.take<float>(8 * 32);\n"
          "  if (threadIndex() == 0) {\n"
          "    storeTensor(from, &map, 64, 0);\n"
          "    commitStores();\n"
          "    waitForStores<0>();\n"
          "  }\n",
          {.blocks = 2, .sharedBytes = 8 * 128}, 240, {.tensorMaps = {"1, 6, -1, 160, 8"}});
  EXPECT_EQ(found.l2Bytes, 2 * 6 * 96);
}

// Beside 32 elements of its own, a block loads 64 that 30 blocks share, at another place.
TEST_F(SimPredict, SampledBlocksThatShareInPart) {
  constexpr int64_t blocks = 600;
  predict("  float sum = 0.0f;\n"
          "  for (int round = 0; round < 700; ++round) {\n"
          "    sum += loadVector<1>(x + blockIndex() / 30 * 64 + threadIndex()).values[0];\n"
          "    sum += loadVector<1>(x + 1280 + blockIndex() * 32 + threadIndex() / 2).values[0];\n"
          "  }\n"
          "  y[threadIndex() + blockIndex() * 64] = sum;\n",
          {.blocks = blocks}, 64 * blocks);
  EXPECT_LT(found.observedBlocks, blocks / 4);
  double least = (1280 + 32 * double(blocks)) * 4;
  EXPECT_NEAR(found.memoryBytes, least, 0.02 * least);
}

// Blocks that do more the larger their number is, as those of causal attention do.
TEST_F(SimPredict, SampledBlocksThatDoNotAllDoTheSame) {
  constexpr int64_t blocks = 400;
  predict("  float sum = 0.0f;\n"
          "  for (int round = 0; round < 3 * blockIndex(); ++round) {\n"
          "    sum = multiplyAdd(loadVector<1>(x + threadIndex()).values[0], 2.0f, sum);\n"
          "    sum = multiplyAdd(loadVector<1>(x + 64 + threadIndex()).values[0], 2.0f, sum);\n"
          "  }\n"
          "  for (int round = 0; round < 1000; ++round) sum += loadVector<1>(x + "
          "threadIndex()).values[0];\n"
          "  y[threadIndex() + blockIndex() * 64] = sum;\n",
          {.blocks = blocks}, 64 * blocks);
  EXPECT_LT(found.observedBlocks, blocks / 2);
  double flops = 2.0 * 64 * 2 * 3 * blocks * (blocks - 1) / 2;
  EXPECT_NEAR(found.flops, flops, 0.01 * flops);
}

// Blocks that are not observed, where nobody wants what they compute.
TEST_F(SimPredict, TimesAloneNeedSomeBlocks) {
  constexpr int64_t blocks = 600;
  predict("  float sum = 1.0f;\n"
          "  for (int round = 0; round < 1000; ++round) {\n"
          "    sum += loadVector<1>(x + blockIndex() * 64 + threadIndex()).values[0];\n"
          "  }\n"
          "  y[blockIndex() * 64 + threadIndex()] = sum;\n",
          {.blocks = blocks}, 64 * blocks, {}, LaunchUse::Time);
  EXPECT_LT(found.observedBlocks, blocks);
  std::vector<float> y = simulated.values<float>(1);
  EXPECT_EQ(blocks - std::ranges::count(y, 0.F) / 64, found.observedBlocks);
  EXPECT_GT(found.seconds, 0);
}

TEST_F(SimPredict, WhatNobodyWantsIsLeftOut) {
  predict("  y[threadIndex()] = 1.0f;\n", {.blocks = 1}, 64, {}, LaunchUse::Nothing);
  EXPECT_EQ(found.seconds, 0);
  EXPECT_EQ(simulated.values<float>(1)[0], 0.F);
}

// Every block loads 128 elements of its own and 64 of all, 500 times; so many that some are
// observed.
TEST_F(SimPredict, SampledBlocksScaleExactly) {
  constexpr int64_t blocks = 600, mine = 128;
  predict("  float sum = 0.0f;\n"
          "  for (int round = 0; round < 500; ++round) {\n"
          "    sum += loadVector<1>(x + threadIndex()).values[0];\n"
          "    sum = multiplyAdd(loadVector<1>(x + 64 + blockIndex() * 128 + "
          "threadIndex()).values[0], 2.0f, sum);\n"
          "    sum += loadVector<1>(x + 128 + blockIndex() * 128 + threadIndex()).values[0];\n"
          "  }\n"
          "  y[blockIndex() * 64 + threadIndex()] = sum;\n",
          {.blocks = blocks}, 64 + mine * blocks);
  int64_t accesses = 3 * 500 * 64 + 64;
  EXPECT_EQ(found.observedBlocks, runtime::sim::observedAccesses / accesses);
  EXPECT_LT(found.observedBlocks, blocks / 2);
  EXPECT_DOUBLE_EQ(found.flops, 2 * 500.0 * 64 * blocks);
  EXPECT_DOUBLE_EQ(found.memoryBytes, (64 + double(mine) * blocks) * 4);
  EXPECT_DOUBLE_EQ(found.l2Bytes, (64 + double(mine) + 64) * blocks * 4);
  // A warp: 1500 loads, 500 multiply-adds, a store; five blocks for the busiest multiprocessor.
  EXPECT_NEAR(clocks("issue"), 5 * 2 * 2001 / 4.0, 1e-6);
  EXPECT_EQ(simulated.values<float>(1)[size_t(64) * 599],
            500.0F * (2 * (64 + 599 * 128) + (128 + 599 * 128)))
      << "all blocks ran";
}
