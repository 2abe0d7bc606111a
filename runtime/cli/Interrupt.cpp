//===- Interrupt.cpp - a wish to stop as a flag ---------------------------===//
#include "runtime/cli/Interrupt.h"

#include <csignal>

namespace dsv3::cli {

static std::atomic<bool> flag = false;
static_assert(std::atomic<bool>::is_always_lock_free, "signal handlers may not lock");

static std::atomic<int> lastSignal = 0;
static_assert(std::atomic<int>::is_always_lock_free, "signal handlers may not lock");

static void raiseFlag(int signal) {
  lastSignal = signal;
  flag = true;
}

const std::atomic<bool> *watchInterrupts() {
  struct sigaction action = {};
  action.sa_handler = raiseFlag;
  action.sa_flags = int(SA_RESETHAND) | SA_RESTART;
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
