//===- prompt.cuh - expanded keys and values of a step's requests -*- C++ -*-===//
//
// kern.expand_latents writes and kern.prefill_attention reads, as bf16:
//   keys [rows][heads][nope], a row for each position of each request, in pieces of `pieceKeys`;
//   rope keys [rows][rope]; values [heads][value][rows].
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/tile/failure.cuh"
#include "runtime/kernels/cuda/tile/promote.cuh"
#include "runtime/kernels/cuda/tile/reduce.cuh"
#include "runtime/kernels/cuda/tile/tokens.cuh"

namespace dsv3::gpu {

/// Keys that are expanded, and met by queries, together.
inline constexpr int pieceKeys = productColumns;

/// `requestCount` requests of up to `context` tokens.
template <int64 context, int requestCount>
struct ExpandedKeys {
  static constexpr int requests = requestCount;
  static constexpr int pageTokens = pieceKeys; ///< for BlockTokens
  static constexpr int64 rowsOfRequest = ceilDiv(context, pieceKeys) * pieceKeys;

  static __device__ bool checked(Launch launch, int position, int request) {
    return launch.checked(position, context) && launch.checked(request, requests);
  }
};

/// Tokens of a block, and the keys of each of their requests up to the last that one of them sees.
template <int tokens, int threads, typename Keys>
struct PromptTokens : BlockTokens<tokens, threads, Keys> {
  using Base = BlockTokens<tokens, threads, Keys>;

  int *last, *next;
  int lastOfAll; ///< where all tokens have one request; else -1

  __device__ PromptTokens(Launch launch, int64 first, int64 allTokens, SharedArrays &shared)
      : Base(launch, Keys(), first, allTokens, shared), last(shared.take<int>(tokens)),
        next(shared.take<int>(tokens)) {}

  /// False, for all threads, if a token's position or request cannot be right.
  __device__ bool load(const int32 *positions, const int32 *requests) {
    if (!Base::load(positions, requests)) {
      return false;
    }
    int most = 0, others = 0;
    for (int t = laneIndex(); t < Base::count; t += warpLanes) {
      most = Base::position[t] > most ? Base::position[t] : most;
      others += Base::request[t] != Base::request[0] ? 1 : 0;
    }
    most = warpLargest(most);
    bool alike = ballot(others > 0) == 0;
    lastOfAll = alike ? most : -1;
    if (!alike) { // the same for all warps
      findRequests();
    }
    return true;
  }

  /// visit(request, start) for pieces of keys from position `start` on.
  template <typename Visit>
  __device__ void forPieces(const Visit &visit) const {
    for (int t = 0; t < Base::count; t = lastOfAll >= 0 ? Base::count : next[t]) {
      int end = lastOfAll >= 0 ? lastOfAll : last[t];
      for (int start = 0; start <= end; start += pieceKeys) {
        visit(Base::request[t], start);
      }
    }
  }

private:
  /// For the first token of each request its last position, and the next such token.
  __device__ void findRequests() {
    for (int t = threadIndex(); t < Base::count; t += threads) {
      last[t] = Base::lastOf(t);
    }
    syncBlock();
    for (int t = threadIndex(); t < Base::count; t += threads) {
      int other = t + 1;
      while (last[t] >= 0 && other < Base::count && last[other] < 0) {
        ++other;
      }
      next[t] = other;
    }
    syncBlock();
  }
};

} // namespace dsv3::gpu
