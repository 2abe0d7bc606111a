//===- SimCheckTest.cpp - mistakes of kernels that --sim-check finds ------===//
//
// Kernels with a mistake, and their twins without it: the mistake is found, and where it is
// said, the twin passes. Needs clang; skipped without it.
//
//===----------------------------------------------------------------------===//
#include "SimPlanted.h"
#include "SimRun.h"

#include <algorithm>
#include <numeric>

using namespace dsv3;
using namespace dsv3::runtime;
using dsv3::test::lacksClang;
using dsv3::test::SimLaunch;
using dsv3::test::SimRun;

static SimOptions checked() {
  SimOptions options;
  options.check = true;
  return options;
}

namespace {

/// A body with one line that is wrong, in the place of one that is right: the line `{}`.
struct MistakenLine {
  const char *name;
  const char *body;
  const char *wrong, *right;
  SimLaunch launch;
  std::vector<std::string> said; ///< of the failure
};
void PrintTo(const MistakenLine &planted, std::ostream *out) { *out << planted.name; }

class Checked : public testing::TestWithParam<MistakenLine> {
protected:
  static constexpr int threads = 64;

  /// x[i] = i, of 128 elements, and 128 elements of y; nobody has written those of z.
  static Status run(const char *line, std::string &text) {
    SimRun sim(checked());
    text = GetParam().body;
    text.replace(text.find("{}"), 2, line);
    Status loaded = sim.load("const float *x, float *y, float *z", threads, text);
    if (!loaded) {
      return loaded;
    }
    std::vector<float> x(128);
    std::iota(x.begin(), x.end(), 0.F);
    sim.add(x);
    sim.add(std::vector<float>(128));
    sim.add(std::vector<float>(128));
    sim.device->forget(*sim.buffers[2]);
    return sim.launch(GetParam().launch);
  }
};

} // namespace

TEST_P(Checked, MistakeIsFoundAndLocated) {
  std::string text;
  Status status = run(GetParam().wrong, text);
  if (lacksClang(status)) {
    GTEST_SKIP() << status.failure().message();
  }
  ASSERT_FALSE(status) << text;
  std::string message = status.failure().message();
  for (const std::string &part : GetParam().said) {
    EXPECT_NE(message.find(part), std::string::npos) << part << " in\n" << message;
  }
  // Five includes, `using`, the head, then the body.
  size_t place = message.find("test.cu:");
  ASSERT_NE(place, std::string::npos) << message;
  EXPECT_NE(message.find("layer 3, kernel 'test', block "), std::string::npos) << message;
}

TEST_P(Checked, TwinPasses) {
  std::string text;
  Status status = run(GetParam().right, text);
  if (lacksClang(status)) {
    GTEST_SKIP() << status.failure().message();
  }
  EXPECT_TRUE(status) << status.failure().message();
}

