//===- QuietModelTest.cpp - generation with compiled kernels is quiet -----===//
//
// As QuietStepTest.cpp, with models/nano as dsv3-compile makes it and the loop of
// generation: MoE layers, attention, head, and a token sampled from all filters.
//
//===----------------------------------------------------------------------===//

#include "Quiet.h"
#include "TemporaryDirectory.h"

#include "runtime/base/Process.h"
#include "runtime/bundle/Bundle.h"
#include "runtime/drivers/cpu/CpuDevice.h"
#include "runtime/params/ParameterStore.h"
#include "runtime/session/Generate.h"

#include <chrono>
#include <cstring>
#include <gtest/gtest.h>
#include <optional>
#include <sys/wait.h>
#include <unistd.h>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::test;

namespace {

/// Tokens before what is looked at, and all of them.
constexpr size_t warmUp = 3, all = 40;

/// models/nano compiled, with weights that are made up.
struct QuietModel : testing::Test {
  TemporaryDirectory directory;
  Bundle bundle;
  size_t variant = 0;
  std::optional<ParameterStore> weights;

  void SetUp() override {
    if (DSV3_SANITIZED) {
      GTEST_SKIP() << "a sanitizer allocates and makes system calls of its own";
    }
    std::string path = (directory.path() / "bundle").string();
    Status compiled =
        runProgram(DSV3_COMPILE,
                   {"--config", DSV3_SOURCE_DIR "/models/nano/config.json", "-o", path}, nullptr);
    ASSERT_TRUE(compiled.ok()) << compiled.failure().message();
    Expected<Bundle> opened = Bundle::open(path);
    ASSERT_TRUE(opened.ok()) << opened.failure().message();
    bundle = *std::move(opened);
    Expected<size_t> chosen = bundle.chooseVariant("");
    ASSERT_TRUE(chosen.ok()) << chosen.failure().message();
    variant = *chosen;
    Expected<ParameterStore> made = ParameterStore::dummy(bundle.plan(), variant, 1);
    ASSERT_TRUE(made.ok()) << made.failure().message();
    weights = *std::move(made);
  }

  /// Generates `all` tokens; `seen` is told each.
  Status generateTokens(const std::function<void(int32_t)> &seen) const {
    // Two threads that do not park while the test runs.
    Expected<std::unique_ptr<Device>> device =
        createCpuDevice({2, false, std::chrono::minutes(10), std::chrono::minutes(10)});
    if (!device) {
      return device.status();
    }
    ParameterAddresses addresses{
        [&](int32_t parameter, int64_t layer) { return weights->data(size_t(parameter), layer); },
        [&](int32_t parameter, int64_t layer) {
          return weights->scales(size_t(parameter), layer);
        }};
    Expected<std::unique_ptr<Session>> session =
        Session::create(**device, bundle.plan(), {variant, bundle.objectPath(variant).string()},
                        addresses, {.context = 128});
    if (!session) {
      return session.status();
    }
    SessionModel model(**session);
    GenerateOptions options;
    options.sampling = {.temperature = 1, .topK = 50, .topP = 0.95, .minP = 0.01, .seed = 3};
    options.maxTokens = all;
    std::vector<int32_t> prompt{0, 5, 7};
    Expected<Generation> done = generate(model, prompt, options, [&](int32_t id) {
      seen(id);
      return true;
    });
    return done ? Status() : done.status();
  }
};

} // namespace

TEST_F(QuietModel, GenerationAllocatesNothingAndMakesNoSystemCall) {
  std::vector<int32_t> expected;
  std::vector<int64_t> allocations;
  expected.reserve(all), allocations.reserve(all);
  Status done = generateTokens([&](int32_t id) {
    expected.push_back(id);
    allocations.push_back(allocationsSoFar());
  });
  ASSERT_TRUE(done.ok()) << done.failure().message();
  ASSERT_EQ(expected.size(), all);
  EXPECT_EQ(allocations.back() - allocations[warmUp - 1], 0);
  int status = statusOfChild([&] {
    size_t count = 0;
    Outcome outcome = Right;
    static_cast<void>(generateTokens([&](int32_t id) {
      outcome = id == expected[count] ? outcome : Wrong;
      ++count;
      if (count == warmUp && !forbidSystemCalls()) {
        _exit(NoFilter);
      }
      // What comes after the last token is not a step.
      if (count == all) {
        _exit(outcome);
      }
    }));
  });
  if (WIFEXITED(status) && WEXITSTATUS(status) == NoFilter) {
    GTEST_SKIP() << "this system does not allow seccomp filters";
  }
  ASSERT_FALSE(WIFSIGNALED(status)) << "ended by " << strsignal(WTERMSIG(status));
  EXPECT_EQ(WEXITSTATUS(status), Right);
}
