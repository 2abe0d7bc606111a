//===- PackedOutbox.h - packed weights that wait to be taken ----*- C++ -*-===//
//
// Threads pack, the thread that asked for it takes what is ready to a device. Memory of what was
// taken goes back to the system, and threads wait where too much was not.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/params/PackJob.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace dsv3::runtime {

class PackedOutbox {
public:
  /// Made by the thread that takes; `options`, which have somebody who takes, must outlive it.
  explicit PackedOutbox(const LoadOptions &options) : options(options) {}

  /// An item is packed, which must outlive the box. By any thread.
  void add(const PackItem &item);
  /// Returns once there is room for more, or nobody will take anything more.
  void waitForRoom();
  /// Takes all that is ready.
  Status take();

private:
  const LoadOptions &options;
  const std::thread::id taker = std::this_thread::get_id();
  std::mutex mutex;
  std::condition_variable taken;
  std::vector<const PackItem *> ready;
  uint64_t readyBytes = 0;
  bool failed = false;
  Status held; ///< of what was taken before it was asked for
};

} // namespace dsv3::runtime
