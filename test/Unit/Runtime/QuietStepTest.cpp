//===- QuietStepTest.cpp - a decode step allocates and asks nothing -------===//
//
// After warm-up, steps of one token of a toy model run with allocations counted and,
// in a child process, without system calls (Quiet.h). Each test has a counterpart that
// shows that a noisy step would be noticed. A compiled model: QuietModelTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "Quiet.h"
#include "ToyModel.h"
#include "runtime/drivers/cpu/CpuDevice.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::test;

namespace {

/// Longer than any test: the team does not park.
constexpr std::chrono::microseconds never{std::chrono::minutes(10)};

/// A session with two threads that has run a step of each kind.
struct WarmSession {
  ToyModel model;
  std::unique_ptr<Device> device;
  std::unique_ptr<Session> session;
  std::vector<int32_t> ids = ToyModel::text(toyMaxContext);
  ToyAnswer answer = model.answer(ids);

  explicit WarmSession(std::chrono::microseconds idleSpin) {
    device = std::move(*createCpuDevice({2, false, idleSpin, never}));
    session =
        std::move(*Session::create(*device, model.plan, model.kernels, model.parameters(), {}));
    // Two prompts' steps and one of decode.
    static_cast<void>(session->append(std::span(ids).first(10)).ok());
    static_cast<void>(session->append(std::span(ids).subspan(10, 1)).ok());
  }

  /// Decodes the rest of the ids; whether all logits were right.
  bool decode() {
    for (size_t i = 11; i < ids.size(); ++i) {
      if (!session->append(std::span(ids).subspan(i, 1)).ok() ||
          !std::ranges::equal(session->outputs().logitsOf(0), answer.logits[i])) {
        return false;
      }
    }
    return true;
  }
};

} // namespace

TEST(QuietStep, DecodeAllocatesNothing) {
  if (DSV3_SANITIZED) {
    GTEST_SKIP() << "a sanitizer has the allocator";
  }
  WarmSession warm(never);
  int64_t before = allocationsSoFar();
  bool right = warm.decode();
  int64_t after = allocationsSoFar();
  EXPECT_TRUE(right);
  EXPECT_EQ(after - before, 0);
  auto noise = std::make_unique<std::vector<int>>(10);
  EXPECT_EQ(allocationsSoFar() - after, 2) << "allocations are not counted: " << noise->size();
}

/// The wait status of a child that decodes without system calls.
static int decodeInChild(std::chrono::microseconds idleSpin) {
  return statusOfChild([&] {
    WarmSession warm(idleSpin);
    if (!forbidSystemCalls()) {
      _exit(NoFilter);
    }
    _exit(warm.decode() ? Right : Wrong);
  });
}

TEST(QuietStep, DecodeMakesNoSystemCall) {
  if (DSV3_SANITIZED) {
    GTEST_SKIP() << "a sanitizer makes system calls of its own";
  }
  int status = decodeInChild(never);
  if (WIFEXITED(status) && WEXITSTATUS(status) == NoFilter) {
    GTEST_SKIP() << "this system does not allow seccomp filters";
  }
  ASSERT_FALSE(WIFSIGNALED(status)) << "ended by " << strsignal(WTERMSIG(status));
  EXPECT_EQ(WEXITSTATUS(status), Right);
}

TEST(QuietStep, WakingAParkedTeamWouldBeNoticed) {
  if (DSV3_SANITIZED) {
    GTEST_SKIP() << "a sanitizer makes system calls of its own";
  }
  // Threads that park at once need a futex in every step.
  int status = decodeInChild(std::chrono::microseconds(0));
  if (WIFEXITED(status) && WEXITSTATUS(status) == NoFilter) {
    GTEST_SKIP() << "this system does not allow seccomp filters";
  }
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGSYS);
}
