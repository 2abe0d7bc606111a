//===- PackJob.cpp - packing on several threads ---------------------------===//
//
// Threads take the next unit from one counter. The calling thread packs nothing: it
// reports progress and watches for the wish to stop.
//
//===----------------------------------------------------------------------===//
#include "runtime/params/PackJob.h"

#include "dsv3/Support/Cpus.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

namespace dsv3::runtime {
namespace {

class PackJob {
public:
  PackJob(std::span<const PackItem> items, const std::function<void(const PackItem &)> &whenDone)
      : items(items), whenDone(whenDone), remaining(new std::atomic<int64_t>[items.size()]) {
    firstUnits.push_back(0);
    for (size_t i = 0; i < items.size(); ++i) {
      int64_t units = items[i].packer->unitCount();
      remaining[i] = units;
      firstUnits.push_back(firstUnits.back() + units);
      totalBytes += items[i].packer->dataBytes();
    }
  }

  Status run(const LoadOptions &options);

private:
  void work();
  void packUnits();
  /// Remembers the first item that is damaged.
  void report(size_t item) {
    stopped = true;
    std::lock_guard lock(mutex);
    damaged = std::min(damaged, item);
  }

  std::span<const PackItem> items;
  const std::function<void(const PackItem &)> &whenDone;
  std::vector<int64_t> firstUnits; ///< of each item, and the end
  std::unique_ptr<std::atomic<int64_t>[]> remaining;
  uint64_t totalBytes = 0;
  std::atomic<int64_t> nextUnit = 0;
  std::atomic<uint64_t> doneBytes = 0;
  std::atomic<bool> stopped = false;

  std::mutex mutex;
  std::condition_variable finished;
  size_t working = 0;
  size_t damaged = SIZE_MAX;
  std::string broken; ///< what ended a thread, if anything
};

} // namespace

void PackJob::work() {
  std::string problem;
  try {
    packUnits();
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

void PackJob::packUnits() {
  while (!stopped) {
    int64_t unit = nextUnit++;
    if (unit >= firstUnits.back()) {
      break;
    }
    auto after = std::upper_bound(firstUnits.begin(), firstUnits.end(), unit);
    auto index = size_t(after - firstUnits.begin()) - 1;
    const PackItem &item = items[index];
    int64_t inItem = unit - firstUnits[index];
    if (!item.packer->packUnit(inItem, item.reader, item.data, item.scales)) {
      report(index);
      break;
    }
    doneBytes += item.packer->unitBytes(inItem);
    if (--remaining[index] == 0) {
      whenDone(item);
    }
  }
}

Status PackJob::run(const LoadOptions &options) {
  constexpr std::chrono::milliseconds betweenReports(100);
  int wanted = options.threads > 0 ? options.threads : usefulThreads();
  auto count = size_t(std::min<int64_t>(wanted, std::max<int64_t>(1, firstUnits.back())));
  std::vector<std::thread> threads;
  working = count;
  for (size_t i = 0; i < count; ++i) {
    try {
      threads.emplace_back([this] { work(); });
    } catch (const std::system_error &) { // the system gives no more threads
      std::lock_guard lock(mutex);
      working -= count - i;
      break;
    }
  }
  if (threads.empty()) {
    working = 1;
    work();
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
  if (damaged != SIZE_MAX) {
    Status status = items[damaged].reader.findDamage();
    return status ? Failure{"the weights changed while they were read"} : status;
  }
  if (!broken.empty()) {
    return Failure{"the weights cannot be packed: " + broken, "",
                   "every thread that packs needs memory of its own: fewer --threads need less"};
  }
  return interrupted ? Failure{"interrupted"} : Status();
}

Status packItems(std::span<const PackItem> items, const LoadOptions &options,
                 const std::function<void(const PackItem &)> &whenDone) {
  return PackJob(items, whenDone).run(options);
}

} // namespace dsv3::runtime
