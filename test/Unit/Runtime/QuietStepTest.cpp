//===- QuietStepTest.cpp - a decode step allocates and asks nothing -------===//
//
// After warm-up, steps of one token run with every way to allocate counted and,
// in a child process, under a filter that ends it at the first system call. Two
// calls are let through: sched_yield, which the team makes when it has lost its
// CPU to someone else, and those that report the outcome. Each test has a
// counterpart that shows that a noisy step would be noticed.
//
//===----------------------------------------------------------------------===//

#include "ToyModel.h"
#include "runtime/drivers/cpu/CpuDevice.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static std::atomic<int64_t> allocations{0};

// DSV3_SANITIZED comes from CMake: sanitizers have an allocator and threads of
// their own.
#if !DSV3_SANITIZED
extern "C" {
// glibc's own names of what is interposed here. operator new ends in malloc.
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

void *malloc(size_t bytes) {
  ++allocations;
  return __libc_malloc(bytes);
}
void *calloc(size_t count, size_t bytes) {
  ++allocations;
  return __libc_calloc(count, bytes);
}
void *realloc(void *old, size_t bytes) {
  ++allocations;
  return __libc_realloc(old, bytes);
}
void *aligned_alloc(size_t alignment, size_t bytes) {
  ++allocations;
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void **result, size_t alignment, size_t bytes) {
  ++allocations;
  *result = __libc_memalign(alignment, bytes);
  return *result ? 0 : ENOMEM;
}
}
#endif

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::test;

namespace {

/// A session with two threads that has run a step of each kind.
struct WarmSession {
  ToyModel model;
  std::unique_ptr<Device> device;
  std::unique_ptr<Session> session;
  std::vector<int32_t> ids = ToyModel::text(toyMaxContext);
  ToyAnswer answer = model.answer(ids);

  explicit WarmSession(std::chrono::microseconds idleSpin) {
    device = std::move(*createCpuDevice({2, false, idleSpin}));
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

/// Longer than any test: the team does not park.
constexpr std::chrono::microseconds never{std::chrono::minutes(10)};

} // namespace

TEST(QuietStep, DecodeAllocatesNothing) {
  if (DSV3_SANITIZED) {
    GTEST_SKIP() << "a sanitizer has the allocator";
  }
  WarmSession warm(never);
  int64_t before = allocations;
  bool right = warm.decode();
  int64_t after = allocations;
  EXPECT_TRUE(right);
  EXPECT_EQ(after - before, 0);
  auto noise = std::make_unique<std::vector<int>>(10);
  EXPECT_EQ(allocations - after, 2) << "allocations are not counted: " << noise->size();
}

/// From now on, any other system call of any thread ends the process (SIGSYS).
static bool forbidSystemCalls() {
#define ALLOW(number)                                                                              \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      ALLOW(SYS_sched_yield),
      ALLOW(SYS_exit_group),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
  };
#undef ALLOW
  sock_fprog program{sizeof(filter) / sizeof(filter[0]), filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
}

enum Outcome : int { Right, Wrong, NoFilter };

/// The wait status of a child that decodes without system calls.
static int decodeInChild(std::chrono::microseconds idleSpin) {
  pid_t child = fork();
  if (child == 0) {
    WarmSession warm(idleSpin);
    if (!forbidSystemCalls()) {
      _exit(NoFilter);
    }
    _exit(warm.decode() ? Right : Wrong);
  }
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
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
