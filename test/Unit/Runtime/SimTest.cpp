//===- SimTest.cpp - the simulated GPU ------------------------------------===//
//
// What instructions compute, against the tables of the PTX ISA; and schedules.
//
//===----------------------------------------------------------------------===//
#include "SimRun.h"
#include "dsv3/Support/Float.h"

#include <algorithm>
#include <bit>
#include <numeric>

using namespace dsv3;
using namespace dsv3::runtime;
using dsv3::test::inOrder;
using dsv3::test::SimRun;

/// Small integers, whose products and sums are exact in any order.
static std::vector<uint16_t> integersAsBf16(size_t count, int factor) {
  std::vector<uint16_t> values;
  for (size_t i = 0; i < count; ++i) {
    auto value = float(int(i) * factor % 17 - 8);
    values.push_back(uint16_t(std::bit_cast<uint32_t>(value) >> 16));
  }
  return values;
}
static float fromBf16(uint16_t bits) { return std::bit_cast<float>(uint32_t(bits) << 16); }

/// PTX ISA, "Matrix Fragments for mma.m16n8k16 with floating point type": groupID = lane >> 2,
/// threadID_in_group = lane % 4; of a_i the row is groupID for i in {0, 1, 4, 5}, else
/// groupID + 8, the column threadID_in_group * 2 + (i & 1), from i = 4 on + 8; of b_i the row is
/// threadID_in_group * 2 + (i & 1), from i = 2 on + 8, the column groupID; of c_i the row is
/// groupID, from i = 2 on + 8, the column threadID_in_group * 2 + (i & 1).
static const char *const manualFragments = R"(
  int group = laneIndex() >> 2, inGroup = laneIndex() % 4;
  bf16 ai[8], bi[4];
  for (int i = 0; i < 8; ++i) {
    int row = (i % 4) < 2 ? group : group + 8, column = inGroup * 2 + (i & 1) + (i >= 4 ? 8 : 0);
    ai[i] = a[row * 16 + column];
  }
  for (int i = 0; i < 4; ++i) {
    bi[i] = b[(inGroup * 2 + (i & 1) + (i >= 2 ? 8 : 0)) * 8 + group];
  }
  uint32 aw[4], bw[2];
  for (int i = 0; i < 4; ++i) { aw[i] = uint32(ai[2 * i].bits) | uint32(ai[2 * i + 1].bits) << 16; }
  for (int i = 0; i < 2; ++i) { bw[i] = uint32(bi[2 * i].bits) | uint32(bi[2 * i + 1].bits) << 16; }
)";

TEST(SimInstructions, MmaHasTheManualsFragments) {
  SimRun sim(inOrder());
  LOAD(sim, "const bf16 *a, const bf16 *b, float *c", 32, std::string(manualFragments) + R"(
    float sums[4] = {1.0f, 1.0f, 1.0f, 1.0f};
    multiplyMatrices(sums, aw, bw[0], bw[1]);
    for (int i = 0; i < 4; ++i) {
      c[(i < 2 ? group : group + 8) * 8 + inGroup * 2 + (i & 1)] = sums[i];
    }
  )");
  std::vector<uint16_t> a = integersAsBf16(16 * 16, 5), b = integersAsBf16(16 * 8, 7);
  sim.add(a);
  sim.add(b);
  sim.add(std::vector<float>(16 * 8));
  LAUNCH(sim, 1, 0);
  std::vector<float> expected(16 * 8, 1.F);
  for (size_t i = 0; i < 16; ++i) {
    for (size_t j = 0; j < 8; ++j) {
      for (size_t k = 0; k < 16; ++k) {
        expected[i * 8 + j] += fromBf16(a[i * 16 + k]) * fromBf16(b[k * 8 + j]);
      }
    }
  }
  EXPECT_EQ(sim.values<float>(2), expected);
}

