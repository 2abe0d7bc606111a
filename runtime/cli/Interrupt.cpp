//===- Interrupt.cpp - a wish to stop as a flag ---------------------------===//
#include "runtime/cli/Interrupt.h"

#include <csignal>
#include <cstdint>
#include <ctime>

namespace dsv3::cli {

static std::atomic<bool> flag = false;
static_assert(std::atomic<bool>::is_always_lock_free, "signal handlers may not lock");

static std::atomic<int> lastSignal = 0;
static_assert(std::atomic<int>::is_always_lock_free, "signal handlers may not lock");

/// When the first one came, in milliseconds.
static std::atomic<int64_t> firstTime = 0;
static_assert(std::atomic<int64_t>::is_always_lock_free, "signal handlers may not lock");

/// The first one is a wish to stop, one that comes later ends the process. At once both are the
/// same: timeout(1) tells the process and then its group.
static void raiseFlag(int signal) {
  constexpr int64_t atOnce = 500;
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  int64_t time = int64_t(now.tv_sec) * 1000 + now.tv_nsec / 1000000;
  if (!flag) {
    firstTime = time;
    lastSignal = signal;
    flag = true;
  } else if (time - firstTime > atOnce) {
    std::signal(signal, SIG_DFL);
    std::raise(signal); // once this returns
  }
}

const std::atomic<bool> *watchInterrupts() {
  struct sigaction action = {};
  action.sa_handler = raiseFlag;
  action.sa_flags = SA_RESTART;
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before = {};
    if (sigaction(signal, nullptr, &before) == 0 && before.sa_handler != SIG_IGN) {
      sigaction(signal, &action, nullptr);
    }
  }
  return &flag;
}

int interruption() { return lastSignal; }

} // namespace dsv3::cli
