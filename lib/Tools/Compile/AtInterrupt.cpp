//===- AtInterrupt.cpp - what is still done when a signal ends us ---------===//
#include "AtInterrupt.h"

#include "llvm/Support/Signals.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <unistd.h>

namespace dsv3::compile {

static constexpr std::array signals{SIGINT, SIGTERM, SIGHUP};

static sem_t wakeUp;
static std::atomic<int> caught = 0;
static std::array<struct sigaction, signals.size()> before;
static_assert(std::atomic<int>::is_always_lock_free, "signal handlers may not lock");

static void wakeWatcher(int signal) {
  int saved = errno;
  caught = signal;
  sem_post(&wakeUp);
  errno = saved;
}

AtInterrupt::AtInterrupt(std::function<void()> action) : action(std::move(action)) {
  sem_init(&wakeUp, 0, 0);
  caught = 0;
  watcher = std::thread([this] { watch(); });
  struct sigaction handler = {};
  handler.sa_handler = wakeWatcher;
  handler.sa_flags = SA_RESTART;
  for (size_t i = 0; i < signals.size(); ++i) {
    sigaction(signals[i], nullptr, &before[i]);
    if (before[i].sa_handler != SIG_IGN) {
      sigaction(signals[i], &handler, nullptr);
    }
  }
}

AtInterrupt::~AtInterrupt() {
  for (size_t i = 0; i < signals.size(); ++i) {
    sigaction(signals[i], &before[i], nullptr);
  }
  sem_post(&wakeUp);
  watcher.join();
  sem_destroy(&wakeUp);
}

void AtInterrupt::watch() {
  while (sem_wait(&wakeUp) != 0) {
  }
  int signal = caught;
  if (signal == 0) {
    return; // the end of this object
  }
  std::unique_lock held(busy);
  action();
  llvm::sys::RunInterruptHandlers(); // removes the files that LLVM has open
  std::signal(signal, SIG_DFL);
  kill(getpid(), signal);
  while (true) {
    pause();
  }
}

} // namespace dsv3::compile
