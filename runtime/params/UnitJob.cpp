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
          const std::function<std::optional<uint64_t>(int64_t)> &work)
      : count(count), totalBytes(totalBytes), work(work) {}

  Status run(const LoadOptions &options);

private:
  void takeUnits();
  void runThread();

  int64_t count;
  uint64_t totalBytes;
  const std::function<std::optional<uint64_t>(int64_t)> &work;
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

Status UnitJob::run(const LoadOptions &options) {
  constexpr std::chrono::milliseconds betweenReports(100);
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
  bool interrupted = false;
  for (std::unique_lock lock(mutex); working > 0;) {
    finished.wait_for(lock, betweenReports);
    if (options.cancel && options.cancel->load()) {
      interrupted = stopped = true;
    }
    if (options.progress) {
      lock.unlock();
      options.progress(doneBytes, totalBytes);
      lock.lock();
    }
  }
  for (std::thread &thread : threads) {
    thread.join();
  }
  if (!broken.empty()) {
    return Failure{"the weights cannot be loaded: " + broken, "",
                   "every thread needs memory of its own: fewer --threads need less"};
  }
  return interrupted ? Failure{"interrupted"} : Status();
}

Status runUnits(int64_t count, uint64_t totalBytes, const LoadOptions &options,
                const std::function<std::optional<uint64_t>(int64_t)> &work) {
  return UnitJob(count, totalBytes, work).run(options);
}

} // namespace dsv3::runtime