static const MistakenLine mistakes[] = {
    {"MissingBlockBarrier",
     "SharedArrays shared;\nfloat *a = shared.take<float>(64);\na[threadIndex()] = 0.0f;\n"
     "syncBlock();\na[threadIndex()] = x[threadIndex()];\n{}\ny[threadIndex()] = a[threadIndex() ^ "
     "32];\n",
     "",
     "syncBlock();",
     {1, 256},
     {"4 bytes of shared memory", "no barrier lies between"}},
    {"MissingWarpBarrier",
     "SharedArrays shared;\nfloat *a = shared.take<float>(64);\na[threadIndex()] = 0.0f;\n"
     "syncBlock();\na[threadIndex()] = x[threadIndex()];\n{}\ny[threadIndex()] = a[threadIndex() ^ "
     "1];\n",
     "",
     "syncWarp();",
     {1, 256},
     {"no barrier lies between"}},
    {"ShuffleIsNoBarrier",
     "SharedArrays shared;\nfloat *a = shared.take<float>(64);\na[threadIndex()] = 0.0f;\n"
     "syncBlock();\na[threadIndex()] = x[threadIndex()];\n{}\ny[threadIndex()] = a[threadIndex() ^ "
     "1];\n",
     "shuffleXor(1.0f, 1);",
     "shuffleXor(1.0f, 1); syncWarp();",
     {1, 256},
     {"no barrier lies between"}},
    {"BarrierBeforeTheNextRound",
     "SharedArrays shared;\nfloat *a = shared.take<float>(64);\nfor (int i = 0; i < 2; ++i) {\n"
     "a[threadIndex()] = x[threadIndex() + i];\nsyncBlock();\ny[threadIndex()] = a[threadIndex() ^ "
     "32];\n{}\n}\n",
     "",
     "syncBlock();",
     {1, 256},
     {"no barrier lies between"}},
    {"AtomicSumOfWhatIsBeingCleared",
     "SharedArrays shared;\nuint64 *a = shared.take<uint64>(1);\nif (threadIndex() == 0) {\n"
     "a[0] = 0;\n}\n{}\natomicSum(a, 1);\nsyncBlock();\ny[threadIndex()] = float(a[0]);\n",
     "",
     "syncBlock();",
     {1, 8},
     {"8 bytes of shared memory", "no barrier lies between"}},
    {"AtomicSumThatIsReadTooEarly",
     "SharedArrays shared;\nuint64 *a = shared.take<uint64>(1);\nif (threadIndex() == 0) {\n"
     "a[0] = 0;\n}\nsyncBlock();\natomicSum(a, 1);\n{}\ny[threadIndex()] = float(a[0]);\n",
     "",
     "syncBlock();",
     {1, 8},
     {"adds to 8 bytes of shared memory", "no barrier lies between"}},
    {"AtomicSumOfWhatIsStillRead",
     "SharedArrays shared;\nuint64 *a = shared.take<uint64>(1);\nif (threadIndex() == 0) {\n"
     "a[0] = 0;\n}\nsyncBlock();\ny[threadIndex()] = float(a[0]);\n{}\natomicSum(a, 1);\n",
     "",
     "syncBlock();",
     {1, 8},
     {"reads 8 bytes of shared memory", "no barrier lies between"}},
    {"WriteBehindABuffer",
     "{}\n",
     "y[threadIndex() + 65] = 1.0f;",
     "y[threadIndex() + 64] = 1.0f;",
     {1, 0},
     {"writes 4 bytes of global memory outside of all buffers: 0 bytes behind the end of the "
      "buffer "
      "of a test, which has 512",
      "thread 63"}},
    {"ReadBeforeABuffer",
     "{}\n",
     "y[threadIndex()] = x[threadIndex() - 1];",
     "y[threadIndex()] = x[threadIndex()];",
     {1, 0},
     {"reads 4 bytes", "thread 0"}},
    {"FromOneSharedArrayToTheNext",
     "SharedArrays shared;\nfloat *a = shared.take<float>(64), *b = shared.take<float>(64);\n"
     "b[threadIndex()] = 0.0f;\n{}\n",
     "a[threadIndex() + 1] = 1.0f;",
     "a[threadIndex()] = 1.0f;",
     {1, 512},
     {"writes 4 bytes of shared memory outside of all arrays", "thread 63"}},
    {"MoreSharedMemoryThanThereIs",
     "SharedArrays shared;\n{}\n",
     "float *a = shared.take<float>(65); y[0] = a != x;",
     "float *a = shared.take<float>(64); y[threadIndex()] = a != x;",
     {1, 256},
     {"260 bytes of shared memory, of 256"}},
    {"SharedMemoryThatNobodyWrote",
     "SharedArrays shared;\nfloat *a = shared.take<float>(64);\n{}\nsyncBlock();\n"
     "y[threadIndex()] = a[threadIndex()];\n",
     "if (threadIndex() < 63) a[threadIndex()] = 1.0f;",
     "a[threadIndex()] = 1.0f;",
     {1, 256},
     {"reads 4 bytes of shared memory that nobody wrote so far", "thread 63"}},
    {"GlobalMemoryThatNobodyWrote",
     "{}\ny[threadIndex()] = z[threadIndex()];\n",
     "",
     "z[threadIndex()] = 0.0f;",
     {1, 0},
     {"reads 4 bytes of global memory that nobody wrote so far", "thread 0"}},
    {"BlocksThatWriteTheSame",
     "{}\n",
     "y[threadIndex()] = 1.0f;",
     "y[blockIndex() * 64 + threadIndex()] = 1.0f;",
     {2, 0},
     {"another block of the launch", "block 1"}},
    {"LanesThatWriteOneByte",
     "auto *bytes = reinterpret_cast<e4m3 *>(y);\n{}\n",
     "bytes[threadIndex() / 2] = e4m3{1};",
     "bytes[threadIndex()] = e4m3{1};",
     {1, 0},
     {"writes 1 bytes of global memory", "no barrier lies between"}},
    {"BlocksThatReadWhatOthersWrite",
     "{}\n",
     "y[blockIndex() * 64 + threadIndex()] = y[threadIndex()];",
     "y[blockIndex() * 64 + threadIndex()] = x[threadIndex()];",
     {2, 0},
     {"reads 4 bytes of global memory", "another block of the launch"}},
    {"BarrierThatNotAllReach",
     "{}\ny[threadIndex()] = 1.0f;\n",
     "if (threadIndex() < 32) syncBlock();",
     "syncBlock();",
     {1, 0},
     {"a barrier of the block that not all threads reach", "32 wait at a barrier",
      "32 have ended"}},
    {"LanesAtDifferentInstructions",
     "float sum = 1.0f;\n{}\ny[threadIndex()] = sum;\n",
     "if (laneIndex() < 16) syncWarp(); else sum = shuffleXor(sum, 1);",
     "syncWarp(); sum = shuffleXor(sum, 1);",
     {1, 0},
     {"lanes of a warp at different instructions"}},
    {"CopyThatIsNotWaitedFor",
     "SharedArrays shared;\nfloat *a = shared.take<float>(256);\n"
     "copyAsync(a + 4 * threadIndex(), x + threadIndex() / 4 * 4, 16);\ncommitCopies();\n{}\n"
     "syncBlock();\ny[threadIndex()] = a[4 * threadIndex() ^ 128];\n",
     "waitForCopies<1>();",
     "waitForCopies<0>();",
     {1, 1024},
     {"to which an asynchronous copy was not waited for"}},
    {"CopyOfAnotherThread",
     "SharedArrays shared;\nfloat *a = shared.take<float>(256);\n"
     "for (int i = 0; i < 4; ++i) { a[4 * threadIndex() + i] = 0.0f; }\nsyncBlock();\n"
     "copyAsync(a + 4 * threadIndex(), x + threadIndex() / 4 * 4, 16);\ncommitCopies();\n"
     "waitForCopies<0>();\n{}\ny[threadIndex()] = a[4 * threadIndex() ^ 4];\n",
     "",
     "syncBlock();",
     {1, 1024},
     {"no barrier lies between"}},
    // Of kernels that may begin before earlier launches have ended.
    {"ReadsWhatTheLaunchBeforeWrites",
     "float before = x[threadIndex()];\n{}\ny[threadIndex()] = before;\n",
     "before = y[threadIndex()];\n  Launch launch = dependentLaunch(mark, number);",
     "  Launch launch = dependentLaunch(mark, number);\nbefore = y[threadIndex()];",
     {1, 0, 2},
     {"reads 4 bytes of global memory that an earlier launch of the step", "test.cu:9",
      "no griddepcontrol.wait lies before"}},
    {"WritesWhatTheLaunchBeforeReads",
     "{}\n",
     "z[threadIndex()] = y[threadIndex() + 64];\ny[threadIndex() + 64] = 1.0f;"
     "\n  Launch launch = dependentLaunch(mark, number);",
     "  Launch launch = dependentLaunch(mark, number);\n"
     "z[threadIndex()] = y[threadIndex() + 64];\ny[threadIndex() + 64] = 1.0f;",
     {1, 0, 2},
     {"bytes of global memory that an earlier launch of the step"}},
    {"CopiesWhatTheLaunchBeforeWrites",
     "SharedArrays shared;\nfloat *a = shared.take<float>(256);\n{}\ncommitCopies();\n"
     "waitForCopies<0>();\ny[threadIndex()] = a[4 * threadIndex()];\n",
     "copyAsync(a + 4 * threadIndex(), y + threadIndex() / 4 * 4, 16);"
     "\n  Launch launch = dependentLaunch(mark, number);\nsyncBlock();",
     "  Launch launch = dependentLaunch(mark, number);\n"
     "copyAsync(a + 4 * threadIndex(), y + threadIndex() / 4 * 4, 16);\nsyncBlock();",
     {1, 1024, 2},
     {"reads 16 bytes of global memory that an earlier launch of the step"}},
    {"LooksAtTheMarkTooEarly",
     "{}\nif (!stopped) { y[threadIndex()] = 1.0f; }\n",
     "bool stopped = Launch{mark, number}.stopped();\n"
     "  Launch launch = dependentLaunch(mark, number);",
     "  Launch launch = dependentLaunch(mark, number);\nbool stopped = launch.stopped();",
     {1, 0, 2},
     {"looks at the mark of failures before griddepcontrol.wait"}}};
