//===- ScoresTest.cpp - the file that score writes ------------------------===//

#include "runtime/cli/Scores.h"
#include "TemporaryDirectory.h"
#include "ToyModel.h"
#include "dsv3/Checkpoint/Safetensors.h"
#include "dsv3/Support/File.h"
#include "runtime/drivers/cpu/CpuDevice.h"

#include <cmath>
#include <csignal>
#include <cstring>
#include <gtest/gtest.h>
#include <sys/resource.h>

using namespace dsv3;
using namespace dsv3::cli;
using namespace dsv3::test;

namespace {

struct ScoresOfToy : testing::Test {
  TemporaryDirectory directory;
  ToyModel model;
  std::unique_ptr<runtime::Device> device = std::move(*runtime::createCpuDevice({.threads = 1}));
  std::filesystem::path path = directory.path() / "scores";

  static checkpoint::ModelConfig config() {
    checkpoint::ModelConfig config;
    config.vocabSize = toyVocabulary, config.hiddenSize = toyHidden;
    config.numHiddenLayers = toyLayers;
    return config;
  }
  Expected<ScoreFile> file(const ScoreOptions &wanted, size_t tokens) {
    return ScoreFile::create({path.string(), wanted}, config(), int64_t(tokens));
  }
  Status score(const std::vector<int32_t> &ids, const ScoreOptions &wanted, int64_t chunk = 0) {
    auto session = runtime::Session::create(*device, model.plan, model.kernels, model.parameters(),
                                            {.chunk = chunk});
    EXPECT_TRUE(session) << session.failure().message();
    runtime::SessionModel running(**session);
    Expected<ScoreFile> made = file(wanted, ids.size());
    return made ? writeScores(running, ids, *std::move(made)) : made.status();
  }
};

constexpr ScoreOptions all{.hidden = true, .router = false, .mtp = true};

} // namespace

TEST_F(ScoresOfToy, ValuesStandWhereTheyBelong) {
  std::vector<int32_t> ids = ToyModel::text(21);
  Status status = score(ids, all);
  ASSERT_TRUE(status) << status.failure().message();
  auto opened = checkpoint::SafetensorsFile::open(path);
  ASSERT_TRUE(opened && opened->map());
  auto values = [&](const char *name, std::vector<int64_t> shape) {
    const checkpoint::TensorInfo *info = opened->find(name);
    EXPECT_EQ(info->shape, shape);
    std::vector<float> result(info->byteCount / sizeof(float));
    std::memcpy(result.data(), opened->bytes(*info).data(), info->byteCount);
    return result;
  };
  auto flat = [](const auto &rows) {
    std::vector<float> result;
    for (const auto &row : rows) {
      result.insert(result.end(), row.begin(), row.end());
    }
    return result;
  };
  ToyAnswer answer = model.answer(ids);
  EXPECT_EQ(values("logits", {21, toyVocabulary}), flat(answer.logits));
  std::vector<float> hidden;
  for (const auto &layer : answer.hidden) {
    std::ranges::copy(flat(layer), std::back_inserter(hidden));
  }
  EXPECT_EQ(values("hidden", {toyLayers + 1, 21, toyHidden}), hidden);
  EXPECT_EQ(values("mtp_logits", {20, toyVocabulary}), flat(model.mtpAnswer(ids)));
}

namespace {
/// Its answer is NaN from position 2 on.
class Damaged final : public runtime::LanguageModel {
public:
  int64_t vocabulary() const override { return toyVocabulary; }
  int64_t context() const override { return 100; }
  int64_t position() const override { return 0; }
  bool cancelled() const override { return false; }
  Status append(std::span<const int32_t> ids, runtime::OutputRows,
                runtime::Observer *observer) override {
    std::vector<float> rows(ids.size() * toyVocabulary);
    std::fill(rows.begin() + 2 * toyVocabulary, rows.end(), NAN);
    return observer->outputs({0, int64_t(ids.size()), rows, {}, nullptr});
  }
  std::span<const float> logits() const override { return {}; }
  Expected<int32_t> appendSampled(std::span<const int32_t>, const SamplingOptions &, int64_t,
                                  runtime::Observer *) override {
    return Failure{"none"};
  }
  bool hasMtp() const override { return false; }
  Status appendMtp(std::span<const int32_t>, std::span<const float>, runtime::OutputRows,
                   runtime::Observer *) override {
    return Failure{"none"};
  }
};
} // namespace

// They are written, for whoever looks for the layer that it begins in.
TEST_F(ScoresOfToy, ANoteSaysThatValuesAreNoNumbers) {
  Damaged damaged;
  Expected<ScoreFile> made = file({}, 4);
  ASSERT_TRUE(made);
  testing::internal::CaptureStderr();
  Status status = writeScores(damaged, std::vector<int32_t>{1, 2, 3, 4}, *std::move(made));
  std::string said = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(status) << status.failure().message();
  EXPECT_NE(said.find("note: logits hold NaN or infinity from position 2 on"), std::string::npos)
      << said;
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST_F(ScoresOfToy, TheFileIsTheSameWhateverTheChunk) {
  std::vector<int32_t> ids = ToyModel::text(21);
  ASSERT_TRUE(score(ids, all));
  std::string whole = *readFile(path, 1 << 20);
  for (int64_t chunk : {1, 2, 3, 5, 7}) {
    ASSERT_TRUE(score(ids, all, chunk));
    EXPECT_EQ(*readFile(path, 1 << 20), whole) << "chunks of " << chunk;
  }
}

TEST_F(ScoresOfToy, OneTokenHasNoMtpRows) {
  ASSERT_TRUE(score(ToyModel::text(1), all));
  auto opened = checkpoint::SafetensorsFile::open(path);
  ASSERT_TRUE(opened.ok()) << opened.failure().message();
  EXPECT_EQ(opened->find("mtp_logits")->shape, (std::vector<int64_t>{0, toyVocabulary}));
}

TEST_F(ScoresOfToy, AFailureLeavesNothing) {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit small{1024, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  Expected<ScoreFile> made = file(all, 21);
  setrlimit(RLIMIT_FSIZE, &before);
  ASSERT_FALSE(made.ok()); // before any step
  EXPECT_NE(made.failure().message().find("ulimit -f"), std::string::npos)
      << made.failure().message();
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));

  model.plan.entries.pop_back(); // no MTP module
  Status status = score(ToyModel::text(3), all);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.failure().what.find("--mtp"), std::string::npos);
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));

  path = directory.path() / "none" / "scores";
  EXPECT_FALSE(file(all, 3).ok());
}

TEST_F(ScoresOfToy, AModelThatIsNotThatOfItsConfigIsRefused) {
  Expected<ScoreFile> made = file(all, 4);
  ASSERT_TRUE(made.ok());
  std::array<float, toyVocabulary> row{};
  EXPECT_TRUE(made->write("logits", {3, 1, toyVocabulary, DType::F32, row.data()}));
  EXPECT_FALSE(made->write("logits", {4, 1, toyVocabulary, DType::F32, row.data()}));
  EXPECT_FALSE(made->write("logits", {0, 1, toyVocabulary - 1, DType::F32, row.data()}));
  EXPECT_FALSE(made->write("logits", {0, 1, toyVocabulary, DType::I32, row.data()}));
  EXPECT_FALSE(made->write("router.0.weights", {0, 1, 1, DType::F32, row.data()}));
}
