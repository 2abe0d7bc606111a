//===- SimWarpGroupTest.cpp - instructions of sm_90a on the simulated GPU -===//
//
// Products of warp groups and tensor copies against the formulas of the PTX ISA, and what
// is refused without checks.
//
//===----------------------------------------------------------------------===//
#include "SimWarpGroup.h"

#include <algorithm>
#include <numeric>
#include <utility>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::test;

/// Elements of a box of eight rows, and its bytes.
static constexpr size_t box = size_t(8) * 64;
static constexpr int64_t boxBytes = box * 2;

/// 64 rows times `columns` rows of b, added to ones: "Register Fragments for
/// wgmma.mma_async.m64nNk16" with N = 128 and 64.
static void expectLayoutsOf(size_t columns) {
  SimRun sim(options(false));
  // Swizzle of 128 bytes: bits 4-6 of an address are those of it and of bits 7-9.
  SUCCEED_OR_FAIL(sim.load("const bf16 *a, const bf16 *b, float *c", 128,
                           "constexpr int columns = " + std::to_string(columns) + R"(;
    SharedArrays shared;
    unsigned char *x = shared.take<unsigned char>(64 * 128);
    unsigned char *w = shared.take<unsigned char>(columns * 128);
    for (int i = threadIndex(); i < columns * 64; i += 128) {
      int row = i / 64, column = i % 64, address = row * 128 + column * 2;
      int place = address ^ ((address >> 7) & 7) << 4;
      if (row < 64) { *reinterpret_cast<bf16 *>(x + place) = a[i]; }
      *reinterpret_cast<bf16 *>(w + place) = b[i];
    }
    fenceProxy();
    syncBlock();
    float sums[columns / 2];
    for (int i = 0; i < columns / 2; ++i) { sums[i] = 1.0f; }
    fenceProducts(sums);
    for (int k = 0; k < 4; ++k) {
      multiplyGroup(sums, matrixDescriptor(x + k * 32), matrixDescriptor(w + k * 32));
    }
    commitProducts();
    waitForProducts<0>(sums);
    for (int i = 0; i < columns / 2; ++i) {
      int row = warpIndex() * 16 + (laneIndex() >> 2) + (i % 4 >= 2 ? 8 : 0);
      c[row * columns + i / 4 * 8 + laneIndex() % 4 * 2 + (i & 1)] = sums[i];
    }
  )"));
  std::vector<uint16_t> a = integers(64, 64, 5), b = integers(columns, 64, 7);
  sim.add(a);
  sim.add(b);
  sim.add(std::vector<float>(64 * columns));
  SUCCEED_OR_FAIL(sim.launch({1, int64_t(64 + columns) * 128}));
  std::vector<float> expected = productOf(a, b, 64, columns, 64);
  for (float &sum : expected) {
    sum += 1.F;
  }
  EXPECT_EQ(sim.values<float>(2), expected);
}

TEST(SimWarpGroup, ProductsHaveTheManualsLayouts) {
  expectLayoutsOf(128);
  expectLayoutsOf(64);
}

// PTX ISA, "Strides": where rows of b are those of k, the leading dimension's offset is from 64
// columns to the next 64, the other one from eight rows to the next eight.
TEST(SimWarpGroup, ProductsOfTransposedMatricesHaveTheManualsLayouts) {
  SimRun sim(options(false));
  SUCCEED_OR_FAIL(sim.load("const bf16 *a, const bf16 *b, float *c", 128, std::string(R"(
    SharedArrays shared;
    unsigned char *w = shared.take<unsigned char>(2 * 64 * 128);
    for (int i = threadIndex(); i < 64 * 128; i += 128) {
      int row = i / 128, column = i % 128;
      int address = column / 64 * 64 * 128 + row * 128 + column % 64 * 2;
      int place = address ^ ((address >> 7) & 7) << 4;
      *reinterpret_cast<bf16 *>(w + place) = b[i];
    }
    fenceProxy();
    syncBlock();
    float sums[productSums] = {};
    fenceProducts(sums);
    for (int k = 0; k < 4; ++k) {
      uint32 words[4];
      for (int i = 0; i < 4; ++i) {
        int row = warpIndex() * 16 + laneIndex() / 4 + i % 2 * 8;
        const bf16 *two = a + row * 64 + k * 16 + laneIndex() % 4 * 2 + i / 2 * 8;
        words[i] = two[0].bits | uint32(two[1].bits) << 16;
      }
      uint32 word = wideMatrixWord(w + k * 16 * 128, 64 * 128);
      multiplyTransposed(sums, words, matrixDescriptor(word));
    }
    commitProducts();
    waitForProducts<0>(sums);
  )") + storeSums));
  std::vector<uint16_t> a = integers(64, 64, 5), b = integers(64, 128, 7), transposed;
  for (size_t column = 0; column < 128; ++column) {
    for (size_t k = 0; k < 64; ++k) {
      transposed.push_back(b[k * 128 + column]);
    }
  }
  sim.add(a);
  sim.add(b);
  sim.add(std::vector<float>(sumCount));
  SUCCEED_OR_FAIL(sim.launch({1, int64_t(128) * 128}));
  EXPECT_EQ(sim.values<float>(2), productOf(a, transposed, 64, 128, 64));
}

TEST(SimWarpGroup, TensorCopiesSwizzleAndFillWithZeros) {
  SimRun sim(options(false));
  SUCCEED_OR_FAIL(sim.load("const bf16 *matrix, bf16 *box", 32, R"(
    SharedArrays shared;
    bf16 *to = shared.take<bf16>(8 * 64);
    Barrier *full = shared.take<Barrier>(1);
    if (threadIndex() == 0) {
      initBarrier(full, 1);
      fenceBarrierInit();
      arriveExpecting(full, 8 * 128);
      copyTensor(to, &map, 128, 16, full);
    }
    syncBlock();
    while (!tryWait(full, 0)) {}
    for (int i = threadIndex(); i < 8 * 64; i += 32) {
      box[i] = to[i];
    }
  )",
                           {"0, 20, -1, 144, 8"}));
  std::vector<uint16_t> matrix(size_t(20) * 72);
  std::iota(matrix.begin(), matrix.end(), uint16_t(1));
  sim.add(matrix);
  sim.add(std::vector<uint16_t>(box));
  SUCCEED_OR_FAIL(sim.launch({1, boxBytes + 8}));
  // From row 16 and column 64 on there are 4 rows and 8 columns.
  std::vector<uint16_t> expected(box);
  for (size_t row = 0; row < 4; ++row) {
    for (size_t column = 0; column < 8; ++column) {
      size_t chunk = column / 8 ^ row % 8;
      expected[row * 64 + chunk * 8 + column % 8] = matrix[(row + 16) * 72 + 64 + column];
    }
  }
  EXPECT_EQ(sim.values<uint16_t>(1), expected);
}

TEST(SimWarpGroup, ATensorCopyOfMemoryThatIsNotThereIsAFailure) {
  SimRun sim(options(false));
  SUCCEED_OR_FAIL(sim.load("const bf16 *matrix", 32, R"(
    SharedArrays shared;
    bf16 *to = shared.take<bf16>(8 * 64);
    Barrier *full = shared.take<Barrier>(1);
    if (threadIndex() == 0) {
      initBarrier(full, 1);
      fenceBarrierInit();
      arriveExpecting(full, 8 * 128);
      copyTensor(to, &map, 0, 1 << 30, full);
    }
    while (!tryWait(full, 0)) {}
  )",
                           {"0, 4294967296, -1, 128, 8"}));
  sim.add(std::vector<uint16_t>(64));
  Status status = sim.launch({1, boxBytes + 8});
  ASSERT_FALSE(status);
  EXPECT_TRUE(status.failure().what.ends_with(", where there is none")) << status.failure().what;
  EXPECT_NE(status.failure().where.find("block 0, thread 0"), std::string::npos);
}

TEST(SimWarpGroup, BlocksWaitForWhatTheyHaveBegun) {
  SimRun sim(options(false));
  sim.add(std::vector<uint16_t>(box));
  SUCCEED_OR_FAIL(sim.load("const bf16 *matrices", 128, R"(
    SharedArrays shared;
    uint64 matrix = matrixDescriptor(shared.take<bf16>(128 * 64));
    float sums[productSums] = {};
    fenceProducts(sums);
    multiplyGroup(sums, matrix, matrix);
    commitProducts();
  )"));
  Status status = sim.launch({1, 16 * boxBytes});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.failure().what, "ends while products are under way");
  SUCCEED_OR_FAIL(sim.load("const bf16 *matrix", 32, R"(
    SharedArrays shared;
    bf16 *to = shared.take<bf16>(8 * 64);
    Barrier *full = shared.take<Barrier>(1);
    if (threadIndex() == 0) {
      initBarrier(full, 1);
      fenceBarrierInit();
      arriveExpecting(full, 8 * 128);
      copyTensor(to, &map, 0, 0, full);
    }
  )",
                           {"0, 8, -1, 128, 8"}));
  status = sim.launch({1, boxBytes + 8});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.failure().what, "ends while tensor copies are under way to its shared memory");
}

