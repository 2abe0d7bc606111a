//===- UnitJob.cpp - units of work on several threads ---------------------===//
#include "runtime/params/UnitJob.h"

#include "dsv3/Support/Cpus.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>

namespace dsv3::runtime {
namespace {

class UnitJob {
public:
  UnitJob(int64_t count, uint64_t totalBytes,
          const std::function<std::optional<uint64_t>(int64_t)> &work,
          const std::function<Status()> &beside)
      : count(count), totalBytes(totalBytes), work(work), beside(beside) {}

  Status run(const LoadOptions &options);

private:
  void takeUnits();
  void runThread();
  /// By the calling thread, until all others have ended.
  Status watch(const LoadOptions &options);

  int64_t count;
  uint64_t totalBytes;
  const std::function<std::optional<uint64_t>(int64_t)> &work;
  const std::function<Status()> &beside;
  std::atomic<int64_t> nextUnit = 0;
  std::atomic<uint64_t> doneBytes = 0;
  std::atomic<bool> stopped = false;

  std::mutex mutex;
  std::condition_variable finished;
  size_t working = 0;
  std::string broken; ///< what ended a thread, if anything
};

} // namespace

void UnitJob::runThread() {
  std::string problem;
  try {
    takeUnits();
  } catch (const std::exception &error) { // a thread's own memory: nothing else throws
    problem = error.what();
    stopped = true;
  }
  std::lock_guard lock(mutex);
  if (!problem.empty()) {
    broken = problem;
  }
  --working;
  finished.notify_one();
}

void UnitJob::takeUnits() {
  while (!stopped) {
    int64_t unit = nextUnit++;
    if (unit >= count) {
      break;
    }
    std::optional<uint64_t> done = work(unit);
    if (!done) {
      stopped = true;
      break;
    }
    doneBytes += *done;
  }
}

/// Threads run beside it, which must end before anything is thrown here.
static Status guarded(const std::function<Status()> &beside) {
  try {
    return beside();
  } catch (const std::exception &error) {
    return Failure{std::string("the weights cannot be loaded: ") + error.what()};
  }
}

Status UnitJob::watch(const LoadOptions &options) {
  constexpr std::chrono::milliseconds betweenReports(100), betweenCalls(2);
  Status status;
  auto nextReport = std::chrono::steady_clock::now();
  for (std::unique_lock lock(mutex); working > 0;) {
    finished.wait_for(lock, beside ? betweenCalls : betweenReports);
    lock.unlock();
    if (status && options.cancel && options.cancel->load()) {
      status = Failure{"interrupted"};
    }
    if (status && beside) {
      status = guarded(beside);
    }
    stopped = stopped || !status;
    auto now = std::chrono::steady_clock::now();
    if (options.progress && now >= nextReport) {
      options.progress(doneBytes, totalBytes);
      nextReport = now + betweenReports;
    }
    lock.lock();
  }
  if (options.progress) {
    options.progress(doneBytes, totalBytes);
  }
  return status && beside ? guarded(beside) : status;
}

Status UnitJob::run(const LoadOptions &options) {
  if (options.cancel && options.cancel->load()) {
    return Failure{"interrupted"};
  }
  int wanted = options.threads > 0 ? options.threads : usefulThreads();
  auto team = size_t(std::min<int64_t>(wanted, std::max<int64_t>(1, count)));
  std::vector<std::thread> threads;
  working = team;
  for (size_t i = 0; i < team; ++i) {
    try {
      threads.emplace_back([this] { runThread(); });
    } catch (const std::system_error &) { // the system gives no more threads
      std::lock_guard lock(mutex);
      working -= team - i;
      break;
    }
  }
  if (threads.empty()) {
    working = 1;
    runThread();
  }
  Status watched = watch(options);
  for (std::thread &thread : threads) {
    thread.join();
  }
  if (!broken.empty()) {
    return Failure{"the weights cannot be loaded: " + broken, "",
                   "every thread needs memory of its own: fewer --threads need less"};
  }
  return watched;
}

Status runUnits(int64_t count, uint64_t totalBytes, const LoadOptions &options,
                const std::function<std::optional<uint64_t>(int64_t)> &work,
                const std::function<Status()> &beside) {
  return UnitJob(count, totalBytes, work, beside).run(options);
}

} // namespace dsv3::runtime