/// PTX ISA, "Matrix Fragments for mma.m16n8k32" with .e4m3: of a_i the row is groupID for i in
/// [0, 4) and [8, 12), else groupID + 8, the column threadID_in_group * 4 + (i & 3), from i = 8 on
/// + 16; of b_i the row is threadID_in_group * 4 + (i & 3), from i = 4 on + 16, the column groupID;
/// c_i as of mma.m16n8k16.
TEST(SimInstructions, MmaOfCodesHasTheManualsFragments) {
  SimRun sim(inOrder());
  LOAD(sim, "const e4m3 *a, const e4m3 *b, float *c", 32, R"(
    int group = laneIndex() >> 2, inGroup = laneIndex() % 4;
    uint32 aw[4] = {}, bw[2] = {};
    for (int i = 0; i < 16; ++i) {
      int row = i < 4 || (i >= 8 && i < 12) ? group : group + 8;
      int column = inGroup * 4 + (i & 3) + (i >= 8 ? 16 : 0);
      aw[i / 4] |= uint32(a[row * 32 + column].bits) << (i % 4 * 8);
    }
    for (int i = 0; i < 8; ++i) {
      bw[i / 4] |= uint32(b[(inGroup * 4 + (i & 3) + (i >= 4 ? 16 : 0)) * 8 + group].bits) << (i % 4 * 8);
    }
    float sums[4] = {1.0f, 1.0f, 1.0f, 1.0f};
    multiplyCodes(sums, aw, bw[0], bw[1]);
    for (int i = 0; i < 4; ++i) {
      c[(i < 2 ? group : group + 8) * 8 + inGroup * 2 + (i & 1)] = sums[i];
    }
  )");
  auto integers = [](size_t count, int factor) { // exact in any order
    std::vector<uint8_t> codes;
    for (size_t i = 0; i < count; ++i) {
      codes.push_back(floatToF8E4M3(float(int(i) * factor % 17 - 8)));
    }
    return codes;
  };
  std::vector<uint8_t> a = integers(16 * 32, 5), b = integers(32 * 8, 7);
  sim.add(a);
  sim.add(b);
  sim.add(std::vector<float>(16 * 8));
  LAUNCH(sim, 1, 0);
  std::vector<float> expected(16 * 8, 1.F);
  for (size_t i = 0; i < 16; ++i) {
    for (size_t j = 0; j < 8; ++j) {
      for (size_t k = 0; k < 32; ++k) {
        expected[i * 8 + j] += f8e4m3ToFloat(a[i * 32 + k]) * f8e4m3ToFloat(b[k * 8 + j]);
      }
    }
  }
  EXPECT_EQ(sim.values<float>(2), expected);
}

TEST(SimInstructions, AtomicSumsHave64Bits) {
  for (uint64_t seed : {0, 7}) {
    SimRun sim(inOrder(seed));
    LOAD(sim, "const uint64 *values, uint64 *sums", 64, R"(
      SharedArrays shared;
      uint64 *own = shared.take<uint64>(2);
      if (threadIndex() < 2) { own[threadIndex()] = 0; }
      syncBlock();
      atomicSum(own + threadIndex() % 2, values[threadIndex()]);
      syncBlock();
      if (threadIndex() < 2) { sums[threadIndex()] = own[threadIndex()]; }
    )");
    std::vector<uint64_t> values, expected(2);
    for (uint64_t i = 0; i < 64; ++i) {
      values.push_back((uint64_t(1) << 40) - i * i);
      expected[i % 2] += values.back();
    }
    sim.add(values);
    sim.add(std::vector<uint64_t>(2));
    LAUNCH(sim, 1, 16);
    EXPECT_EQ(sim.values<uint64_t>(1), expected);
  }
}

TEST(SimInstructions, LdmatrixGivesWhatMmaTakes) {
  SimRun sim(inOrder());
  // Matrices 0 to 3 are the quarters of a: rows 0-7 and 8-15 of its left half, then of its right.
  LOAD(sim, "const bf16 *a, const bf16 *b, int *wrong", 32, std::string(manualFragments) + R"(
    SharedArrays shared;
    bf16 *rows = shared.take<bf16>(256);
    for (int i = laneIndex(); i < 256; i += 32) { rows[i] = a[i]; }
    syncBlock();
    uint32 fragment[4];
    loadMatrices(rows + laneIndex() % 16 * 16 + laneIndex() / 16 * 8, fragment);
    int differ = bw[0] == 0 ? 0 : 0;
    for (int i = 0; i < 4; ++i) { differ += fragment[i] != aw[i] ? 1 : 0; }
    wrong[laneIndex()] = differ;
  )");
  std::vector<uint16_t> a(256);
  std::iota(a.begin(), a.end(), uint16_t(1));
  sim.add(a);
  sim.add(std::vector<uint16_t>(128));
  sim.add(std::vector<int>(32, 9));
  LAUNCH(sim, 1, 512);
  EXPECT_EQ(sim.values<int>(2), std::vector<int>(32, 0));
}

