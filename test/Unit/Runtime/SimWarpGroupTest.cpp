//===- SimWarpGroupTest.cpp - instructions of sm_90a on the simulated GPU -===//
//
// Products of warp groups and tensor copies against the formulas of the PTX ISA; a small
// product that has all of their instructions, which is right under every schedule, and
// mistakes in it, each of which is found.
//
//===----------------------------------------------------------------------===//
#include "SimRun.h"

#include <algorithm>
#include <bit>

using namespace dsv3;
using namespace dsv3::runtime;
using dsv3::test::SimRun;

static SimOptions options(bool check, uint64_t seed = 0) {
  SimOptions options;
  options.threads = 1;
  options.check = check;
  options.seed = seed;
  return options;
}

#define SUCCEED_OR_FAIL(STATUS)                                                                    \
  {                                                                                                \
    Status status = STATUS;                                                                        \
    ASSERT_TRUE(status) << status.failure().message();                                             \
  }

/// A matrix of small integers, whose products and sums are exact in any order.
static std::vector<uint16_t> integers(size_t rows, size_t columns, int factor) {
  std::vector<uint16_t> values;
  for (size_t i = 0; i < rows * columns; ++i) {
    auto value = float(int(i % 7919) * factor % 17 - 8);
    values.push_back(uint16_t(std::bit_cast<uint32_t>(value) >> 16));
  }
  return values;
}
static float fromBf16(uint16_t bits) { return std::bit_cast<float>(uint32_t(bits) << 16); }

/// a [rows, depth] times the transpose of b [columns, depth].
static std::vector<float> productOf(const std::vector<uint16_t> &a, const std::vector<uint16_t> &b,
                                    size_t rows, size_t columns, size_t depth) {
  std::vector<float> product;
  for (size_t i = 0; i < rows; ++i) {
    for (size_t j = 0; j < columns; ++j) {
      float sum = 0.F;
      for (size_t k = 0; k < depth; ++k) {
        sum += fromBf16(a[i * depth + k]) * fromBf16(b[j * depth + k]);
      }
      product.push_back(sum);
    }
  }
  return product;
}

/// PTX ISA, "Register Fragments for wgmma.mma_async.m64nNk16": sum i is in row
/// warp * 16 + lane / 4, from i % 4 = 2 on + 8, and in column i / 4 * 8 + lane % 4 * 2 + i % 2.
static const char *const storeSums = R"(
  for (int i = 0; i < 64; ++i) {
    int row = warpIndex() % 4 * 16 + (laneIndex() >> 2) + (i % 4 >= 2 ? 8 : 0);
    c[row * 128 + i / 4 * 8 + laneIndex() % 4 * 2 + (i & 1)] = sums[i];
  }
)";

