//===- Waiting.cpp - how a thread waits for another -----------------------===//
#include "runtime/drivers/cpu/Waiting.h"

namespace dsv3::runtime {

int64_t pausesIn(std::chrono::microseconds time) {
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

} // namespace dsv3::runtime
