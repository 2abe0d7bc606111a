//===- Interrupt.cpp - Ctrl-C as a flag -----------------------------------===//
#include "runtime/cli/Interrupt.h"

#include <csignal>

namespace dsv3::cli {

static std::atomic<bool> flag = false;
static_assert(std::atomic<bool>::is_always_lock_free, "signal handlers may not lock");

static void raiseFlag(int) { flag = true; }

const std::atomic<bool> *watchInterrupts() {
  struct sigaction action = {};
  action.sa_handler = raiseFlag;
  action.sa_flags = int(SA_RESETHAND) | SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  return &flag;
}

bool interrupted() { return flag; }

} // namespace dsv3::cli