// 384 threads are launched with 168 registers each. An H200 waited for ever for the 1024 others
// that a multiprocessor has.
TEST(SimWarpGroup, RegistersThatThereAreNot) {
  for (auto [few, many] : {std::pair("40", "232"), std::pair("32", "240")}) {
    bool enough = many == std::string_view("232");
    SimRun sim(options(false));
    SUCCEED_OR_FAIL(sim.load("int *out", 384,
                             std::string("if (threadIndex() < 128) { giveRegisters<") + few +
                                 ">(); } else { takeRegisters<" + many +
                                 ">(); }\nout[threadIndex()] = 1;\n"));
    sim.add(std::vector<int>(384));
    Status status = sim.launch({1, 0});
    ASSERT_EQ(bool(status), enough);
    if (!enough) {
      EXPECT_EQ(status.failure().what,
                "setmaxnreg: the block's warps want 65536 of 64512 registers, which never come");
    }
  }
}

// The order in which persistent blocks have 19 x 3 tiles.
TEST(SimWarpGroup, TilesOfABandOfRowsComeColumnByColumn) {
  SimRun sim(options(false));
  SUCCEED_OR_FAIL(sim.load("int *rows, int *columns", 32, R"(
    for (int i = threadIndex(); i < 19 * 3; i += 32) {
      BandedTile tile(i, 19, 3);
      rows[i] = tile.row;
      columns[i] = tile.column;
    }
  )"));
  sim.add(std::vector<int>(57));
  sim.add(std::vector<int>(57));
  SUCCEED_OR_FAIL(sim.launch({}));
  std::vector<int> rows, columns;
  for (int band = 0; band < 19; band += 8) {
    for (int column = 0; column < 3; ++column) {
      for (int row = band; row < std::min(band + 8, 19); ++row) {
        rows.push_back(row);
        columns.push_back(column);
      }
    }
  }
  EXPECT_EQ(sim.values<int>(0), rows);
  EXPECT_EQ(sim.values<int>(1), columns);
}

TEST(SimWarpGroup, AMultiprocessorHasOnePersistentBlock) {
  constexpr size_t tiles = 30;
  const char *body = "if (threadIndex() == 0) { counts[blockIndex()] = int(blockCount()); }";
  // In order there are four multiprocessors, with a seed as many as it chooses.
  for (auto [seed, blocks] : {std::pair<uint64_t, int>(0, 4), {6, 7}, {7, 8}}) {
    SimRun sim(options(false, seed));
    SUCCEED_OR_FAIL(sim.load("int *counts", 32, body, {}, 1, true));
    sim.add(std::vector<int>(tiles));
    SUCCEED_OR_FAIL(sim.launch({tiles}));
    std::vector<int> expected(tiles);
    std::fill_n(expected.begin(), blocks, blocks);
    EXPECT_EQ(sim.values<int>(0), expected) << "seed " << seed;
  }
  // Whole clusters of them.
  SimRun sim(options(false, 6));
  SUCCEED_OR_FAIL(sim.load("int *counts", 32, body, {}, 2, true));
  sim.add(std::vector<int>(tiles));
  SUCCEED_OR_FAIL(sim.launch({tiles}));
  EXPECT_EQ(sim.values<int>(0)[0], 6);
}