TEST(SimInstructions, TransposedMatricesGiveColumns) {
  SimRun sim(inOrder());
  // PTX ISA: with .trans a lane gets of each matrix rows 2 (lane % 4) and the next one of column
  // lane / 4. Element (row, column) of matrix m is 64 m + 8 row + column.
  LOAD(sim, "uint32 *out", 32, R"(
    SharedArrays shared;
    bf16 *rows = shared.take<bf16>(256);
    for (int i = laneIndex(); i < 256; i += 32) { rows[i].bits = uint16(i); }
    syncBlock();
    uint32 fragment[4];
    loadTransposed(rows + laneIndex() * 8, fragment);
    for (int i = 0; i < 4; ++i) { out[laneIndex() * 4 + i] = fragment[i]; }
  )");
  sim.add(std::vector<uint32_t>(128));
  LAUNCH(sim, 1, 512);
  std::vector<uint32_t> expected;
  for (uint32_t lane = 0; lane < 32; ++lane) {
    for (uint32_t matrix = 0; matrix < 4; ++matrix) {
      uint32_t first = 64 * matrix + 8 * (lane % 4 * 2) + lane / 4;
      expected.push_back(first | (first + 8) << 16);
    }
  }
  EXPECT_EQ(sim.values<uint32_t>(0), expected);
}

TEST(SimInstructions, ShufflesReadTheirLanes) {
  SimRun sim(inOrder());
  LOAD(sim, "int *out", 64, R"(
    int t = threadIndex(), *mine = out + 4 * t;
    mine[0] = shuffleXor(t, 5);
    mine[1] = shuffleUp(t, 3);
    mine[2] = shuffle(t, 7);
    mine[3] = int(shuffleXor(float(t), 16));
  )");
  sim.add(std::vector<int>(256));
  LAUNCH(sim, 1, 0);
  std::vector<int> out = sim.values<int>(0);
  for (int t = 0; t < 64; ++t) {
    int lane = t % 32, warp = t - lane;
    std::vector<int> expected{warp + (lane ^ 5), lane < 3 ? t : t - 3, warp + 7,
                              warp + (lane ^ 16)};
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), out.begin() + 4 * t)) << t;
  }
}

TEST(SimInstructions, BallotsHaveABitForEachLane) {
  SimRun sim(inOrder());
  LOAD(sim, "uint32 *out", 64, R"(
    int t = threadIndex();
    out[2 * t] = ballot(t % 3 == 0);
    out[2 * t + 1] = uint32(countOf(ballot(t < 40)));
  )");
  sim.add(std::vector<uint32_t>(128));
  LAUNCH(sim, 1, 0);
  std::vector<uint32_t> out = sim.values<uint32_t>(0);
  for (uint32_t t = 0; t < 64; ++t) {
    EXPECT_EQ(out[2 * t], t < 32 ? 0x49249249U : 0x92492492U) << t;
    EXPECT_EQ(out[2 * t + 1], t < 32 ? 32U : 8U) << t;
  }
}

TEST(SimInstructions, CopiesFillUpWithZeros) {
  SimRun sim(inOrder());
  LOAD(sim, "const float *x, float *y", 32, R"(
    SharedArrays shared;
    float *a = shared.take<float>(128);
    copyAsync(a + 4 * laneIndex(), x + 4 * laneIndex(), laneIndex() % 5 * 4);
    commitCopies();
    waitForCopies<0>();
    for (int i = 0; i < 4; ++i) { y[4 * laneIndex() + i] = a[4 * laneIndex() + i]; }
  )");
  std::vector<float> x(128), expected(128);
  for (size_t i = 0; i < 128; ++i) {
    x[i] = float(i + 1);
    expected[i] = i % 4 < i / 4 % 5 ? x[i] : 0.F;
  }
  sim.add(x);
  sim.add(std::vector<float>(128));
  LAUNCH(sim, 1, 512);
  EXPECT_EQ(sim.values<float>(1), expected);
}

/// Sums over a block, in rounds that use the same shared memory.
static const char *const rounds = R"(
  SharedArrays shared;
  float *partial = shared.take<float>(32);
  float total = 0.0f;
  for (int round = 0; round < 5; ++round) {
    total += blockSum<128>(x[blockIndex() * 128 + threadIndex()] * float(round), partial);
  }
  y[blockIndex() * 128 + threadIndex()] = total;
)";

