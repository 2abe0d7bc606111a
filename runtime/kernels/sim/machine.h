//===- machine.h - what a simulated thread asks of the simulator -*- C++ -*-===//
//
// The border between kernels that were compiled for the host and the driver `sim`
// (runtime/drivers/sim), which both include it. A thread of a kernel is a fiber; the
// stacks of all fibers of a worker lie in one region, at whose begin stands which of
// them runs, so that a thread finds itself by its stack pointer.
//
//===----------------------------------------------------------------------===//
#pragma once

/// DSV3_CHECKED: loads and stores are told to the simulator. DSV3_UNSEEN: those of a function are
/// not.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define DSV3_CHECKED
#define DSV3_UNSEEN __attribute__((no_sanitize("thread"), noinline))
#endif
#endif
#ifndef DSV3_UNSEEN
#define DSV3_UNSEEN
#endif

namespace dsv3::sim {

/// Raised by whoever changes what is said here, so that older code is compiled anew.
inline constexpr int machineRevision = 13;

/// Which lane a shuffle reads.
enum class Source : int { Xor, Up, Lane };

/// fence.mbarrier_init, fence.proxy.async, wgmma.fence.
enum class Fence : int { BarrierInit, Proxy, Products };

/// What stands for a CUtensorMap: a matrix, and the rows of a box.
struct alignas(64) TensorMap {
  const void *data;
  long long rows, rowBytes;
  int boxRows;
};
/// Sums of a thread of a product of warp groups of 64 x 128, and of one of 64 x 64.
inline constexpr int productSums = 64, halfProductSums = 32;

struct Machine;

/// A thread of the block that runs.
struct Thread {
  const Machine *machine;
  long long block, blocks; ///< its number along x, and how many the launch has
  int part, parts;         ///< its number along y, and how many there are
  int rank, clusterWidth;  ///< of the block in its cluster, and blocks of that along x
  int index;
  long long multiplyAdds; ///< that it did, where the code is observed
};

/// The instructions that need more than the thread itself. Each returns when the hardware's
/// would; collective ones once all lanes of the warp, or threads of the block, have come.
struct Machine {
  void (*syncBlock)(Thread &);
  void (*syncWarp)(Thread &);
  unsigned (*shuffle)(Thread &, Source source, unsigned value, unsigned lane);
  unsigned (*ballot)(Thread &, bool vote);
  void (*loadMatrices)(Thread &, const void *row, unsigned (&fragment)[4]);
  void (*loadTransposed)(Thread &, const void *row, unsigned (&fragment)[4]);
  void (*multiplyMatrices)(Thread &, float (&sums)[4], const unsigned (&a)[4], unsigned b0,
                           unsigned b1);
  void (*multiplyCodes)(Thread &, float (&sums)[4], const unsigned (&a)[4], unsigned b0,
                        unsigned b1);
  void (*copyAsync)(Thread &, void *to, const void *from, int bytes);
  void (*commitCopies)(Thread &);
  void (*waitForCopies)(Thread &, int pending);
  void (*atomicLeast)(Thread &, unsigned long long *place, unsigned long long value);
  void (*atomicSum)(Thread &, unsigned long long *place, unsigned long long value);
  unsigned long long (*loadVolatile)(Thread &, const unsigned long long *place);
  /// Array `number` of the block's dynamic shared memory, `bytes` from `offset` on, all of it if
  /// `bytes` is negative. What lies between arrays here does not on a GPU.
  unsigned char *(*sharedArray)(Thread &, int number, long long offset, long long bytes);
  /// A load or store of code that was compiled to be checked, at `site`.
  void (*observe)(Thread &, const void *place, unsigned bytes, bool store, const void *site);
  // Of sm_90a: barriers in shared memory, tensor copies, products of warp groups, clusters.
  void (*initBarrier)(Thread &, unsigned long long *barrier, int arrivals);
  /// `bytes` more of tensor copies are waited for.
  void (*arrive)(Thread &, unsigned long long *barrier, int bytes);
  bool (*tryWait)(Thread &, unsigned long long *barrier, int parity);
  void (*fence)(Thread &, Fence fence);
  void (*copyTensor)(Thread &, void *to, const TensorMap *map, int column, int row,
                     unsigned long long *barrier);
  /// Of a place in shared memory, as matrix descriptors hold it.
  unsigned (*sharedAddress)(Thread &, const void *place);
  /// `count` sums, of either product.
  void (*multiplyGroup)(Thread &, float *sums, int count, unsigned long long a,
                        unsigned long long b, bool adds);
  /// `transposed`: rows of b are those of k.
  void (*multiplyFragment)(Thread &, float (&sums)[productSums], const unsigned (&a)[4],
                           unsigned long long b, bool transposed);
  void (*multiplyGroupOfCodes)(Thread &, float (&sums)[productSums], unsigned long long a,
                               unsigned long long b, bool adds);
  void (*commitProducts)(Thread &);
  void (*waitForProducts)(Thread &, int pending);
  void (*setRegisters)(Thread &, int count);
  void (*waitForEarlierLaunches)(Thread &);
  void (*storeMatrices)(Thread &, void *row, const unsigned (&fragment)[4]);
  /// To the same place of each block of the cluster that `mask` has a bit for.
  void (*copyToBlocks)(Thread &, void *to, const TensorMap *map, int column, int row,
                       unsigned long long *barrier, unsigned mask);
  void (*storeTensor)(Thread &, const void *from, const TensorMap *map, int column, int row);
  void (*commitStores)(Thread &);
  void (*waitForStores)(Thread &, int pending);
  void (*arriveCluster)(Thread &);
  void (*waitForCluster)(Thread &);
  /// What is in the shared memory of that block where `place` is in that of the thread's.
  void *(*ofBlock)(Thread &, void *place, int rank);
  /// `threads` threads, of whole warps, meet at barrier `number` of the block.
  void (*syncNamed)(Thread &, int number, int threads);
};

/// Bytes of a worker's region, at a multiple of which it begins.
inline constexpr unsigned long regionBytes = 1ul << 27;

/// What stands at the begin of a region.
struct Region {
  Thread *running;
};

DSV3_UNSEEN inline Thread &thisThread() {
  auto *frame = static_cast<char *>(__builtin_frame_address(0));
  frame -= reinterpret_cast<unsigned long>(frame) % regionBytes;
  return *reinterpret_cast<Region *>(frame)->running;
}

} // namespace dsv3::sim
