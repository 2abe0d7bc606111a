//===- ThreadTeam.h - threads that run steps together -----------*- C++ -*-===//
//
// A fixed number of threads, the caller among them, that live as long as the team. A step
// wakes them, and ends when all have done their part. How they wait: Waiting.h. Between
// steps that is longer than within one, so the steps of a generation that follow each other
// closely make no system call at all; a step after a pause makes one, to wake the parked
// threads.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"
#include "runtime/drivers/cpu/Waiting.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace dsv3::runtime {

struct TeamOptions {
  int threads = 0; ///< the caller included; 0: usefulThreads()
  /// Tie each thread to a CPU; the caller, from the first step to the end of the team: what it
  /// starts meanwhile inherits that.
  bool pin = false;
  /// How long threads spin between steps before they park.
  std::chrono::microseconds idleSpin{50'000};
  /// The same within a step, where others of the team are late.
  std::chrono::microseconds lateSpin{1'000};
  std::vector<int> cpus = {}; ///< that threads are tied to, in turn; empty: all there are
};

/// Used by one thread at a time, which is thread 0 of the team.
class ThreadTeam {
public:
  /// What a step does on each thread. Must not throw.
  class Task {
  public:
    virtual ~Task() = default;
    virtual void run(int thread) = 0;
  };

  /// Fails if the number is out of range or the system refuses a thread.
  static Expected<std::unique_ptr<ThreadTeam>> create(const TeamOptions &options);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam &) = delete;
  ThreadTeam &operator=(const ThreadTeam &) = delete;

  int size() const { return count; }
  /// Runs `task` on every thread and returns when all have finished.
  void run(Task &task);
  /// Runs a task that does as well with fewer threads, such as one that deals out tiles: on all
  /// of them, but where they came so late to the end of a step, having lost their CPUs, that
  /// their part would have been done sooner without them, on the caller's thread alone for a
  /// few steps, and for more each time that happens again.
  void share(Task &task);
  /// Called by all threads, with their numbers, from within a task: returns when
  /// all have called it, and whether they came soon enough for spinning. What a thread wrote
  /// before is seen by every thread after.
  bool barrier(int thread);

  /// For what else the threads of a step wait for: how this one does, and when it parks.
  Waiter &waiter(int thread) { return waiters[size_t(thread)]; }
  int64_t mostPauses() const { return pausesInStep; }

private:
  ThreadTeam(const TeamOptions &options, int threads);
  void work(int thread);
  /// Whether the others were of use.
  bool runAll(Task &task);

  const int count;
  const bool pin;
  std::vector<int> cpus;    ///< that threads are tied to
  std::vector<int> allowed; ///< before
  bool callerPinned = false;
  int64_t pausesInStep = 0, pausesBetweenSteps = 0;
  std::vector<Waiter> waiters;
  std::vector<std::thread> workers;
  Task *current = nullptr;
  bool stopping = false;
  int stepsAlone = 0, penalty = 0; ///< of share(): steps to come without the others, and next time

  Signal<uint32_t> step, generation;
  alignas(cacheLine) std::atomic<uint32_t> arrived{0};
};

} // namespace dsv3::runtime