TEST(SimWarpGroup, ProductsHaveTheManualsLayouts) {
  SimRun sim(options(false));
  // Swizzle of 128 bytes: bits 4-6 of an address are those of it and of bits 7-9.
  SUCCEED_OR_FAIL(sim.load("const bf16 *a, const bf16 *b, float *c", 128, std::string(R"(
    SharedArrays shared;
    unsigned char *x = shared.take<unsigned char>(64 * 128);
    unsigned char *w = shared.take<unsigned char>(128 * 128);
    for (int i = threadIndex(); i < 128 * 64; i += 128) {
      int row = i / 64, column = i % 64, address = row * 128 + column * 2;
      int place = address ^ ((address >> 7) & 7) << 4;
      if (row < 64) { *reinterpret_cast<bf16 *>(x + place) = a[i]; }
      *reinterpret_cast<bf16 *>(w + place) = b[i];
    }
    fenceProxy();
    syncBlock();
    float sums[productSums];
    for (int i = 0; i < 64; ++i) { sums[i] = 1.0f; }
    fenceProducts(sums);
    for (int k = 0; k < 4; ++k) {
      multiplyGroup(sums, matrixDescriptor(x + k * 32), matrixDescriptor(w + k * 32));
    }
    commitProducts();
    waitForProducts<0>(sums);
  )") + storeSums));
  std::vector<uint16_t> a = integers(64, 64, 5), b = integers(128, 64, 7);
  sim.add(a);
  sim.add(b);
  sim.add(std::vector<float>(64 * 128));
  SUCCEED_OR_FAIL(sim.launch({1, 192 * 128}));
  std::vector<float> expected = productOf(a, b, 64, 128, 64);
  for (float &sum : expected) {
    sum += 1.F;
  }
  EXPECT_EQ(sim.values<float>(2), expected);
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
      copyTensor(to, &map, 64, 16, full);
    }
    syncBlock();
    while (!tryWait(full, 0)) {}
    for (int i = threadIndex(); i < 8 * 64; i += 32) {
      box[i] = to[i];
    }
  )",
                           "0, 20, 72, 8"));
  std::vector<uint16_t> matrix;
  for (size_t i = 0; i < size_t(20) * 72; ++i) {
    matrix.push_back(uint16_t(i + 1));
  }
  sim.add(matrix);
  sim.add(std::vector<uint16_t>(8 * 64));
  SUCCEED_OR_FAIL(sim.launch({1, 8 * 128 + 8}));
  // From row 16 and column 64 on there are 4 rows and 8 columns.
  std::vector<uint16_t> expected(8 * 64);
  for (size_t row = 0; row < 4; ++row) {
    for (size_t column = 0; column < 8; ++column) {
      size_t chunk = column / 8 ^ row % 8;
      expected[row * 64 + chunk * 8 + column % 8] = matrix[(row + 16) * 72 + 64 + column];
    }
  }
  EXPECT_EQ(sim.values<uint16_t>(1), expected);
}

/// c [64, 128] = a [64, 256] times b [128, 256]: one warp group brings pieces of 64 columns in two
/// stages, rows by cp.async and b by tensor copies; the other multiplies.
static const char *const pipeline = R"(
SharedArrays shared;
bf16 *x = shared.take<bf16>(2 * 64 * 64), *w = shared.take<bf16>(2 * 128 * 64);
Barrier *full = shared.take<Barrier>(2), *empty = shared.take<Barrier>(2);
if (threadIndex() == 0) {
  for (int i = 0; i < 2; ++i) {
    initBarrier(full + i, 5);
    initBarrier(empty + i, 4);
  }
  fenceBarrierInit();
}
syncBlock();
if (threadIndex() < 128) {
  giveRegisters<56>();
  for (int piece = 0; piece < 4; ++piece) {
    int stage = piece % 2;
    if (piece >= 2) {
      while (!tryWait(empty + stage, (piece / 2 - 1) % 2)) {}
    }
    if (threadIndex() == 0) {
      arriveExpecting(full + stage, 128 * 128);
      copyTensor(w + stage * 8192, &map, piece * 64, 0, full + stage);
    }
    for (int i = threadIndex(); i < 512; i += 128) {
      int row = i / 8, chunk = i % 8;
      copyAsync(x + stage * 4096 + row * 64 + (chunk ^ row % 8) * 8,
                a + row * 256 + piece * 64 + chunk * 8, 16);
    }
    commitCopies();
    waitForCopies<0>();
    fenceProxy();
    syncWarp();
    if (laneIndex() == 0) { arrive(full + stage); }
  }
  return;
}
takeRegisters<224>();
float sums[productSums] = {};
for (int piece = 0; piece < 4; ++piece) {
  int stage = piece % 2;
  while (!tryWait(full + stage, piece / 2 % 2)) {}
  uint64 xm = matrixDescriptor(x + stage * 4096), wm = matrixDescriptor(w + stage * 8192);
  fenceProducts(sums);
  for (int k = 0; k < 4; ++k) {
    multiplyGroup(sums, xm + 2 * k, wm + 2 * k);
  }
  commitProducts();
  waitForProducts<0>(sums);
  if (laneIndex() == 0) { arrive(empty + stage); }
}
)";

