//===- Waiting.h - how a thread waits for another ---------------*- C++ -*-===//
//
// A thread that waits spins; where that lasts longer than waits among running threads do,
// it yields its CPU, with pauses that grow, and in the end parks in a futex: whoever it
// waits for has lost its CPU, and has one sooner if nobody spins. Where CPUs are shared
// with others a waiter learns to spin for less.
//
// A thread that is about to park first counts itself in `parked` and then waits for the
// value to change; who changes the value does so first and then looks at `parked`. Both
// in the single order of sequentially consistent operations, so either sees the other.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <sched.h>

namespace dsv3::runtime {

inline constexpr size_t cacheLine = 64;

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// A clock that is no system call, for comparing times of one thread: its unit is unknown.
inline uint64_t ticks() {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#else
  return uint64_t(std::chrono::steady_clock::now().time_since_epoch().count());
#endif
}

/// How many pauses take `time`. Measured, since a pause takes 10 to 150 cycles and asking the
/// clock while waiting may be a system call.
int64_t pausesIn(std::chrono::microseconds time);

/// A number that threads wait for to change.
template <typename T>
struct alignas(cacheLine) Signal {
  std::atomic<T> value{0};
  std::atomic<uint32_t> parked{0};

  /// Wakes who has parked: the only system call here, where there is one.
  void change(T next) {
    value.store(next);
    if (parked.load() > 0) {
      value.notify_all();
    }
  }
};

/// Used by one thread.
class alignas(cacheLine) Waiter {
public:
  /// Spins at most `mostSpins` times before it yields.
  explicit Waiter(int64_t mostSpins)
      : mostSpins(std::max(mostSpins, fewestSpins)), spins(this->mostSpins) {}

  /// Spins where waiting without the CPU is known to help, and the first pause between yields.
  static constexpr int64_t fewestSpins = 64;

  /// Returns once the value is another than `seen`, and whether spinning was enough; parks after
  /// about `mostPauses`, sooner where CPUs are shared.
  template <typename T>
  bool wait(Signal<T> &signal, T seen, int64_t mostPauses) {
    auto changes = [&](int64_t pauses) {
      for (; pauses > 0; --pauses) {
        if (signal.value.load(std::memory_order_acquire) != seen) {
          return true;
        }
        relax();
      }
      return false;
    };
    if (changes(std::min(spins, mostPauses))) {
      spins = std::min(spins + spins / 64 + 1, mostSpins);
      return true;
    }
    spins = std::max(spins / 2, fewestSpins);
    int64_t pauses = spins;
    bool shared = spins < mostSpins / 4;
    mostPauses = shared ? mostPauses / 64 : mostPauses;
    for (int64_t next = fewestSpins; pauses < mostPauses; next *= 2) {
      sched_yield();
      if (changes(next)) {
        return false;
      }
      pauses += next;
    }
    signal.parked.fetch_add(1);
    signal.value.wait(seen);
    signal.parked.fetch_sub(1);
    return false;
  }

private:
  int64_t mostSpins, spins;
};

} // namespace dsv3::runtime
