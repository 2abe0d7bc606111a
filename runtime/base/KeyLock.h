//===- KeyLock.h - one at a time makes what a key names ---------*- C++ -*-===//
//
// Locks one byte, chosen by the key, of the file `.lock` in a cache's folder, so there is
// one such file, however many keys there are. The system gives the lock back when its holder
// ends, however that is. Two keys that share a byte wait for each other without need; a thread
// holds one lock at a time, so nobody waits in a circle. Linux.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <string_view>

namespace dsv3::runtime {

class KeyLock {
public:
  static constexpr std::string_view fileName = ".lock";

  /// Waits until it holds the lock, or `cancel`, which may be null, is true. Makes the folder
  /// where need be. Where no lock can be had (no folder, a file system without locks), it holds
  /// none: then some work is done twice. `waits`, which may be empty, is called once where somebody
  /// else holds it.
  KeyLock(const std::filesystem::path &folder, std::string_view key,
          const std::atomic<bool> *cancel, const std::function<void()> &waits = {});
  ~KeyLock();
  KeyLock(const KeyLock &) = delete;
  KeyLock &operator=(const KeyLock &) = delete;

private:
  int descriptor = -1;
};

} // namespace dsv3::runtime