TEST(SimSchedule, EverySeedGivesTheSame) {
  std::vector<float> x(1024);
  std::iota(x.begin(), x.end(), 1.F);
  std::vector<float> expected;
  for (uint64_t seed = 0; seed < 12; ++seed) {
    SimRun sim(inOrder(seed));
    LOAD(sim, "const float *x, float *y", 128, rounds);
    sim.add(x);
    sim.add(std::vector<float>(1024));
    LAUNCH(sim, 8, 128);
    std::vector<float> found = sim.values<float>(1);
    expected = expected.empty() ? found : expected;
    EXPECT_EQ(found, expected) << "seed " << seed;
    EXPECT_EQ(found[0], 128.F * 129.F / 2.F * 10.F);
  }
}

/// In which order the host comes to blocks and warps, which no kernel may ask.
static std::vector<int> orderWith(uint64_t seed) {
  SimRun sim(inOrder(seed));
  EXPECT_TRUE(sim.load("int *count, int *order", 128, R"(
    if (laneIndex() == 0) { order[count[0]++] = int(blockIndex()) * 4 + warpIndex(); }
  )"));
  sim.add(std::vector<int>(1));
  sim.add(std::vector<int>(64));
  EXPECT_TRUE(sim.launch({16, 0}));
  return sim.values<int>(1);
}

TEST(SimSchedule, SeedsChooseTheOrder) {
  std::vector<int> numbers(64);
  std::iota(numbers.begin(), numbers.end(), 0);
  EXPECT_EQ(orderWith(0), numbers);
  std::vector<int> first = orderWith(1), second = orderWith(2);
  EXPECT_NE(first, numbers);
  EXPECT_NE(first, second);
  EXPECT_EQ(first, orderWith(1));
  std::ranges::sort(first);
  EXPECT_EQ(first, numbers);
}

TEST(SimSchedule, ThreadsThatWaitForEachOtherAreNamed) {
  SimRun sim(inOrder());
  LOAD(sim, "int *out", 64, "if (threadIndex() != 40) { syncBlock(); }\nout[threadIndex()] = 1;\n");
  sim.add(std::vector<int>(64));
  Status status = sim.launch({3, 0});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.failure().what,
            "a barrier of the block that not all threads reach: of the "
            "block's threads 63 wait at a barrier of the block, 1 have ended");
  EXPECT_EQ(status.failure().where,
            "entry 'test', layer 3, kernel 'test', block 0, thread 0, at test.cu:8");
  // The next run works.
  LOAD(sim, "int *out", 64, "syncBlock();\nout[threadIndex()] = 2;\n");
  LAUNCH(sim, 3, 0);
  EXPECT_EQ(sim.values<int>(0), std::vector<int>(64, 2));
}

// Of a text with #line the place is one of the module that it was printed from.
TEST(SimSchedule, LinesOfTheModuleAreNamed) {
  SimRun sim(inOrder());
  LOAD(sim, "int *out", 64,
       "if (threadIndex() != 40) {\n#line 889 \"configured.mlir\"\nsyncBlock(); }\n"
       "out[threadIndex()] = 1;\n");
  sim.add(std::vector<int>(64));
  Status status = sim.launch({3, 0});
  ASSERT_FALSE(status);
  EXPECT_TRUE(status.failure().where.ends_with("at configured.mlir:889")) << status.failure().where;
}

TEST(SimSchedule, MemoryThatIsNotThereIsAFailure) {
  SimRun sim(inOrder());
  LOAD(sim, "int *out", 64, "if (threadIndex() == 40) { out[int64(1) << 44] = 1; }\n");
  sim.add(std::vector<int>(64));
  for (int repetition = 0; repetition < 3; ++repetition) {
    Status status = sim.launch({3, 0});
    ASSERT_FALSE(status);
    EXPECT_TRUE(status.failure().what.ends_with(", where there is none")) << status.failure().what;
    EXPECT_TRUE(status.failure().where.starts_with(
        "entry 'test', layer 3, kernel 'test', block 0, thread 40, at test.cu:"))
        << status.failure().where;
  }
  LOAD(sim, "int *out", 64,
       "int all[30000]; for (int i = 0; i < 30000; ++i) { all[i] = out[i % 64]; }"
       "out[threadIndex()] = all[out[0]];\n");
  EXPECT_FALSE(sim.launch({1, 0})) << "more than a thread's stack";
}
