//===- RandomNumbers.h - two generators -------------------------*- C++ -*-===//
//
// PCG32 gives one number after the other: for benchmarks, tests and whoever else wants
// many. Philox4x32 gives the numbers that belong to a place, without those before it: for
// what must not depend on how work is divided. Both are the same on every platform.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <array>
#include <cstdint>

namespace dsv3 {

/// PCG32 (O'Neill, 2014; XSH-RR 64/32). Not thread-safe.
class RandomNumbers {
public:
  explicit RandomNumbers(uint64_t seed, uint64_t stream = 0);
  uint32_t next();
  /// Uniform in [0, 1), a multiple of 2^-53.
  double uniform();

private:
  uint64_t state, increment;
};

/// Philox4x32-10 (Salmon, Moraes, Dror and Shaw: Parallel Random Numbers: As Easy as 1, 2, 3,
/// 2011): four words that belong to the counter and the key.
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

} // namespace dsv3
