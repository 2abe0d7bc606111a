//===- SimSampleTest.cpp - tokens of a whole vocabulary -------------------===//
//
// The differential tests of kernels have odd rows; here is the vocabulary of DeepSeek-V3, by as
// many threads as a block can have, under several schedules, and with every access checked.
//
//===----------------------------------------------------------------------===//
#include "SimPlanted.h"
#include "SimRun.h"
#include "dsv3/Support/RandomNumbers.h"
#include "dsv3/Support/Sampling.h"

#include <cmath>
#include <numbers>

using namespace dsv3;
using namespace dsv3::runtime;
using dsv3::test::SimRun;

static constexpr int64_t sharedBytes = (2048 + 64) * 8;

/// About as a model gives them: normal (Box and Muller), with a standard deviation of 3.
static std::vector<float> logitsOf(size_t count) {
  RandomNumbers random(5);
  std::vector<float> logits(count);
  for (float &logit : logits) {
    double radius = std::sqrt(-2 * std::log(1 - random.uniform()));
    logit = float(3 * radius * std::cos(2 * std::numbers::pi * random.uniform()));
  }
  return logits;
}

namespace {
struct SampleRun : SimRun {
  explicit SampleRun(SimOptions options) : SimRun(options) {
    headers.emplace_back("family/sample");
  }

  /// Tokens of rows that all have the same logits.
  Status sampleRows(int64_t columns, int threads, const std::vector<float> &logits,
                    const std::vector<SamplingRow> &rows) {
    std::string width = std::to_string(columns), count = std::to_string(threads);
    Status loaded = load("const float *x, const int *rows, int *out", threads,
                         "sample<" + width + ", " + count + ">(Launch{mark, number}, " +
                             "Rows<const float, 0, 0, " + width + ">{x}, rows, out);\n");
    if (!loaded) {
      return loaded;
    }
    add(logits);
    add(rows);
    add(std::vector<int>(rows.size(), -7));
    return launch({int64_t(rows.size()), sharedBytes});
  }
};
} // namespace

/// With each filter alone and with all of them, of tokens in a row.
static std::vector<SamplingRow> rowsFor(int64_t limit) {
  std::vector<SamplingRow> rows;
  for (const SamplingOptions &options :
       {SamplingOptions{}, SamplingOptions{.temperature = 1},
        SamplingOptions{.temperature = 0.7, .topK = 50},
        SamplingOptions{.temperature = 1, .topP = 0.95},
        SamplingOptions{.temperature = 1.5, .minP = 0.05},
        SamplingOptions{.temperature = 0.6, .topK = 1000, .topP = 0.9, .minP = 0.001}}) {
    rows.push_back(samplingRow(options, limit, int64_t(rows.size())));
    rows.push_back(samplingRow(options, limit, 1000 + int64_t(rows.size())));
  }
  return rows;
}

static std::vector<int> tokensOf(const std::vector<float> &logits,
                                 const std::vector<SamplingRow> &rows) {
  std::vector<int> tokens;
  for (const SamplingRow &row : rows) {
    tokens.push_back(sample(logits, row));
  }
  return tokens;
}

TEST(SimSample, TokensAreThoseOfTheHostUnderEverySchedule) {
  constexpr int64_t vocabulary = 129280;
  std::vector<float> logits = logitsOf(vocabulary);
  std::vector<SamplingRow> rows = rowsFor(128815);
  for (uint64_t seed : {0, 3}) {
    SimOptions options;
    options.seed = seed;
    SampleRun sim(options);
    Status status = sim.sampleRows(vocabulary, 1024, logits, rows);
    ASSERT_TRUE(status) << status.failure().message();
    EXPECT_EQ(sim.values<int>(2), tokensOf(logits, rows)) << "seed " << seed;
  }
}

TEST(SimSample, EveryAccessIsOrdered) {
  constexpr int64_t vocabulary = 1000;
  std::vector<float> logits = logitsOf(vocabulary);
  std::vector<SamplingRow> rows = rowsFor(vocabulary - 1);
  SimOptions options;
  options.check = true;
  SampleRun sim(options);
  Status status = sim.sampleRows(vocabulary, 128, logits, rows);
  if (dsv3::test::lacksClang(status)) {
    GTEST_SKIP() << status.failure().message();
  }
  ASSERT_TRUE(status) << status.failure().message();
  EXPECT_EQ(sim.values<int>(2), tokensOf(logits, rows));
}
