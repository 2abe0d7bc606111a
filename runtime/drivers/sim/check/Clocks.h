//===- Clocks.h - what barriers in shared memory order ----------*- C++ -*-===//
//
// Vector clocks of the agents of the blocks of a cluster: their threads, the tensor cores of
// each warp and its tensor stores, and for each barrier the tensor copies that arrive at it. A
// thread that arrives at a barrier gives away what it knows, one that has waited for the phase
// takes it. Kept from the first such instruction of a lone block on; before that barriers of the
// block and of warps order all that there is (Shadow.h).
//
//===----------------------------------------------------------------------===//
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace dsv3::runtime::sim {

/// The last epoch of each agent that is known to lie before.
using Clock = std::vector<uint32_t>;

inline constexpr size_t mostBarriers = 64, mostWarps = 32, warpThreads = 32;

/// Who used 16 bytes of shared memory other than by plain loads and stores.
struct ChunkUse {
  uint32_t copier = 0, copied = 0;            ///< agent and epoch of the last copy of a tensor
  uint32_t storer = 0, stored = 0;            ///< likewise, of a copy from it
  std::array<uint32_t, mostWarps> products{}; ///< epoch of the last product of each warp
};

class Clocks {
public:
  /// Of blocks that begin, with as many warps and chunks of 16 bytes each.
  void begin(size_t blocks, size_t warps, size_t chunks);
  void activate();
  bool active() const { return !ofThreads.empty(); }

  /// Of a thread: what it knows, null if nothing is kept; and its own epoch.
  const uint32_t *known(size_t thread) const {
    return active() ? ofThreads[thread].data() : nullptr;
  }
  uint32_t epoch(size_t thread) const { return active() ? ofThreads[thread][thread] : 1; }

  /// What follows is of active clocks.
  void release(size_t thread, Clock &to);
  void acquire(size_t thread, const Clock &from);
  /// Threads that met at a barrier of their warp, or of the block, know all that each knew.
  void join(size_t first, size_t count);
  /// Likewise, of a named barrier.
  void join(std::span<const size_t> threads);
  void learn(size_t thread, size_t agent, uint32_t epoch);
  /// An agent that is no thread arrives with what it did until `epoch`.
  void release(size_t agent, uint32_t epoch, Clock &to) const;

  /// What a thread wrote so far, or knows that others wrote, is there for the asynchronous agents
  /// that it asks from now on.
  void fence(size_t thread);
  /// Whether what `writer` wrote in `epoch` is there for what `thread` asks for.
  bool isFenced(size_t writer, uint32_t epoch, size_t thread) const {
    return epoch <= fences[writer][writer] || epoch <= fences[thread][writer];
  }

  /// Agents that are no threads; warps of all blocks are counted on.
  size_t products(size_t warp) const { return threadCount + warp; }
  size_t stores(size_t warp) const { return threadCount + warpCount + warp; }
  size_t copies(size_t block, size_t barrier) const {
    return threadCount + 2 * warpCount + block * mostBarriers + barrier;
  }
  ChunkUse &use(size_t chunk) { return uses[chunk]; }

private:
  size_t blockCount = 1, warpCount = 0, threadCount = 0, chunkCount = 0;
  std::vector<Clock> ofThreads;
  std::vector<Clock> fences; ///< what each thread knew at its last
  std::vector<ChunkUse> uses;
};

} // namespace dsv3::runtime::sim
