//===- ThreadTeam.cpp - threads that run steps together -------------------===//

#include "runtime/drivers/cpu/ThreadTeam.h"

#include "dsv3/Support/Cpus.h"
#include "runtime/base/Cpu.h"

#include <algorithm>
#include <csignal>
#include <pthread.h>
#include <string>
#include <system_error>

using namespace dsv3;
using namespace dsv3::runtime;

static constexpr int mostThreads = 4096;
/// Threads that run wait for each other in less; a longer wait is a sign that one has lost its
/// CPU.
static constexpr std::chrono::microseconds longWait{500};
/// A try with all threads on a crowded machine costs a few time slices: as much as this many
/// steps of the smallest models.
static constexpr int mostStepsAlone = 128;

Expected<std::unique_ptr<ThreadTeam>> ThreadTeam::create(const TeamOptions &options) {
  int threads = options.threads == 0 ? usefulThreads() : options.threads;
  if (threads < 1 || threads > mostThreads) {
    return Failure{"expected 1 to " + std::to_string(mostThreads) + " threads, found " +
                   std::to_string(threads)};
  }
  std::unique_ptr<ThreadTeam> team(new ThreadTeam(options, threads));
  // Signals are for the threads of the program that uses us, but for those that say what a thread
  // itself did: where these are blocked, the program ends without its handlers.
  sigset_t others, before;
  sigfillset(&others);
  for (int own : {SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP}) {
    sigdelset(&others, own);
  }
  pthread_sigmask(SIG_SETMASK, &others, &before);
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
  return team;
}

ThreadTeam::ThreadTeam(const TeamOptions &options, int threads)
    : count(threads), pin(options.pin), cpus(options.cpus), allowed(allowedCpus()) {
  if (cpus.empty()) {
    cpus = allowed;
  }
  workers.reserve(size_t(threads));
  bool crowded = size_t(threads) > allowed.size();
  pausesInStep = pausesIn(options.lateSpin);
  pausesBetweenSteps = pausesIn(options.idleSpin);
  waiters.assign(size_t(threads), Waiter(crowded ? 0 : pausesIn(longWait)));
}

ThreadTeam::~ThreadTeam() {
  stopping = true;
  step.change(step.value + 1);
  for (std::thread &worker : workers) {
    worker.join();
  }
  if (callerPinned) {
    runThisThreadOn(allowed);
  }
}

void ThreadTeam::run(Task &task) { runAll(task); }

void ThreadTeam::share(Task &task) {
  if (stepsAlone > 0) {
    --stepsAlone;
    task.run(0);
    return;
  }
  if (runAll(task)) {
    penalty /= 2;
  } else {
    penalty = std::clamp(2 * penalty, 1, mostStepsAlone);
    stepsAlone = penalty;
  }
}

bool ThreadTeam::runAll(Task &task) {
  if (pin && !callerPinned) {
    callerPinned = runThisThreadOn(std::span(cpus).first(1));
  }
  if (count > 1) {
    current = &task;
    step.change(step.value.load(std::memory_order_relaxed) + 1);
  }
  uint64_t begin = ticks();
  task.run(0);
  uint64_t worked = ticks();
  // The work of the others would have taken the caller about as long again for each of them.
  return barrier(0) || ticks() - worked <= uint64_t(count - 1) * (worked - begin);
}

bool ThreadTeam::barrier(int thread) {
  if (count == 1) {
    return true;
  }
  // The generation cannot move on without this thread.
  uint32_t mine = generation.value.load(std::memory_order_relaxed);
  if (arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == uint32_t(count)) {
    arrived.store(0, std::memory_order_relaxed);
    generation.change(mine + 1);
    return true;
  }
  return waiter(thread).wait(generation, mine, pausesInStep);
}

void ThreadTeam::work(int thread) {
  if (pin) {
    runThisThreadOn(std::span(cpus).subspan(size_t(thread) % cpus.size(), 1));
  }
  for (uint32_t seen = 0;; ++seen) {
    waiter(thread).wait(step, seen, pausesBetweenSteps);
    if (stopping) {
      return;
    }
    current->run(thread);
    barrier(thread);
  }
}
