//===- ThreadTeam.cpp - threads that walk a program in lockstep -----------===//
//
// A worker that is about to park first counts itself in `parked` and then waits
// for `step` to change; run() first changes `step` and then looks at `parked`.
// Both in the single order of sequentially consistent operations, so either run()
// sees the worker or the worker sees the step.
//
//===----------------------------------------------------------------------===//

#include "runtime/drivers/cpu/ThreadTeam.h"

#include "dsv3/Support/Cpus.h"
#include "runtime/base/Cpu.h"

#include <algorithm>
#include <csignal>
#include <pthread.h>
#include <sched.h>
#include <string>
#include <system_error>

using namespace dsv3;
using namespace dsv3::runtime;

static constexpr int mostThreads = 4096;
/// A wait in a barrier that lasts longer is a sign that a thread of the team has
/// lost its CPU.
static constexpr std::chrono::microseconds longWait{2000};
/// Spins where yielding is known to help.
static constexpr int64_t fewestSpins = 64;

static void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// How many pauses take `time`. Measured, since a pause takes 10 to 150 cycles
/// and asking the clock while waiting may be a system call.
static int64_t pausesIn(std::chrono::microseconds time) {
  using Clock = std::chrono::steady_clock;
  constexpr int64_t sample = 1000;
  auto shortest = Clock::duration::max();
  for (int attempt = 0; attempt < 3; ++attempt) {
    auto begin = Clock::now();
    for (int64_t i = 0; i < sample; ++i) {
      relax();
    }
    shortest = std::min(shortest, Clock::now() - begin);
  }
  double each = std::max(1.0, double(std::chrono::nanoseconds(shortest).count())) / sample;
  return int64_t(double(std::chrono::nanoseconds(time).count()) / each);
}

Expected<std::unique_ptr<ThreadTeam>> ThreadTeam::create(const TeamOptions &options) {
  int threads = options.threads == 0 ? usefulThreads() : options.threads;
  if (threads < 1 || threads > mostThreads) {
    return Failure{"expected 1 to " + std::to_string(mostThreads) + " threads, found " +
                   std::to_string(threads)};
  }
  std::unique_ptr<ThreadTeam> team(new ThreadTeam(options, threads));
  // Signals are for the threads of the program that uses us.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  Status status;
  try {
    for (int thread = 1; thread < threads; ++thread) {
      team->workers.emplace_back([raw = team.get(), thread] { raw->work(thread); });
    }
  } catch (const std::system_error &error) {
    status = Failure{"cannot start " + std::to_string(threads) + " threads, only " +
                         std::to_string(team->workers.size() + 1) + ": " + error.what(),
                     "", "--threads sets a smaller number"};
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (!status) {
    return status;
  }
  if (team->pin) {
    runThisThreadOn(std::span(team->cpus).first(1));
  }
  return team;
}

ThreadTeam::ThreadTeam(const TeamOptions &options, int threads)
    : count(threads), pin(options.pin), cpus(allowedCpus()) {
  workers.reserve(size_t(threads));
  bool crowded = size_t(threads) > cpus.size();
  mostSpins = crowded ? fewestSpins : std::max(pausesIn(longWait), fewestSpins);
  spinsBeforeParking = pausesIn(options.idleSpin);
  if (crowded) {
    spinsBeforeParking = std::min(spinsBeforeParking, mostSpins);
  }
  patience.assign(size_t(threads), {mostSpins});
}

ThreadTeam::~ThreadTeam() {
  stopping = true;
  step.fetch_add(1);
  step.notify_all();
  for (std::thread &worker : workers) {
    worker.join();
  }
  if (pin) {
    runThisThreadOn(cpus);
  }
}

void ThreadTeam::run(Task &task) {
  if (count > 1) {
    current = &task;
    step.fetch_add(1);
    if (parked.load() > 0) {
      step.notify_all();
    }
  }
  task.run(0);
  barrier(0);
}

void ThreadTeam::barrier(int thread) {
  if (count == 1) {
    return;
  }
  // The generation cannot move on without this thread.
  uint32_t mine = generation.load(std::memory_order_relaxed);
  if (arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == uint32_t(count)) {
    arrived.store(0, std::memory_order_relaxed);
    generation.store(mine + 1, std::memory_order_release);
    return;
  }
  int64_t &limit = patience[size_t(thread)].spins;
  int64_t spins = 0, yields = 0;
  while (generation.load(std::memory_order_acquire) == mine) {
    if (spins < limit) {
      relax();
      ++spins;
    } else {
      sched_yield();
      ++yields;
    }
  }
  // A yield that ends the wait gave the CPU to whom we waited for: yield sooner.
  // Many yields in vain mean that nobody else wanted it: spin longer.
  if (yields == 0) {
    limit = std::min(limit + limit / 8, mostSpins);
  } else {
    limit = yields <= 2 ? std::max(limit / 2, fewestSpins) : std::min(limit * 2, mostSpins);
  }
}

uint32_t ThreadTeam::waitForStep(int thread, uint32_t seen) {
  int64_t limit = patience[size_t(thread)].spins;
  for (int64_t spins = 0; spins < spinsBeforeParking; ++spins) {
    if (step.load(std::memory_order_acquire) != seen) {
      return seen + 1;
    }
    relax();
    if (spins > limit && spins % fewestSpins == 0) {
      sched_yield();
    }
  }
  parked.fetch_add(1);
  step.wait(seen);
  parked.fetch_sub(1);
  return seen + 1;
}

void ThreadTeam::work(int thread) {
  if (pin) {
    runThisThreadOn(std::span(cpus).subspan(size_t(thread) % cpus.size(), 1));
  }
  for (uint32_t seen = 0;;) {
    seen = waitForStep(thread, seen);
    if (stopping) {
      return;
    }
    current->run(thread);
    barrier(thread);
  }
}
