//===- ThreadTeamTest.cpp - steps and barriers of a team ------------------===//

#include "runtime/drivers/cpu/ThreadTeam.h"
#include "CutOffFile.h"
#include "dsv3/Support/Cpus.h"
#include "runtime/base/MappedFault.h"

#include <algorithm>
#include <csignal>
#include <functional>
#include <gtest/gtest.h>

using namespace dsv3;
using namespace dsv3::runtime;

namespace {

struct FunctionTask : ThreadTeam::Task {
  std::function<void(int)> body;
  explicit FunctionTask(std::function<void(int)> body) : body(std::move(body)) {}
  void run(int thread) override { body(thread); }
};

std::unique_ptr<ThreadTeam> makeTeam(int threads, int64_t idleMicroseconds = 50'000) {
  auto team = ThreadTeam::create({threads, false, std::chrono::microseconds(idleMicroseconds),
                                  std::chrono::microseconds(idleMicroseconds)});
  EXPECT_TRUE(team) << team.failure().message();
  return std::move(*team);
}

/// Parameters: threads, microseconds of spinning before parking.
class ThreadTeamOf : public testing::TestWithParam<std::pair<int, int64_t>> {};

} // namespace

TEST_P(ThreadTeamOf, RunsEveryThreadOncePerStep) {
  auto team = makeTeam(GetParam().first, GetParam().second);
  ASSERT_EQ(team->size(), GetParam().first);
  std::vector<int> runs(size_t(team->size()));
  FunctionTask task([&](int thread) { ++runs[size_t(thread)]; });
  for (int step = 1; step <= 200; ++step) {
    team->run(task);
    ASSERT_EQ(std::ranges::count(runs, step), team->size());
  }
}

TEST_P(ThreadTeamOf, BarriersOrderWritesAndReads) {
  // Each thread reads what its neighbour wrote in the round before.
  auto team = makeTeam(GetParam().first, GetParam().second);
  auto threads = size_t(team->size());
  std::vector<int> values(threads), wrong(threads);
  FunctionTask task([&](int thread) {
    for (int round = 1; round <= 100; ++round) {
      values[size_t(thread)] = round;
      team->barrier(thread);
      wrong[size_t(thread)] += values[(size_t(thread) + 1) % threads] != round;
      team->barrier(thread);
    }
  });
  for (int step = 0; step < 5; ++step) {
    team->run(task);
  }
  EXPECT_EQ(wrong, std::vector<int>(threads));
}

INSTANTIATE_TEST_SUITE_P(Threads, ThreadTeamOf,
                         testing::Values(std::pair(1, 50'000), std::pair(2, 50'000),
                                         std::pair(3, 50'000), std::pair(8, 50'000),
                                         std::pair(2, 0), std::pair(8, 0)),
                         [](const auto &info) {
                           return std::to_string(info.param.first) +
                                  (info.param.second ? "spinning" : "parking");
                         });

TEST(ThreadTeam, ATeamThatIsLateIsLeftOutForAStep) {
  auto team = makeTeam(2);
  std::vector<int> runs(2);
  FunctionTask late([&](int thread) {
    ++runs[size_t(thread)];
    for (int pause = 0; thread == 1 && pause < 10'000'000; ++pause) {
      relax(); // tens of milliseconds at least, as a thread without a CPU
    }
  });
  team->share(late);
  EXPECT_EQ(runs, (std::vector<int>{1, 1}));
  team->share(late);
  EXPECT_EQ(runs, (std::vector<int>{2, 1}));
  team->share(late);
  EXPECT_EQ(runs, (std::vector<int>{3, 2})) << "it is tried again";
  team->share(late);
  team->share(late);
  EXPECT_EQ(runs, (std::vector<int>{5, 2})) << "and left out for longer";
  team->run(late);
  EXPECT_EQ(runs, (std::vector<int>{6, 3})) << "what all must do they do";
}

/// A wait that is shorter than what the others did is worth it, however long.
TEST(ThreadTeam, ThreadsThatHelpMoreThanTheyKeepWaitingAreNotLeftOut) {
  auto team = makeTeam(2);
  std::vector<int> runs(2);
  std::atomic<bool> nearlyDone;
  FunctionTask uneven([&](int thread) {
    ++runs[size_t(thread)];
    if (thread == 0) {
      for (int pause = 0; !nearlyDone && pause < 100'000'000; ++pause) {
        relax();
      }
      return;
    }
    for (int pause = 0; pause < 4'000'000; ++pause) {
      relax();
      nearlyDone = pause > 3'900'000; // milliseconds before the end, many times spinning's limit
    }
  });
  for (int step = 0; step < 4; ++step) {
    nearlyDone = false;
    team->share(uneven);
  }
  EXPECT_EQ(runs, (std::vector<int>{4, 4}));
}

TEST(ThreadTeam, PinnedTeamRunsAndGivesTheCallersCpusBack) {
  std::vector<int> before = allowedCpus();
  auto pinned = ThreadTeam::create({3, true, std::chrono::microseconds(0), {}, {}});
  ASSERT_TRUE(pinned);
  EXPECT_EQ(allowedCpus(), before) << "what is started before the first step may run anywhere";
  std::vector<int> runs(3);
  std::vector<std::vector<int>> cpus(3);
  FunctionTask task([&](int thread) {
    ++runs[size_t(thread)];
    cpus[size_t(thread)] = allowedCpus();
  });
  (*pinned)->run(task);
  EXPECT_EQ(runs, std::vector<int>(3, 1));
  for (size_t thread = 0; thread < 3; ++thread) {
    EXPECT_EQ(cpus[thread], std::vector<int>{before[thread % before.size()]});
  }
  EXPECT_EQ(allowedCpus().size(), 1U);
  pinned->reset();
  EXPECT_EQ(allowedCpus(), before);
}

TEST(ThreadTeam, ThreadsAreTiedToGivenCpusInTurn) {
  std::vector<int> order = allowedCpus();
  std::ranges::reverse(order);
  TeamOptions options{.threads = 2, .pin = true, .cpus = order};
  auto pinned = ThreadTeam::create(options);
  ASSERT_TRUE(pinned);
  std::vector<std::vector<int>> cpus(2);
  FunctionTask task([&](int thread) { cpus[size_t(thread)] = allowedCpus(); });
  (*pinned)->run(task);
  for (size_t thread = 0; thread < 2; ++thread) {
    EXPECT_EQ(cpus[thread], std::vector<int>{order[thread % order.size()]});
  }
}

TEST(ThreadTeam, AThreadThatReadsBehindAFileSaysSo) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  test::CutOffFile file;
  auto readCutOff = [&] {
    explainMappedFaults("a-test");
    file.cutOff();
    FunctionTask task([&](int thread) {
      volatile const std::byte *last = file.end() - 1;
      if (thread == 1) {
        (void)*last;
      }
    });
    makeTeam(2)->run(task);
  };
  EXPECT_EXIT(readCutOff(), testing::ExitedWithCode(128 + SIGBUS),
              "a-test: .*weights: became shorter while it was in use");
}

TEST(ThreadTeam, DefaultIsAtLeastOneThread) { EXPECT_GE(makeTeam(0)->size(), 1); }

TEST(ThreadTeam, RefusesAbsurdNumbers) {
  for (int threads : {-1, 1'000'000}) {
    auto team = ThreadTeam::create({threads, false, {}, {}});
    ASSERT_FALSE(team);
    EXPECT_NE(team.failure().what.find(std::to_string(threads)), std::string::npos);
  }
}
