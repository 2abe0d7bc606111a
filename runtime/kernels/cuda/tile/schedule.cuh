//===- schedule.cuh - which keys of which tokens a block attends -*- C++ -*-===//
//
// The pages that a token sees are divided among up to `parts` parts, by its position alone
// (kern.latent_attention): never by what else is in the step or by how many blocks there are.
// Neighbouring tokens of a request share keys where their parts have as many pages. Parts are
// handed out to persistent blocks in turn, to and fro, those with the most pages first, so that
// blocks have about as much to do where requests are of very different lengths. Each block finds
// out by itself: tokens are few, and to look at their positions costs no launch.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/block.cuh"
#include "runtime/kernels/cuda/tile/cache.cuh"
#include "runtime/kernels/cuda/tile/keys.cuh"

namespace dsv3::gpu {

/// What a block does at a time.
struct AttentionItem {
  int first, count;       ///< tokens
  int request, lastKey;   ///< of these, and the last key that one of them sees
  int headTile;           ///< of `headTiles`
  int part, parts;        ///< of the keys, and how many have any
  int firstPage, endPage; ///< of the part
};

/// Of up to `mostTokens` tokens in a step, of which `tokens` at the most share their keys. With no
/// parts keys are not divided.
template <int mostTokens, int tokens, int headTiles, int parts, int leastPages, typename C>
class AttentionSchedule {
public:
  /// Numbers in shared memory.
  static constexpr int numbers = 4 * mostTokens + int(ceilDiv(mostTokens, warpLanes));

  __device__ AttentionSchedule(Launch launch, C cache, SharedArrays &shared)
      : launch(launch), cache(cache), lastKey(shared.take<int>(mostTokens)),
        request(shared.take<int>(mostTokens)), count(shared.take<int>(mostTokens)),
        order(shared.take<int>(mostTokens)), wrong(shared.take<int>(warps)) {}

  /// False, for all threads, if a token's position or request cannot be right.
  __device__ bool load(const int32 *positions, const int32 *requests, int64 allTokens) {
    all = int(allTokens);
    int t = threadIndex();
    if (warpIndex() < warps) {
      uint32 votes = ballot(t < all && !cache.checked(launch, positions[t], requests[t]));
      if (laneIndex() == 0) {
        wrong[warpIndex()] = votes != 0 ? 1 : 0;
      }
    }
    if (t < all) {
      readToken(positions, requests, t);
    }
    syncBlock();
    if (t < all) {
      order[rankOf(t)] = t;
    }
    syncBlock();
    int sum = 0;
    for (int warp = 0; warp < warps; ++warp) {
      sum += wrong[warp];
    }
    return sum == 0;
  }

  /// visit(item) for the block's.
  template <typename Visit>
  __device__ void forItems(const Visit &visit) const {
    int before = 0, rank = 0; // items of the tokens that come earlier in the order
    auto block = int(blockIndex()), blocks = int(blockCount()), round = 0, index = block;
    while (rank < all && count[order[rank]] > 0) {
      int t = order[rank], pages = pagesOf(t), each = ofPart(pages);
      int ofKeys = int(ceilDiv(pages, each)), end = before + ofKeys * headTiles;
      if (index >= end) {
        before = end;
        ++rank;
        continue;
      }
      int part = (index - before) / headTiles, first = part * each;
      visit(AttentionItem{t, count[t], request[t], lastKey[t], (index - before) % headTiles, part,
                          ofKeys, first, first + each < pages ? first + each : pages});
      ++round; // who has a long part now has a short one next
      index = round * blocks + (round % 2 == 1 ? blocks - 1 - block : block);
    }
  }

private:
  static constexpr int warps = int(ceilDiv(mostTokens, warpLanes)); ///< that have a token

  /// The first of tokens that share their keys knows of all of them, the others have no keys.
  __device__ void readToken(const int32 *positions, const int32 *requests, int t) const {
    request[t] = requests[t];
    lastKey[t] = -1;
    count[t] = 0;
    if (t % tokens != 0 && share(t - 1, t, positions, requests)) {
      return;
    }
    int last = positions[t], end = t + 1;
    for (; end < all && end % tokens != 0 && share(t, end, positions, requests); ++end) {
      last = positions[end] > last ? positions[end] : last;
    }
    count[t] = end - t;
    lastKey[t] = last;
  }
  static __device__ bool share(int a, int b, const int32 *positions, const int32 *requests) {
    return requests[a] == requests[b] &&
           (parts == 0 || ofPart(pagesTo(positions[a])) == ofPart(pagesTo(positions[b])));
  }

  /// How many are before the token in the order: those with longer parts, and of equal ones those
  /// before it in the step.
  __device__ int rankOf(int t) const {
    int mine = longestOf(t), rank = 0;
    for (int other = 0; other < all; ++other) {
      int of = longestOf(other);
      rank += of > mine || (of == mine && other < t) ? 1 : 0;
    }
    return rank;
  }
  static __device__ int pagesTo(int position) { return position / C::pageTokens + 1; }
  __device__ int pagesOf(int t) const { return count[t] > 0 ? pagesTo(lastKey[t]) : 0; }
  static __device__ int ofPart(int pages) { return pagesOfPart<parts, leastPages>(pages); }
  /// Pages of the longest part; none of a token whose keys are another's.
  __device__ int longestOf(int t) const {
    int pages = pagesOf(t), each = ofPart(pages);
    return each < pages ? each : pages;
  }

  Launch launch;
  C cache;
  int all = 0;                                    ///< tokens of the step
  int *lastKey, *request, *count, *order, *wrong; ///< the last of warps, the others of tokens
};

} // namespace dsv3::gpu
