//===- ThreadTeam.h - threads that walk a program in lockstep ---*- C++ -*-===//
//
// A fixed number of threads, the caller among them, that live as long as the
// team. A step wakes them once; within a step they meet at spin barriers, which
// enter the kernel only to yield the CPU after a wait of milliseconds, a sign that
// a thread has lost its CPU. While yielding helps, because the CPUs are shared with
// others or there are more threads than CPUs, it is done sooner.
//
// Between steps the threads spin for a while and then park in a futex. So the
// steps of a generation that follow each other closely make no system call at
// all; a step after a pause makes one, to wake the parked threads.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace dsv3::runtime {

struct TeamOptions {
  int threads = 0;  ///< the caller included; 0: usefulThreads()
  bool pin = false; ///< tie each thread to a CPU, the caller too while the team lives
  /// How long threads spin between steps before they park.
  std::chrono::microseconds idleSpin{50'000};
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
  /// Called by all threads, with their numbers, from within a task: returns when
  /// all have called it. What a thread wrote before is seen by every thread after.
  void barrier(int thread);

private:
  ThreadTeam(const TeamOptions &options, int threads);
  void work(int thread);
  uint32_t waitForStep(int thread, uint32_t seen);

  static constexpr size_t cacheLine = 64;
  /// How long a thread spins before it yields; only that thread uses it.
  struct alignas(cacheLine) Patience {
    int64_t spins = 0;
  };

  const int count;
  const bool pin;
  std::vector<int> cpus;
  int64_t mostSpins = 0, spinsBeforeParking = 0;
  std::vector<Patience> patience;
  std::vector<std::thread> workers;
  Task *current = nullptr;
  bool stopping = false;

  alignas(cacheLine) std::atomic<uint32_t> step{0};
  std::atomic<uint32_t> parked{0};
  alignas(cacheLine) std::atomic<uint32_t> arrived{0};
  alignas(cacheLine) std::atomic<uint32_t> generation{0};
};

} // namespace dsv3::runtime
