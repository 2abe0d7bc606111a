//===- Meter.h - what a block does, as far as it costs time -----*- C++ -*-===//
//
// Listens to a block whose accesses are observed, as the checker does, and checks nothing:
// counts instructions of warps, wavefronts and sectors, follows what each warp waits for,
// and writes down which lines of global memory pass the first-level cache.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/drivers/sim/Tensor.h"
#include "runtime/drivers/sim/check/Meetings.h"
#include "runtime/predict/LaunchModel.h"
#include "runtime/predict/SectorCache.h"

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace dsv3::runtime::sim {

/// Used by one thread at a time.
class Meter {
public:
  /// `code` is that of the kernel with its constants; `cacheBytes` is a block's share of the
  /// first-level cache.
  void beginLaunch(std::span<const std::byte> code, int64_t cacheBytes);
  void beginBlock(size_t warps, std::span<const std::byte> sharedMemory);
  /// `multiplyAdds` of each thread of the block.
  void endBlock(std::span<const int64_t> multiplyAdds);

  bool isShared(const void *place) const { return isIn(shared, place); }
  bool isCode(const void *place) const { return isIn(code, place); }

  /// The lanes of a warp are in step: what they did since. Empties the lists.
  void flush(size_t warp, std::span<std::vector<AccessEntry>> lanes);
  /// An instruction of tensor cores that does as much as `products` of m16n8k16.
  void product(int products) { work.products += products, ++work.instructions; }
  /// A warp's part of a product of its warp group.
  void product(const SliceProduct &product);
  /// A tensor copy or store, which goes past the first-level cache; and what a copy brings to a
  /// block.
  void load(const TensorBox &box, const void *site) { pass(box, false, site); }
  void store(const TensorBox &box, const void *site) {
    pass(box, true, site);
    fill(box); // it is read as fast
  }
  void fill(const TensorBox &box) { work.sharedWavefronts += double(bytesOf(box)) / lineBytes; }
  void shuffle(size_t warp) { ++chains[warp].shuffles, ++work.instructions; }
  /// A warp waits until no more than `pending` groups of copies are on their way.
  void waitForCopies(size_t warp, int pending);
  void barrier();            ///< of the block
  void barrier(size_t warp); ///< of some warps, of which this is one

  /// Of the blocks since the launch began: all but `blocks` and what lies behind the first level.
  const LaunchWork &counted() const { return work; }
  /// Lines that the last block asked the L2 for, or stored, in its order.
  std::span<const LineAccess> trace() const { return lines; }
  /// Of lanes, and of 16 bytes each by tensor copies, since the launch began.
  int64_t accesses() const { return seen; }

private:
  /// A place in the code that loads, and how often it did since the warp last waited.
  struct Load {
    const void *site;
    int times;
  };
  static bool isIn(std::span<const std::byte> range, const void *place) {
    return size_t(static_cast<const std::byte *>(place) - range.data()) < range.size();
  }
  void access(size_t warp, std::span<const AccessEntry> entries, std::span<const int> numbers);
  void pass(const TensorBox &box, bool store, const void *site);
  void touchLines(std::span<const AccessEntry> entries);
  void noteLoad(size_t warp, const void *site);
  void finishLoads(size_t warp);

  std::span<const std::byte> code, shared;
  Meetings meetings;
  std::unique_ptr<SectorCache> cache;
  LaunchWork work;
  std::vector<WaitChain> chains;         ///< of each warp
  std::vector<std::vector<Load>> waited; ///< of each warp, what it has not waited for
  std::vector<LineAccess> lines, touched;
  int64_t blocks = 0, seen = 0;
  double longestChain = 0;
};

} // namespace dsv3::runtime::sim
