//===- machine.h - what a simulated thread asks of the simulator -*- C++ -*-===//
//
// The border between kernels that were compiled for the host and the driver `sim`
// (runtime/drivers/sim), which both include it. A thread of a kernel is a fiber; the
// stacks of all fibers of a worker lie in one region, at whose begin stands which of
// them runs, so that a thread finds itself by its stack pointer.
//
//===----------------------------------------------------------------------===//
#pragma once

namespace dsv3::sim {

/// Raised by whoever changes what is said here, so that older code is compiled anew.
inline constexpr int machineRevision = 1;

/// Which lane a shuffle reads.
enum class Source : int { Xor, Up, Lane };

struct Machine;

/// A thread of the block that runs.
struct Thread {
  const Machine *machine;
  long long block;
  int index;
  unsigned char *shared; ///< the block's dynamic shared memory
};

/// The instructions that need more than the thread itself. Each returns when the hardware's
/// would; collective ones once all lanes of the warp, or threads of the block, have come.
struct Machine {
  void (*syncBlock)(Thread &);
  void (*syncWarp)(Thread &);
  unsigned (*shuffle)(Thread &, Source source, unsigned value, unsigned lane);
  void (*loadMatrices)(Thread &, const void *row, unsigned (&fragment)[4]);
  void (*multiplyMatrices)(Thread &, float (&sums)[4], const unsigned (&a)[4], unsigned b0,
                           unsigned b1);
  void (*copyAsync)(Thread &, void *to, const void *from, int bytes);
  void (*commitCopies)(Thread &);
  void (*waitForCopies)(Thread &, int pending);
  void (*atomicLeast)(Thread &, unsigned long long *place, unsigned long long value);
  unsigned long long (*loadVolatile)(Thread &, const unsigned long long *place);
};

/// Bytes of a worker's region, at a multiple of which it begins.
inline constexpr unsigned long regionBytes = 1ul << 27;

/// What stands at the begin of a region.
struct Region {
  Thread *running;
};

inline Thread &thisThread() {
  auto frame = reinterpret_cast<unsigned long>(__builtin_frame_address(0));
  return *reinterpret_cast<Region *>(frame & ~(regionBytes - 1))->running;
}

} // namespace dsv3::sim
