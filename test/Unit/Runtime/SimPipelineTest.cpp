//===- SimPipelineTest.cpp - a pipeline of sm_90a, and mistakes in it -----===//
//
// A small product that has all instructions of warp groups: right under every schedule; and
// mistakes in it, each of which is found.
//
//===----------------------------------------------------------------------===//
#include "SimPlanted.h"
#include "SimWarpGroup.h"

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::test;

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
      copyTensor(w + stage * 8192, &map, piece * 128, 0, full + stage);
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

/// The pipeline on a device, with `right` replaced by `wrong`.
class Pipeline {
public:
  explicit Pipeline(const SimOptions &options) : sim(options) {}

  Status run(const char *right = "", const char *wrong = "") {
    std::string text = changed(std::string(pipeline) + storeSums, right, wrong);
    if (Status loaded =
            sim.load("const bf16 *a, const bf16 *b, float *c", 256, text, {"1, 128, -1, 512, 128"});
        !loaded) {
      return loaded;
    }
    sim.add(a);
    sim.add(b);
    sim.add(std::vector<float>(sumCount));
    sim.device->forget(*sim.buffers[2]);
    return sim.launch({1, int64_t(64 + 128) * 2 * 128 + 32});
  }
  bool isRight() { return sim.values<float>(2) == productOf(a, b, 64, 128, 256); }

private:
  SimRun sim;
  std::vector<uint16_t> a = integers(64, 256, 5), b = integers(128, 256, 7);
};

class PipelineMistakes : public testing::TestWithParam<Planted> {};

} // namespace

static constexpr uint64_t seeds = 6; // and 0, in order

TEST(SimPipeline, APipelineIsRightUnderEverySchedule) {
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

/// The phase before a barrier's first has ended: whoever brings need not know the first round.
TEST(SimPipeline, ThePhaseBeforeTheFirstHasEnded) {
  for (uint64_t seed = 0; seed <= seeds; ++seed) {
    Pipeline pipeline(options(true, seed));
    Status status = pipeline.run("    if (piece >= 2) {\n"
                                 "      while (!tryWait(empty + stage, (piece / 2 - 1) % 2)) {}\n"
                                 "    }\n",
                                 "    while (!tryWait(empty + stage, (piece / 2 + 1) % 2)) {}\n");
    if (lacksClang(status)) {
      GTEST_SKIP() << status.failure().message();
    }
    ASSERT_TRUE(status) << "seed " << seed << ": " << status.failure().message();
    EXPECT_TRUE(pipeline.isRight()) << "seed " << seed;
  }
}

/// Those who multiply fence, once they know that the rows are there; no earlier.
TEST(SimPipeline, TheFenceMayBeOfTheThreadsThatMultiply) {
  std::string text = pipeline, fence = "fenceProxy();", wait = "while (!tryWait(full";
  size_t begin = text.find(fence), end = text.find("uint64 xm");
  std::string theirs = text.substr(begin, end - begin);
  std::string none = theirs.substr(fence.size()), early = none;
  early.insert(early.find(wait), fence);
  for (const std::string &ours : {none + fence, early}) {
    Pipeline pipeline(options(true));
    Status status = pipeline.run(theirs.c_str(), ours.c_str());
    if (lacksClang(status)) {
      GTEST_SKIP() << status.failure().message();
    }
    ASSERT_EQ(bool(status), ours != early) << status.failure().message();
    EXPECT_TRUE(status
                    ? pipeline.isRight()
                    : status.failure().message().find("no fence.proxy.async") != std::string::npos);
  }
}

TEST_P(PipelineMistakes, AreFoundAndLocated) {
  for (uint64_t seed = 0; seed <= seeds; ++seed) {
    Pipeline pipeline(options(true, seed));
    Status status = pipeline.run(GetParam().right, GetParam().wrong);
    if (lacksClang(status)) {
      GTEST_SKIP() << status.failure().message();
    }
    SCOPED_TRACE("seed " + std::to_string(seed));
    expectFound(status, GetParam());
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
INSTANTIATE_TEST_SUITE_P(SimPipeline, PipelineMistakes, testing::ValuesIn(mistakes),
                         [](const auto &info) { return std::string(info.param.name); });

TEST(SimPipeline, MistakesThatOnlyNumbersShow) {
  for (auto [right, wrong] : {std::pair("(chunk ^ row % 8) * 8", "chunk * 8"),
                              std::pair("waitForProducts<0>(sums);", "waitForProducts<1>(sums);"),
                              std::pair("xm + 2 * k, wm + 2 * k", "xm + 2 * k, wm + 8 * k")}) {
    Pipeline pipeline(options(false));
    Status status = pipeline.run(right, wrong);
    EXPECT_FALSE(status && pipeline.isRight()) << right;
  }
}
