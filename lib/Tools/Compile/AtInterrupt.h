//===- AtInterrupt.h - what is still done when a signal ends us -*- C++ -*-===//
//
// Little may be done in a signal's handler, and no destructors run where a signal ends the
// process. So the handler only wakes a thread, which cleans up and then lets the signal
// end the process as it would have. Linux.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <functional>
#include <mutex>
#include <semaphore.h>
#include <thread>

namespace dsv3::compile {

/// While it lives, SIGINT, SIGTERM and SIGHUP end the process after `action`, which runs on a
/// thread of its own beside whatever the others do. Signals that are ignored stay so. One at a
/// time in a process.
class AtInterrupt {
public:
  explicit AtInterrupt(std::function<void()> action);
  ~AtInterrupt();
  AtInterrupt(const AtInterrupt &) = delete;
  AtInterrupt &operator=(const AtInterrupt &) = delete;

  /// As long as the result lives the action waits: for what must not be half done.
  std::unique_lock<std::mutex> hold() { return std::unique_lock(busy); }

private:
  void watch();

  std::function<void()> action;
  std::mutex busy;
  std::thread watcher;
};

} // namespace dsv3::compile