INSTANTIATE_TEST_SUITE_P(Mistakes, Checked, testing::ValuesIn(mistakes),
                         [](const auto &info) { return std::string(info.param.name); });

/// What the kernel `body` costs, or nothing where there is no clang.
static std::optional<SimCounts> costOf(const std::string &body, int64_t sharedBytes,
                                       bool mapped = false) {
  SimRun sim(checked());
  Status loaded = sim.load("const float *x, float *y", 32, body);
  if (lacksClang(loaded)) {
    return std::nullopt;
  }
  EXPECT_TRUE(loaded) << loaded.failure().message();
  sim.add(std::vector<float>(1024), mapped);
  sim.add(std::vector<float>(1024));
  Status run = sim.launch({1, sharedBytes});
  EXPECT_TRUE(run) << run.failure().message();
  std::vector<SimCounts> counts = countsOf(*sim.object);
  EXPECT_EQ(counts.size(), 1U);
  return counts.at(0);
}

#define COST_OR_SKIP(NAME, BODY, SHARED)                                                           \
  std::optional<SimCounts> NAME = costOf(BODY, SHARED);                                            \
  if (!(NAME)) {                                                                                   \
    GTEST_SKIP() << "no clang";                                                                    \
  }

TEST(SimCounts, SectorsOfALoad) {
  COST_OR_SKIP(neighbours, "y[threadIndex()] = x[threadIndex()];\n", 0);
  EXPECT_EQ(neighbours->sectors, 8); // 128 bytes loaded, 128 stored
  EXPECT_EQ(neighbours->leastSectors, 8);
  EXPECT_TRUE(neighbours->wasteful.empty());
  COST_OR_SKIP(apart, "y[threadIndex()] = x[threadIndex() * 8];\n", 0);
  EXPECT_EQ(apart->sectors, 32 + 4);
  EXPECT_EQ(apart->leastSectors, 4 + 4);
  ASSERT_EQ(apart->wasteful.size(), 1U);
  EXPECT_EQ(apart->wasteful[0].where, "test.cu:8");
  EXPECT_FALSE(apart->wasteful[0].store || apart->wasteful[0].shared);
  COST_OR_SKIP(wide,
               "auto four = loadVector<4>(x + 4 * threadIndex());\n"
               "y[threadIndex()] = four.values[0] + four.values[3];\n",
               0);
  EXPECT_EQ(wide->sectors, 16 + 4);
  EXPECT_EQ(wide->leastSectors, 16 + 4);
}