namespace {

/// A change of the pipeline that is a mistake.
struct Planted {
  const char *name;
  const char *right, *wrong;
  std::vector<std::string> said; ///< one of these, of the failure
};
void PrintTo(const Planted &planted, std::ostream *out) { *out << planted.name; }

/// The pipeline on a device, with `right` replaced by `wrong`.
class Pipeline {
public:
  explicit Pipeline(const SimOptions &options) : sim(options) {}

  Status run(const char *right = "", const char *wrong = "") {
    std::string text = std::string(pipeline) + storeSums;
    size_t place = text.find(right);
    EXPECT_NE(place, std::string::npos) << right;
    text.replace(place, std::string_view(right).size(), wrong);
    if (Status loaded =
            sim.load("const bf16 *a, const bf16 *b, float *c", 256, text, "1, 128, 256, 128");
        !loaded) {
      return loaded;
    }
    sim.add(a);
    sim.add(b);
    sim.add(std::vector<float>(64 * 128));
    sim.device->forget(*sim.buffers[2]);
    return sim.launch({1, (64 + 128) * 2 * 128 + 4 * 8});
  }
  bool isRight() { return sim.values<float>(2) == productOf(a, b, 64, 128, 256); }

private:
  SimRun sim;
  std::vector<uint16_t> a = integers(64, 256, 5), b = integers(128, 256, 7);
};

class WarpGroupMistakes : public testing::TestWithParam<Planted> {};

} // namespace

static bool lacksClang(const Status &status) {
  return !status && status.failure().where == "--sim-check";
}
static constexpr uint64_t seeds = 6; // and 0, in order

TEST(SimWarpGroup, APipelineIsRightUnderEverySchedule) {
  for (bool check : {false, true}) {
    for (uint64_t seed = 0; seed <= seeds; ++seed) {
      Pipeline pipeline(options(check, seed));
      Status status = pipeline.run();
      if (lacksClang(status)) {
        GTEST_SKIP() << status.failure().message();
      }
      ASSERT_TRUE(status) << "seed " << seed << ": " << status.failure().message();
      EXPECT_TRUE(pipeline.isRight()) << "seed " << seed;
    }
  }
}

TEST_P(WarpGroupMistakes, AreFoundAndLocated) {
  for (uint64_t seed = 0; seed <= seeds; ++seed) {
    Pipeline pipeline(options(true, seed));
    Status status = pipeline.run(GetParam().right, GetParam().wrong);
    if (lacksClang(status)) {
      GTEST_SKIP() << status.failure().message();
    }
    ASSERT_FALSE(status) << "seed " << seed;
    std::string message = status.failure().message();
    EXPECT_TRUE(std::ranges::any_of(
        GetParam().said,
        [&](const std::string &said) { return message.find(said) != std::string::npos; }))
        << "seed " << seed << ": " << message;
    EXPECT_NE(message.find("layer 3, kernel 'test', block 0, thread "), std::string::npos);
    EXPECT_NE(message.find("test.cu:"), std::string::npos) << message;
  }
}

