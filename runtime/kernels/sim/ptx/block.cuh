//===- block.cuh - the threads of a block, simulated ------------*- C++ -*-===//
//
// Stands for runtime/kernels/cuda/ptx/block.cuh where kernels are compiled for the host.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/types.cuh"
#include "runtime/kernels/sim/machine.h"

namespace dsv3::gpu {

inline constexpr int warpLanes = 32;

inline int threadIndex() { return sim::thisThread().index; }
inline int64 blockIndex() { return sim::thisThread().block; }
inline int64 blockCount() { return sim::thisThread().blocks; }
inline int warpIndex() { return threadIndex() / warpLanes; }
inline int laneIndex() { return threadIndex() % warpLanes; }

inline void syncBlock() {
  sim::Thread &thread = sim::thisThread();
  thread.machine->syncBlock(thread);
}
inline void syncNamed(int number, int threads) {
  sim::Thread &thread = sim::thisThread();
  thread.machine->syncNamed(thread, number, threads);
}
inline void syncWarp() {
  sim::Thread &thread = sim::thisThread();
  thread.machine->syncWarp(thread);
}

inline uint32 shuffleBits(sim::Source source, uint32 value, int lane) {
  sim::Thread &thread = sim::thisThread();
  return thread.machine->shuffle(thread, source, value, uint32(lane));
}
inline float shuffleXor(float value, int mask) {
  return fromBits(shuffleBits(sim::Source::Xor, toBits(value), mask));
}
inline int shuffleXor(int value, int mask) {
  return int(shuffleBits(sim::Source::Xor, uint32(value), mask));
}
inline int shuffleUp(int value, int delta) {
  return int(shuffleBits(sim::Source::Up, uint32(value), delta));
}
inline int shuffle(int value, int lane) {
  return int(shuffleBits(sim::Source::Lane, uint32(value), lane));
}

inline uint32 ballot(bool vote) {
  sim::Thread &thread = sim::thisThread();
  return thread.machine->ballot(thread, vote);
}
inline int countOf(uint32 bits) { return __builtin_popcount(bits); }

inline unsigned char *sharedMemory() {
  sim::Thread &thread = sim::thisThread();
  return thread.machine->sharedArray(thread, 0, 0, -1);
}

class SharedArrays {
public:
  template <typename T>
  T *take(int count) {
    sim::Thread &thread = sim::thisThread();
    int64 bytes = count * int64(sizeof(T));
    auto *array = reinterpret_cast<T *>(thread.machine->sharedArray(thread, number, taken, bytes));
    taken += bytes;
    ++number;
    return array;
  }

private:
  int64 taken = 0;
  int number = 0;
};

inline void atomicLeast(uint64 *place, uint64 value) {
  sim::Thread &thread = sim::thisThread();
  thread.machine->atomicLeast(thread, place, value);
}
inline void atomicSum(uint64 *place, uint64 value) {
  sim::Thread &thread = sim::thisThread();
  thread.machine->atomicSum(thread, place, value);
}
inline uint64 loadVolatile(const uint64 *place) {
  sim::Thread &thread = sim::thisThread();
  return thread.machine->loadVolatile(thread, place);
}

} // namespace dsv3::gpu