TEST(SimCounts, SectorsOnTheHost) {
  const std::string copy = "y[threadIndex()] = x[threadIndex()];\n";
  std::optional<SimCounts> here = costOf(copy, 0), host = costOf(copy, 0, true);
  if (!here || !host) {
    GTEST_SKIP() << "no clang";
  }
  EXPECT_EQ(here->busSectors, 0);
  EXPECT_EQ(host->busSectors, 4) << "what is loaded, not what is stored";
  EXPECT_EQ(host->sectors, 8);
}

TEST(SimCounts, BankConflicts) {
  const std::string before = "SharedArrays shared;\nfloat *a = shared.take<float>(33 * 32);\n";
  COST_OR_SKIP(conflict, before + "a[threadIndex() * 32] = x[threadIndex()];\n",
               int64_t(33) * 32 * 4);
  EXPECT_EQ(conflict->wavefronts, 32);
  EXPECT_EQ(conflict->leastWavefronts, 1);
  ASSERT_EQ(conflict->wasteful.size(), 1U);
  EXPECT_EQ(conflict->wasteful[0].where, "test.cu:10");
  EXPECT_TRUE(conflict->wasteful[0].store && conflict->wasteful[0].shared);
  COST_OR_SKIP(padded, before + "a[threadIndex() * 33] = x[threadIndex()];\n",
               int64_t(33) * 32 * 4);
  EXPECT_EQ(padded->wavefronts, 1);
  EXPECT_TRUE(padded->wasteful.empty());
}

TEST(SimCounts, TensorCoreInstructions) {
  COST_OR_SKIP(once,
               "float sums[4] = {};\nuint32 a[4] = {};\nmultiplyMatrices(sums, a, 0, 0);\n"
               "y[threadIndex()] = sums[0];\n",
               0);
  EXPECT_EQ(once->products, 1);
  EXPECT_EQ(once->launches, 1);
}