static const Planted mistakes[] = {
    {"NoBarrierAfterInitialisation",
     "}\nsyncBlock();",
     "}",
     {"reads 8 bytes of shared memory that "}},
    {"NoFenceAfterInitialisation", "  fenceBarrierInit();", "", {"no fence.mbarrier_init"}},
    {"NoWaitForEmpty",
     "while (!tryWait(empty + stage, (piece / 2 - 1) % 2)) {}",
     "",
     {"to which an asynchronous copy was not waited for", "has all of its 5 arrivals",
      "has not waited for the phase of its barrier"}},
    {"NoWaitForFull",
     "while (!tryWait(full + stage, piece / 2 % 2)) {}",
     "",
     {"reads 16 bytes of shared memory that nobody wrote"}},
    {"NoProxyFence", "fenceProxy();", "", {"no fence.proxy.async"}},
    {"ProxyFenceBeforeTheCopiesAreThere",
     "waitForCopies<0>();\n    fenceProxy();",
     "fenceProxy();\n    waitForCopies<0>();",
     {"no fence.proxy.async"}},
    {"NoProductFence", "fenceProducts(sums);", "", {"without a wgmma.fence"}},
    {"NoWaitForProducts", "waitForProducts<0>(sums);", "", {"that a product of warp 4 reads"}},
    {"ArrivesAtEmptyTooEarly",
     "waitForProducts<0>(sums);\n  if (laneIndex() == 0) { arrive(empty + stage); }",
     "if (laneIndex() == 0) { arrive(empty + stage); }\n  waitForProducts<0>(sums);",
     {"that a product of warp 4 reads"}},
    {"OneWarpArrivesForAll",
     "if (laneIndex() == 0) { arrive(empty + stage); }",
     "if (threadIndex() == 128) { for (int i = 0; i < 4; ++i) { arrive(empty + stage); } }",
     {"that a product of warp ", "that thread 0 reads or writes too: no barrier lies between"}},
    {"OneLaneWaitsForAll",
     "while (!tryWait(full + stage, piece / 2 % 2)) {}",
     "if (laneIndex() == 0) { while (!tryWait(full + stage, piece / 2 % 2)) {} }",
     {"that thread 0 reads or writes too: no barrier lies between"}},
    {"OtherParityOfFull",
     "piece / 2 % 2)",
     "(piece / 2 + 1) % 2)",
     {"reads 16 bytes of shared memory that nobody wrote"}},
    {"MoreArrivalsThanCome",
     "initBarrier(empty + i, 4)",
     "initBarrier(empty + i, 5)",
     {"phase 0 of barrier 1 in shared memory, which never ends: 1 of 5 arrivals and 0 bytes"}},
    {"MoreBytesThanCome",
     "128 * 128);",
     "128 * 129);",
     {"phase 0 of barrier 0 in shared memory, which never ends: 0 of 5 arrivals and 128 bytes"}},
    {"SumsAreTouchedTooEarly",
     "commitProducts();",
     "sums[3] = 0.0f; commitProducts();",
     {"wrote to sums of a product before it was waited for"}},
    {"CopyToAnOddPlace",
     "copyTensor(w + stage * 8192,",
     "copyTensor(w + stage * 8192 + 8,",
     {"no multiple of 128 bytes"}},
    {"CopyBehindAnArray",
     "copyTensor(w + stage * 8192,",
     "copyTensor(w + 2 * 8192,",
     {"writes 16 bytes of shared memory outside of all arrays"}},
    {"BarrierThatIsNone",
     "tryWait(full + stage,",
     "tryWait(full + 2 + stage,",
     {"reads 8 bytes of shared memory outside of all arrays"}},
};
INSTANTIATE_TEST_SUITE_P(SimWarpGroup, WarpGroupMistakes, testing::ValuesIn(mistakes),
                         [](const auto &info) { return std::string(info.param.name); });

TEST(SimWarpGroup, MistakesThatOnlyNumbersShow) {
  for (auto [right, wrong] : {std::pair("(chunk ^ row % 8) * 8", "chunk * 8"),
                              std::pair("waitForProducts<0>(sums);", "waitForProducts<1>(sums);"),
                              std::pair("xm + 2 * k, wm + 2 * k", "xm + 2 * k, wm + 8 * k")}) {
    Pipeline pipeline(options(false));
    Status status = pipeline.run(right, wrong);
    EXPECT_FALSE(status && pipeline.isRight()) << right;
  }
}

TEST(SimWarpGroup, RegistersThatThereAreNot) {
  for (bool enough : {true, false}) {
    SimRun sim(options(false));
    SUCCEED_OR_FAIL(
        sim.load("int *out", 384,
                 std::string("if (threadIndex() < 128) { giveRegisters<") + (enough ? "40" : "64") +
                     ">(); } else { takeRegisters<232>(); }\nout[threadIndex()] = 1;\n"));
    sim.add(std::vector<int>(384));
    Status status = sim.launch({1, 0});
    ASSERT_EQ(bool(status), enough);
    if (!enough) {
      EXPECT_EQ(status.failure().what,
                "setmaxnreg: the block's warps want 67584 of 65536 registers, which never come");
    }
  }
}
